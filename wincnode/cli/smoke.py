"""The verbs that let nodes show what they can run, and what runs there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wincnode.cli.app import app
from wincnode.cli.here import inventory_here, this_host
from wincnode.cli.options import (
    DEFAULT_INVENTORIES,
    Inventories,
    Isolation,
    Nodes,
    NoInput,
    OneNodeOrHere,
    Outputs,
    Parallel,
    VaultPasswords,
    asked,
    end,
    outputs,
    session,
)

if TYPE_CHECKING:
    from wincnode.commands.compute import Host

Local = Annotated[
    bool, typer.Option("--local", help="Of this Windows host itself, as an administrator.")
]
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
    node: OneNodeOrHere = "",
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    local: Local = False,
    no_input: NoInput = False,
) -> None:
    """List the compute systems of a node: containers and virtual machines, whoever made them.

    Example: wincnode hcs ls win1, or on a Windows host itself: wincnode hcs ls --local
    """
    from wincnode.commands import compute as verb

    with _host(node, inventory, vault=vault_password_file, local=local, no_input=no_input) as host:
        rows = verb.listed(host)
    from wincnode.events import printable

    for row in rows:
        line = f"{row.id:36}  {row.type:14}  {row.state:8}  {row.owner}"
        typer.echo(printable(line))


@hcs.command("rm")
def removed(
    node: OneNodeOrHere = "",
    system: Annotated[
        str,
        typer.Argument(metavar="[ID]", help="A compute system's id; all of wincnode's if none."),
    ] = "",
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    local: Local = False,
    no_input: NoInput = False,
) -> None:
    """End compute systems that wincnode has left on a node; those of others are refused.

    Example: wincnode hcs rm win1, or on a Windows host itself: wincnode hcs rm --local
    """
    from wincnode.commands import compute as verb

    if local and not system:  # the one word that a line with --local may have is an ID
        node, system = "", node
    with _host(node, inventory, vault=vault_password_file, local=local, no_input=no_input) as host:
        lines = verb.removed(host, system)
    for text in lines:
        typer.echo(text)


@contextmanager
def _host(
    node: str, inventory: list[Path], *, vault: list[Path] | None, local: bool, no_input: bool
) -> Iterator[Host]:
    """Give the one machine that a line names.

    Raises: ConfigError: it names none, or this host is not Windows.
    """
    from wincnode.commands import compute as verb
    from wincnode.errors import ConfigError
    from wincnode.hcs.local.machine import run as run_here

    if not local and not node:
        raise ConfigError("a NODE is missing", remedy="--local means this Windows host itself.")
    if local:
        here = this_host(
            inventory_here(inventory, vault, else_of=Path()), [node] if node else None, None
        )
        yield verb.on_this_host(here.options.nodes[0], run_here)
        return
    known = asked(inventory, [node], no_input=no_input, vault=vault)
    with session(known) as running:
        yield verb.on_node(node, running)
