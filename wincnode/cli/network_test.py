"""The verb that tries what nodes and their pods must reach."""

from __future__ import annotations

from typing import Annotated

import typer

from wincnode.cli.networks import network
from wincnode.cli.options import (
    DEFAULT_INVENTORIES,
    Context,
    Inventories,
    Kubeconfig,
    Nodes,
    NoInput,
    Outputs,
    Parallel,
    VaultPasswords,
    asked,
    end,
    may_ask,
    outputs,
    session,
)


@network.command("test")
def tried(
    nodes: Nodes = None,
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    output: Outputs = None,
    pods: Annotated[
        bool | None,
        typer.Option(
            "--pods/--no-pods",
            help="Let pods try the cluster's network, or leave that out; by default where the"
            " cluster allows it.",
        ),
    ] = None,
    image: Annotated[
        str,
        typer.Option(
            "--image", metavar="IMAGE", help="Kubernetes' agnhost, where the pods get it from."
        ),
    ] = "",
    linux_node: Annotated[
        list[str] | None,
        typer.Option(
            "--linux-node",
            metavar="NODE",
            help="Let pods of this Linux node take part, whatever its taints; by default one that"
            " takes pods as they come.",
        ),
    ] = None,
    linux_image: Annotated[
        str,
        typer.Option(
            "--linux-image", metavar="IMAGE", help="Of the pods on Linux; by default --image."
        ),
    ] = "",
    start_timeout: Annotated[
        int,
        typer.Option(
            "--start-timeout",
            metavar="SECONDS",
            min=1,
            max=3600,
            help="Until the pods run, their image included.",
        ),
    ] = 300,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="ID", help="Go without this, such as pod.egress."),
    ] = None,
    parallel: Parallel = 20,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    no_input: NoInput = False,
) -> None:
    """Try what nodes and their pods must reach, as a matrix; nothing of it stays.

    Example: wincnode network test -o table -o junit=network.xml
    """
    from wincnode.commands import network_test as verb

    skipped = frozenset(ignore or ())
    verb.check_ids(skipped)
    wish = verb.Wish(
        pods=pods,
        image=image,
        linux=tuple(linux_node or ()),
        linux_image=linux_image,
        kubeconfig=kubeconfig,
        context=context,
        may_ask=may_ask(no_input=no_input),
        start_s=float(start_timeout),
    )
    wanted = outputs(output)
    known = asked(inventory, nodes, parallel=parallel, no_input=no_input, vault=vault_password_file)
    with session(known) as running:
        report = verb.run(known.inventory, known.options, wish, running, ignore=skipped)
    end(report, wanted, known.inventory)
