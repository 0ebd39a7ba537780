"""What nodes will pull: who names it, and what registries answer, once for a whole fleet."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from wincnode.artifacts.web import Pace
from wincnode.builds import load_builds, supported_builds
from wincnode.commands.compat_sources import network, sandbox
from wincnode.errors import ConfigError, RegistryRefused, WincnodeError
from wincnode.events import printable
from wincnode.facts import FactMissing, Facts
from wincnode.images.named import Failure, Named, Pull
from wincnode.images.workloads import WINDOWS, build_of
from wincnode.inventory.model import Inventory
from wincnode.registry import credentials
from wincnode.registry.client import Ways
from wincnode.registry.many import Answer, read_all

# Whoever asks is waiting for nodes anyway; a registry that is away for longer is away.
PACE = Pace(tries=2, wait_s=0.5, connect_s=5.0, silent_s=10.0, slow_s=10.0)
LONGEST = 300


def ask(inventory: Inventory, cluster: Facts, pace: Pace = PACE) -> tuple[Pull, ...]:
    """Ask the registries, from this host, for what the inventory and its cluster name.

    What cannot be asked is an answer as well; nothing is raised.
    Args: cluster: what it says of itself; empty where nobody asked it.
    """
    found = {(row.named.name, row.named.builds): row for row in _named(inventory)}
    known = {row.named.name for row in found.values()}
    for row in of_cluster(cluster):
        if row.name not in known:
            found[row.name, row.builds] = Pull(named=row)
    open_ = [row.named.name for row in found.values() if not row.failure]
    try:
        ways = Ways(
            logins=credentials.load(os.environ, Path.home()),
            registries={row.host: row for row in inventory.runtime.registries},
            pace=pace,
        )
    except ConfigError as error:
        return tuple(row if row.failure else _pull(row.named, error) for row in found.values())
    answers = read_all(open_, ways, layers=True)
    return tuple(
        row if row.failure else _pull(row.named, answers[row.named.name]) for row in found.values()
    )


def _named(inventory: Inventory) -> Iterator[Pull]:
    """Give what an inventory names; where it leads to no image, why."""
    for build in supported_builds(load_builds()):
        nothing = Named(name="the sandbox image", role="pause", builds=(build.build,))
        yield from _tried(sandbox(inventory, build.build), nothing, "missing")
    cni = inventory.cluster.cni
    unclear = Named(name=f"the images of {cni.name if cni else 'no network'}", role="network")
    yield from _tried(network(inventory), unclear, "unread")
    for name in inventory.preflight.images:
        yield Pull(named=Named(name=name, why="preflight.images"))


def _tried(rows: Iterable[Named], instead: Named, failure: Failure) -> Iterator[Pull]:
    try:
        yield from [Pull(named=row) for row in rows]
    except ConfigError as error:
        yield Pull(named=instead, failure=failure, reason=_short(error.message))


def of_cluster(cluster: Facts) -> Iterator[Named]:
    """Give the images of a cluster's DaemonSets for Windows, which every such node gets."""
    try:
        rows = cluster.known("workloads").rows("rows")
        for row in rows:
            if row.text("kind") == "DaemonSet" and row.texts("systems") == (WINDOWS,):
                for name in (*row.texts("init_images"), *row.texts("images")):
                    yield Named(
                        name=name,
                        why=f"DaemonSet {row.text('namespace')}/{row.text('name')}",
                        role="network",
                        builds=build_of(row.text("windows_build")),
                        host_process=row.flag("host_process"),
                    )
    except FactMissing:
        return  # The account may not list them: cl.* tells that.


def _pull(named: Named, answer: Answer) -> Pull:
    if not isinstance(answer, WincnodeError):
        return Pull(named=named, image=answer)
    failure: Failure = "missing" if answer.id == "registry.missing" else "unread"
    if isinstance(answer, RegistryRefused):
        failure = "refused"
    return Pull(named=named, failure=failure, reason=_short(f"{answer.message} [{answer.id}]"))


def _short(text: str) -> str:
    return printable("; ".join(text.splitlines()), limit=LONGEST)
