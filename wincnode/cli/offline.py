"""The verbs that need no node."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from wincnode.cli.app import app
from wincnode.errors import ConfigError


def _ids(incomplete: str) -> list[str]:
    from wincnode.commands.explain import ids

    return [id for id in ids() if id.startswith(incomplete)]


@app.command()
def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")] = Path(
        "wincnode.yaml"
    ),
) -> None:
    """Write a commented first inventory; an existing file is left alone.

    Example: wincnode init
    """
    from wincnode.inventory.sample import sample_text

    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(sample_text())
    except FileExistsError as error:
        raise ConfigError(f"{file} exists and was left alone") from error
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written: {error.strerror}") from error
    typer.echo(f"wrote {file}")


class Said(StrEnum):
    """How an explanation is printed."""

    text = "text"
    json = "json"


class Listed(StrEnum):
    """How a list is printed."""

    table = "table"
    json = "json"


@app.command()
def checks(
    output: Annotated[Listed, typer.Option("-o", "--output", help="How to print.")] = Listed.table,
) -> None:
    """List all checks of a preflight: id, severity, title; with -o json all that is declared.

    Example: wincnode checks
    """
    from wincnode.checks import all_checks
    from wincnode.commands.check_list import to_json, to_text

    known = all_checks()
    typer.echo(to_json(known) if output is Listed.json else to_text(known))


class Form(StrEnum):
    """For which platform winrm-setup prints."""

    script = "script"
    ec2 = "ec2"
    azure = "azure"
    unattend = "unattend"


@app.command("winrm-setup")
def winrm_setup(
    form: Annotated[Form, typer.Option("--form", help="For which platform.")] = Form.script,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", metavar="NAME", help="A further name or address of the node."),
    ] = None,
    remote: Annotated[
        list[str] | None,
        typer.Option("--remote", metavar="ADDRESS", help="Who may connect; LocalSubnet if none."),
    ] = None,
) -> None:
    """Print what turns on WinRM over HTTPS on a new node.

    Example: wincnode winrm-setup --form ec2 --remote 10.0.0.0/8
    """
    from wincnode.commands.winrm_setup import render

    typer.echo(render(form.value, names=name or (), remote=remote or ()), nl=False)


@app.command(context_settings={"ignore_unknown_options": True})
def explain(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ID|CODE|WORDS|FILE|-",
            help="An id, a code, what a program said, or a file of it; - reads stdin.",
            autocompletion=_ids,
        ),
    ] = None,
    output: Annotated[Said, typer.Option("-o", "--output", help="How to print.")] = Said.text,
) -> None:
    """Say what an id, a Windows code or a log line means, why, and what to do; works offline.

    Example: wincnode explain 0xC0370101
    """
    from wincnode.cli.options import stdin_bytes
    from wincnode.commands.explain import explain as explained
    from wincnode.commands.explain import read, to_json, to_text

    stdin = stdin_bytes() if words == ["-"] else None
    found = explained(read(words or (), stdin))
    typer.echo(to_json(found) if output is Said.json else to_text(found))
    raise typer.Exit(found.exit_code)
