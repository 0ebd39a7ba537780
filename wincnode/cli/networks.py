"""The verbs about networks of the Host Network Service."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wincnode.cli.app import app
from wincnode.cli.options import (
    DEFAULT_INVENTORIES,
    ExitCode,
    Format,
    Inventories,
    Nodes,
    NoInput,
    OneNode,
    Output,
    Outputs,
    Parallel,
    VaultPasswords,
    asked,
    end,
    outputs,
    session,
)

if TYPE_CHECKING:
    from wincnode.hns.reading import Reading

network = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(
    network,
    name="network",
    help="HNS networks of nodes: list, plan, make and remove them inside a guard that gives a node"
    " back.",
)
Adapter = Annotated[
    str, typer.Option("--adapter", metavar="NAME", help="In place of the inventory's.")
]
ConfirmWithin = Annotated[
    int | None,
    typer.Option(
        "--confirm-within",
        min=15,
        max=3600,
        metavar="SECONDS",
        help="In which wincnode must have come back, before the node puts everything back; the"
        " inventory's if none, else 120.",
    ),
]


@network.command("list")
def listed(
    node: OneNode,
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    output: Output = Format.table,
    no_input: NoInput = False,
) -> None:
    """List the HNS networks and endpoints of a node, whoever made them, and what its HNS knows.

    Example: wincnode network list win1
    """
    from wincnode.commands import networks as verb

    known = asked(inventory, [node], no_input=no_input, vault=vault_password_file)
    with session(known) as running:
        found = verb.listed(node, running)
    if output is Format.json:
        typer.echo(json.dumps(_data(found), indent=2))
        return
    for line in _lines(found):
        typer.echo(line)


def _lines(found: Reading) -> Iterator[str]:
    from wincnode.hns.features import supported

    known = f"HNS {found.version}: {', '.join(supported(found.version))}" if found.version else ""
    yield known or "HNS did not tell its version"
    for row in found.networks:
        fields = row.fields
        rest = [
            str(fields["adapter"]),
            *[text for name in ("prefixes", "vsids") for text in _list(fields[name])],
        ]
        whose = "wincnode" if row.owned else row.owner
        told = " ".join(text for text in rest if text)
        yield f"{row.name:20}  {row.type:11}  {whose:12}  {row.address:15}  {told}".rstrip()
    for one in found.endpoints:
        where = ", ".join(one.addresses)
        yield f"endpoint {one.name or one.id} of {one.network}  {where}".rstrip()


def _list(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _data(found: Reading) -> Mapping[str, Any]:
    return {
        "version": str(found.version) if found.version else None,
        "networks": [
            {
                "id": row.id,
                "name": row.name,
                "owner": row.owner,
                "owned": row.owned,
                "address": row.address,
                **row.fields,
            }
            for row in found.networks
        ],
        "endpoints": [
            {
                "id": one.id,
                "name": one.name,
                "network": one.network,
                "addresses": list(one.addresses),
                "owner": one.owner,
            }
            for one in found.endpoints
        ],
        "namespaces": found.namespaces,
    }


@network.command()
def plan(
    nodes: Nodes = None,
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    output: Outputs = None,
    adapter: Adapter = "",
    exit_code: ExitCode = False,
    parallel: Parallel = 20,
    no_input: NoInput = False,
) -> None:
    """Show which networks are there, wanted and different, and why which adapter is chosen.

    Example: wincnode network plan win1
    """
    from wincnode.commands import networks as verb
    from wincnode.commands.network_wish import Asked

    wanted = outputs(output)
    known = asked(inventory, nodes, parallel=parallel, no_input=no_input, vault=vault_password_file)
    how = verb.How(asked=Asked(adapter=adapter), check=True, pending_counts=exit_code)
    with session(known) as running:
        report = verb.run(known.inventory, known.options, how, running)
    end(report, wanted, known.inventory)


@network.command("apply")
def applied(
    nodes: Nodes = None,
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    output: Outputs = None,
    adapter: Adapter = "",
    confirm_within: ConfirmWithin = None,
    parallel: Parallel = 20,
    no_input: NoInput = False,
) -> None:
    """Make the networks as they are wanted; a node that nobody comes back to undoes it by itself.

    Example: wincnode network apply win1
    """
    from wincnode.commands import networks as verb
    from wincnode.commands.network_wish import Asked

    wanted = outputs(output)
    known = asked(inventory, nodes, parallel=parallel, no_input=no_input, vault=vault_password_file)
    how = verb.How(asked=Asked(adapter=adapter, confirm_within_s=confirm_within))
    with session(known) as running:
        report = verb.run(known.inventory, known.options, how, running)
    end(report, wanted, known.inventory)


@network.command("remove")
def removed(
    node: OneNode,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NETWORK]...", help="Networks; all of wincnode's if none."),
    ] = None,
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    output: Outputs = None,
    confirm_within: ConfirmWithin = None,
    no_input: NoInput = False,
) -> None:
    """Remove networks that wincnode made on a node; those of others are refused.

    Example: wincnode network remove win1 External
    """
    from wincnode.commands import network_removal as verb
    from wincnode.commands.network_wish import Asked

    wanted = outputs(output)
    known = asked(inventory, [node], no_input=no_input, vault=vault_password_file)
    how = Asked(confirm_within_s=confirm_within)
    with session(known) as running:
        report = verb.removed(known.inventory, node, names or (), how, running)
    end(report, wanted, known.inventory)


@network.command("confirm")
def confirmed(
    node: OneNode,
    run: Annotated[
        str, typer.Option("--run", metavar="ID", help="The run's id; the one that waits if none.")
    ] = "",
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    no_input: NoInput = False,
) -> None:
    """Tell a node that waits in its guard that it is reached, so that it keeps its new network.

    Example: wincnode network confirm win1
    """
    from wincnode.commands import network_confirm as verb

    known = asked(inventory, [node], no_input=no_input, vault=vault_password_file)
    with session(known) as running:
        for line in verb.confirmed(node, run, running):
            typer.echo(line)
