"""The verb that pins certificates of nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wincnode.cli.app import app
from wincnode.cli.options import (
    DEFAULT_INVENTORIES,
    Inventories,
    NamedNodes,
    NoInput,
    Outputs,
    VaultPasswords,
    end,
    gathered,
    may_ask,
    outputs,
)

if TYPE_CHECKING:
    from wincnode.commands.trust import Decide, Seen


@app.command()
def trust(
    nodes: NamedNodes,
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    output: Outputs = None,
    sha256: Annotated[
        str | None,
        typer.Option(
            "--sha256",
            metavar="EXPECTED",
            help="Pin the certificate if it has this SHA-256, and else refuse it; asks nobody.",
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Pin what is shown, without asking anybody.")
    ] = False,
    no_input: NoInput = False,
) -> None:
    """Show the certificate that nodes present now, and pin it in the inventory; logs on nowhere.

    Example: wincnode trust win1 --sha256 3F:9A:...
    """
    from wincnode.cli.outputs import put
    from wincnode.commands import trust as verb
    from wincnode.inventory import select

    wanted = outputs(output)
    known = gathered(inventory, vault_password_file)
    chosen = select(known, nodes)
    decide = _decision(len(chosen), sha256, yes=yes, asks=may_ask(no_input=no_input))
    end(verb.run(known, chosen, decide, put), wanted, known)


def _decision(count: int, sha256: str | None, *, yes: bool, asks: bool) -> Decide:
    """Give what tells whether a certificate is the node's own.

    Raises: ConfigError: nobody is there who knows, or the SHA-256 is none or for many nodes.
    """
    from wincnode.commands.trust import expects
    from wincnode.errors import ConfigError

    if sha256 is not None and (yes or count != 1):
        raise ConfigError("--sha256 is of one node's certificate", remedy="Name one, without --yes")
    if sha256 is not None:
        return expects(sha256)
    if yes:
        return lambda _seen: True
    if not asks:
        raise ConfigError(
            "trust pins what a person has compared, and nobody is there to ask",
            remedy="Give the SHA-256 that the node itself told by --sha256, or --yes.",
            id="config.no-input",
        )
    return _asked


def _asked(seen: Seen) -> bool:
    from wincnode.events import printable

    if seen.known:
        return True
    for text in seen.lines:
        typer.echo(printable(f"{seen.node}: {text}"), err=True)
    return typer.confirm(f"Is this the SHA-256 that {seen.node} itself tells?", err=True)
