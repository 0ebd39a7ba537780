"""The verb that looks at the workstation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from wincnode.cli.app import app
from wincnode.cli.options import (
    DEFAULT_INVENTORIES,
    Context,
    Format,
    Inventories,
    Kubeconfig,
    Output,
    VaultPasswords,
    vault_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wincnode.commands.doctor import Row


@app.command()
def doctor(
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    output: Output = Format.table,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Look at this workstation: inventory, passwords, proxies, cluster, cache; touches no node.

    Example: wincnode doctor -o json
    """
    import json
    import os
    from pathlib import Path

    from wincnode.commands import doctor as verb

    desk = verb.Desk(
        environ=os.environ,
        home=Path.home(),
        inventories=inventory,
        given=inventory != DEFAULT_INVENTORIES,
        vault=vault_password_file or vault_of(os.environ),
        kubeconfig=kubeconfig,
        context=context,
    )
    rows = verb.run(desk)
    typer.echo(json.dumps(verb.to_data(rows), indent=2) if output is Format.json else _text(rows))
    raise typer.Exit(verb.exit_code(rows))


def _text(rows: Sequence[Row]) -> str:
    """Give a line for each row, and its remedy below it."""
    from wincnode.events import printable

    wide = max(len(row.topic) for row in rows)
    lines = []
    for row in rows:
        said = [printable(text) for text in row.text.splitlines()]
        lines.append(f"{row.verdict:7}  {row.topic:{wide}}  {said[0] if said else ''}")
        lines += [f"{'':{wide + 11}}{text}" for text in said[1:]]
        if row.remedy:
            lines.append(f"{'':{wide + 11}}> {printable(row.remedy)}")
    return "\n".join(lines)
