"""The verbs over the files that nodes install."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wincnode.cli.app import app
from wincnode.cli.options import DEFAULT_INVENTORY, Format, InventoryFile, Output, today
from wincnode.errors import ConfigError

if TYPE_CHECKING:
    from wincnode.artifacts.fetch import Moved
    from wincnode.commands.lock import Outcome

QUARTERS = 4


@app.command()
def lock(
    inventory: InventoryFile = DEFAULT_INVENTORY,
    output: Output = Format.table,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; end with 3 if the file would change.")
    ] = False,
    download: Annotated[
        bool, typer.Option("--download", help="Fill the cache with the verified files too.")
    ] = False,
    mirror: Annotated[
        list[str] | None,
        typer.Option(
            "--mirror",
            metavar="[NAME=]URL",
            help="A mirror of all files, or of one artifact's; over the inventory's.",
        ),
    ] = None,
    allow_unverified: Annotated[
        bool,
        typer.Option("--allow-unverified", help="Take files that no checksum vouches for."),
    ] = False,
) -> None:
    """Pin the files that nodes install: versions, URLs, SHA-256 and how each was verified.

    Example: wincnode lock --download
    """
    import json
    import os

    from wincnode.artifacts.fetch import cache_folder
    from wincnode.commands import lock as verb
    from wincnode.inventory import load_settings

    if check and download:
        raise ConfigError("--check changes nothing, --download fills the cache; give one of them")
    job = verb.Job(
        today=today(),
        cache=cache_folder(os.environ, Path.home()),
        check=check,
        download=download,
        allow_unverified=allow_unverified,
        mirrors=_mirrors(mirror or []),
    )
    outcome = verb.run(load_settings(inventory), job, _teller())
    for text in outcome.warnings:
        typer.echo(f"warning: {text}", err=True)
    if output is Format.json:
        typer.echo(json.dumps(verb.to_data(outcome), indent=2))
    else:
        _show(outcome)
    raise typer.Exit(outcome.exit_code)


def _mirrors(words: list[str]) -> dict[str, str]:
    """Give the base URL by artifact; `""` is all.

    Raises: ConfigError: a word is neither a URL nor NAME=URL.
    """
    from wincnode.inventory.fields import BASE_URL

    found = {}
    for word in words:
        name, _, url = word.rpartition("=") if re.match("[a-z0-9-]+=", word) else ("", "", word)
        if not re.fullmatch(BASE_URL, url):
            raise ConfigError("--mirror takes URL or NAME=URL, http or https, without credentials")
        found[name] = url
    return found


def _teller() -> Callable[[str, Moved | str], None]:
    """Give what prints progress to stderr: a line per thing done and per quarter of a file."""
    quarters: dict[str, int] = {}

    def tell(name: str, what: Moved | str) -> None:
        if isinstance(what, str):
            typer.echo(f"{name}: {what}", err=True)
            return
        quarter = what.done * QUARTERS // what.total
        if quarter > quarters.get(name, 0):
            quarters[name] = quarter
            share = 100 * quarter // QUARTERS
            typer.echo(f"{name}: {share} % of {what.total / 1024**2:.1f} MiB", err=True)

    return tell


def _show(outcome: Outcome) -> None:
    for row in outcome.entries:
        typer.echo(f"{row.component:20} {row.version:18} {row.sha256}  {row.verified}")
    for text in outcome.changes:
        typer.echo(f"changed: {text}")
    verdict = "is current"
    if outcome.changes:
        verdict = "would change" if outcome.check else "written"
    typer.echo(f"{outcome.path}: {verdict}")
