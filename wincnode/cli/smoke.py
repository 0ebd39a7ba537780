"""The verbs that let nodes show what they can run, and what runs there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wincnode.cli.app import app
from wincnode.cli.here import inventory_here, this_host
from wincnode.cli.options import (
    DEFAULT_INVENTORIES,
    Inventories,
    Isolation,
    Nodes,
    NoInput,
    OneNode,
    Outputs,
    Parallel,
    VaultPasswords,
    asked,
    end,
    outputs,
    session,
)

hcs = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(hcs, name="hcs", help="Compute systems of a node: list them, remove wincnode's.")


@app.command()
def smoke(
    nodes: Nodes = None,
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    output: Outputs = None,
    image: Annotated[
        str,
        typer.Option(
            "--image",
            metavar="IMAGE",
            help="What containers run of, in the node's Windows build; the node's pause image if"
            " none.",
        ),
    ] = "",
    pull: Annotated[
        bool, typer.Option("--pull/--no-pull", help="Fetch the image where it is not there.")
    ] = True,
    isolation: Annotated[
        list[Isolation] | None,
        typer.Option("--isolation", help="Which containers to try; the inventory's if none."),
    ] = None,
    hosted: Annotated[
        bool,
        typer.Option(
            "--hosted",
            help="Also make a Hyper-V-isolated container step by step, as containerd does.",
        ),
    ] = False,
    lcow: Annotated[
        str,
        typer.Option(
            "--lcow",
            metavar="KERNEL,ROOTFS",
            help="Also boot a Linux utility VM of these two files on the node.",
        ),
    ] = "",
    local: Annotated[
        bool,
        typer.Option(
            "--local", help="Try this Windows host itself, with an image that is there already."
        ),
    ] = False,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="ID", help="Go without this rung, such as smoke.vm."),
    ] = None,
    parallel: Parallel = 20,
    no_input: NoInput = False,
) -> None:
    """Let nodes start real containers and machines, rung by rung; nothing of them stays.

    Example: wincnode smoke win1 --isolation hyperv
    """
    from wincnode.commands import smoke as verb
    from wincnode.commands.situation import Wish, linux_files
    from wincnode.commands.smoke_here import by_ctypes
    from wincnode.hcs.local.machine import run as run_here

    skipped = frozenset(ignore or ())
    verb.check_ids(skipped)
    wish = Wish(
        image=image,
        pull=pull,
        isolation=tuple(dict.fromkeys(row.value for row in isolation or ())),
        hosted=hosted,
        lcow=linux_files(lcow),
    )
    wanted = outputs(output)
    if local:
        known = this_host(
            inventory_here(inventory, vault_password_file, else_of=Path()), nodes, None
        )
        climb = by_ctypes(run_here)
    else:
        known = asked(
            inventory, nodes, parallel=parallel, no_input=no_input, vault=vault_password_file
        )
        climb = verb.by_run
    with session(known) as running:
        report = verb.run(
            known.inventory, known.options, wish, running, ignore=skipped, climb=climb
        )
    end(report, wanted, known.inventory)


@hcs.command("ls")
def listed(
    node: OneNode,
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    no_input: NoInput = False,
) -> None:
    """List the compute systems of a node: containers and virtual machines, whoever made them.

    Example: wincnode hcs ls win1
    """
    from wincnode.commands import compute as verb

    known = asked(inventory, [node], no_input=no_input, vault=vault_password_file)
    with session(known) as running:
        rows = verb.listed(node, running)
    for row in rows:
        typer.echo(f"{row.id:36}  {row.type:14}  {row.state:8}  {row.owner}")


@hcs.command("rm")
def removed(
    node: OneNode,
    system: Annotated[
        str,
        typer.Argument(metavar="[ID]", help="A compute system's id; all of wincnode's if none."),
    ] = "",
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    no_input: NoInput = False,
) -> None:
    """End compute systems that wincnode has left on a node; those of others are refused.

    Example: wincnode hcs rm win1
    """
    from wincnode.commands import compute as verb

    known = asked(inventory, [node], no_input=no_input, vault=vault_password_file)
    with session(known) as running:
        lines = verb.removed(node, system, running)
    for text in lines:
        typer.echo(text)
