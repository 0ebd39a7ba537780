"""The verb that judges nodes: over WinRM, this host itself, or facts that were saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wincnode.cli.app import app
from wincnode.cli.here import inventory_here, this_host
from wincnode.cli.options import (
    DEFAULT_INVENTORIES,
    Ignore,
    Inventories,
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
from wincnode.errors import ConfigError
from wincnode.fleet import READING

if TYPE_CHECKING:
    from wincnode.cluster.api import Api
    from wincnode.commands.preflight import Judging
    from wincnode.inventory.model import Inventory
    from wincnode.report import Report


class FailOn(StrEnum):
    """What makes the exit code 5."""

    error = "error"
    warning = "warning"


def _topics(incomplete: str) -> list[str]:
    from wincnode.commands.complete import check_ids

    topics = dict.fromkeys(id.partition(".")[0] for id in check_ids(""))
    found = check_ids(incomplete) if "." in incomplete else topics
    return [word for word in found if word.startswith(incomplete)]


@app.command()
def preflight(
    nodes: Nodes = None,
    inventory: Inventories = DEFAULT_INVENTORIES,
    vault_password_file: VaultPasswords = None,
    output: Outputs = None,
    ignore: Ignore = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="TOPIC",
            help="Run the checks of this topic alone, such as net, or one, such as net.cidr.",
            autocompletion=_topics,
        ),
    ] = None,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="With warning, warnings end with 5 too.")
    ] = FailOn.error,
    saved: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Judge the facts that `wincnode facts -o json=FILE` saved; without --images it"
            " touches no network.",
        ),
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Judge this Windows host itself, without a network.")
    ] = False,
    cluster: Annotated[
        bool,
        typer.Option(
            "--cluster/--no-cluster",
            help="Judge the cluster as well, where the inventory names its kubeconfig.",
        ),
    ] = True,
    images: Annotated[
        bool | None,
        typer.Option(
            "--images/--no-images",
            help="Ask registries, from here, for the images that nodes are to pull; by default,"
            " but not with --from.",
            show_default=False,
        ),
    ] = None,
    parallel: Parallel = READING,
    no_input: NoInput = False,
) -> None:
    """Check whether nodes can run the wanted containers; changes nothing on them.

    Example: wincnode preflight --ignore sys.mem -o table -o junit=report.xml
    """
    from wincnode.commands import preflight as verb
    from wincnode.commands.inspect import chosen

    wanted = outputs(output)
    judging = verb.Judging(
        rules=chosen(only or ()),
        strict=fail_on is FailOn.warning,
        images=saved is None if images is None else images,
    )
    if saved is not None:
        if local:
            raise ConfigError("it takes one of --from and --local")
        named_by = inventory_here(inventory, vault_password_file, else_of=saved)
        report = _again(saved, named_by, nodes, ignore, judging)
        end(report, wanted, named_by)
    if local:
        named_by = inventory_here(inventory, vault_password_file, else_of=Path())
        known = this_host(named_by, nodes, ignore)
    else:
        known = asked(
            inventory,
            nodes,
            ignore=ignore,
            parallel=parallel,
            no_input=no_input,
            vault=vault_password_file,
        )
        if cluster and known.inventory.cluster.kubeconfig:
            judging = replace(judging, cluster=_cluster(known.inventory, no_input=no_input))
    with session(known) as running:
        report = verb.run(known.inventory, known.options, running, judging)
    end(report, wanted, known.inventory)


def _cluster(inventory: Inventory, *, no_input: bool) -> Api:
    from wincnode.cluster.api import Api
    from wincnode.commands.cluster_check import PATIENCE
    from wincnode.commands.clusters import access_of

    access = access_of(inventory, None, None)
    return Api(access, patience=PATIENCE, may_ask=may_ask(no_input=no_input))


def _again(
    saved: Path,
    inventory: Inventory,
    nodes: Sequence[str] | None,
    ignore: Sequence[str] | None,
    judging: Judging,
) -> Report:
    """Judge saved facts."""
    from wincnode.commands import preflight as verb
    from wincnode.commands.inspect import check_ids
    from wincnode.commands.saved import load, select

    ignored = frozenset(ignore or ())
    check_ids(ignored)
    groups = {group for node in inventory.nodes for group in node.groups}
    names = {word for word in nodes or () if word not in groups}
    names |= {node.name for node in inventory.nodes if set(node.groups) & set(nodes or ())}
    facts = select(load(saved), names, saved)
    return verb.again(inventory, ignored, facts, judging)
