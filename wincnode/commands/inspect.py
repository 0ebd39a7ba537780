"""The first half of every verb that looks at nodes: read facts, run every check."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from wincnode import checks, fleet, node_ports
from wincnode.cluster import networks
from wincnode.commands.clusters import server_named
from wincnode.commands.machines import Machines, identity
from wincnode.commands.reading import read_node
from wincnode.errors import ClusterError, ConfigError, Interrupted, NodeError, WincnodeError
from wincnode.events import Event
from wincnode.facts import Facts
from wincnode.fleet import Stop
from wincnode.inventory.marks import nearest
from wincnode.inventory.model import Inventory
from wincnode.report import NodeReport, Report, Status
from wincnode.transport import Transport
from wincnode.updates import load_updates

T = TypeVar("T")
Item = Event | NodeReport
Watcher = Callable[[str, Item], None]
Opener = Callable[[str], Transport]
# Registries and clusters are asked while nodes are read: who adds their answers waits for them.
Beyond = Callable[[checks.Wanted], checks.Wanted]
# Nodes that are not to be begun with, and why.
Unfit = Mapping[str, NodeReport]
NONE_UNFIT: Unfit = MappingProxyType({})


def facts_alone(against: checks.Wanted) -> checks.Wanted:
    """Add nothing: nobody else was asked."""
    return against


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """What a verb over nodes works with.

    Args:
        connect: opens a node's transport. watch: is told each event and each node's result.
        stop: whether the user asked to stop. finishing: is told which nodes are followed to their
            end after that.
    """

    connect: Opener
    watch: Watcher
    stop: Stop = field(default_factory=Stop)
    finishing: Callable[[tuple[str, ...]], None] = lambda _: None


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Which nodes, which checks are ignored, how many nodes at once.

    Args: lends: a node that is silent lets another one begin, which only verbs that read may do.
    """

    nodes: tuple[str, ...]
    ignore: frozenset[str] = frozenset()
    parallel: int = 20
    lends: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """What one node said of itself, and what the checks say of that."""

    computer: str
    build: int
    facts: Facts
    findings: tuple[checks.Finding, ...]
    machine_id: str = ""

    @property
    def status(self) -> Status:
        """Give `blocked`, `warnings` or `ready`."""
        return fitness(self.findings)

    def report(self, node: str) -> NodeReport:
        """Give what a report says of the node so far."""
        return NodeReport(
            node=node,
            status=self.status,
            computer=self.computer,
            build=self.build,
            findings=self.findings,
        )


def fitness(findings: Iterable[checks.Finding]) -> Status:
    """Give `blocked`, `warnings` or `ready`."""
    rows = tuple(findings)
    if any(finding.blocks for finding in rows):
        return "blocked"
    return "warnings" if any(finding.matters for finding in rows) else "ready"


GoOn = Callable[[Transport, Inspection, NodeReport], Generator[Event, None, NodeReport]]


def chosen(words: Iterable[str]) -> tuple[checks.Check, ...] | None:
    """Give the checks of topics such as `net`, or with ids such as `net.cidr`; None is all.

    Raises: ConfigError: no check is of such a topic.
    """
    wanted = tuple(dict.fromkeys(words))
    known = checks.all_checks()
    topics = list(dict.fromkeys(check.id.partition(".")[0] for check in known))
    for word in wanted:
        if not any(_is_of(check, word) for check in known):
            words = [check.id for check in known] if "." in word else topics
            hint = nearest(word, words)
            raise ConfigError(
                f"--only {word}: no check is of this topic", remedy=f"{hint[:1].upper()}{hint[1:]}"
            )
    found = tuple(check for check in known if any(_is_of(check, word) for word in wanted))
    return found if wanted else None


def _is_of(check: checks.Check, word: str) -> bool:
    return check.id == word or check.id.startswith(f"{word}.")


def check_ids(ids: frozenset[str]) -> None:
    """Refuse an id that no check has: a misspelt --ignore would ignore nothing.

    Raises: ConfigError.
    """
    if unknown := ids - {check.id for check in checks.all_checks()}:
        raise ConfigError(
            f"no check has the id {', '.join(sorted(unknown))}",
            remedy="docs/checks.md lists the checks.",
        )


def inspect(
    transport: Transport,
    *,
    node: str,
    against: checks.Wanted,
    rules: tuple[checks.Check, ...] | None = None,
    beyond: Beyond = facts_alone,
) -> Generator[Event, None, Inspection]:
    """Read a node's facts and judge them; yields the events, returns the inspection.

    Args: rules: the checks that judge; all by default. beyond: adds what others answered.
    Raises: NodeError.
    """
    targets = [{"kind": row.kind, "url": row.url} for row in against.targets or ()]
    asked: dict[str, Mapping[str, Any]] = {"connectivity": {"targets": targets}} if targets else {}
    sections = (*against.sections, *asked)
    if against.node_ports != node_ports.NODE_PORTS and "firewall" in sections:
        asked["firewall"] = {"ports": [[*against.node_ports]]}
    told = yield from read_node(transport, node=node, sections=sections, asked=asked)
    measure = replace(_of_node(against, node), skew_s=told.skew_s, node=node)
    return Inspection(
        computer=told.computer,
        machine_id=told.machine_id,
        build=told.build,
        facts=told.facts,
        findings=checks.run_checks(told.facts, beyond(measure), rules),
    )


def _of_node(against: checks.Wanted, node: str) -> checks.Wanted:
    """Give what one node is measured against."""
    return replace(against, adapter=against.adapters.get(node, against.adapter))


def wanted(inventory: Inventory, *, ignore: frozenset[str]) -> checks.Wanted:
    """Give what the checks measure a node against.

    Raises: ConfigError: the cluster's kubeconfig is missing, or names no server; the file of
        updates is wrong.
    """
    cluster, own = inventory.cluster, inventory.preflight.updates
    mode = networks.mode_of(inventory)
    return checks.Wanted(
        adapter=inventory.network.adapter or "",
        adapters={node.name: node.adapter for node in inventory.nodes if node.adapter},
        subnets=tuple(cidr for cidr in (cluster.pod_cidr, cluster.service_cidr) if cidr),
        server=server_named(inventory),
        hyperv="hyperv" in inventory.runtime.isolation,
        ignore=ignore,
        network=cluster.cni.name if cluster.cni else "",
        overlay=bool(networks.fact(mode, "vni")),
        kubernetes=cluster.kubernetes or "",
        containerd=inventory.runtime.containerd or "",
        updates=load_updates(Path(own) if own else None),
        today=datetime.now(UTC).date(),
        hns_network=networks.fact(mode, "network"),
        node_ports=node_ports.ports_of(cluster.node_ports),
    )


def over_nodes(
    command: str,
    options: Options,
    work: Callable[[str], Iterator[Item]],
    session: Session,
    unfit: Unfit = NONE_UNFIT,
) -> Report:
    """Do the work of each node side by side; a node's failure is its own result.

    Args: unfit: nodes that have failed before, as `apart` tells them.
    """
    done = dict(unfit)
    for name, result in unfit.items():
        session.watch(name, result)
    rest = tuple(name for name in options.nodes if name not in unfit)
    for name, item in in_fleet(replace(options, nodes=rest), work, session):
        session.watch(name, item)
        if isinstance(item, NodeReport):
            done[name] = item
    return Report(
        command=command,
        nodes=tuple(done.get(name) or left_alone(name) for name in options.nodes),
        interrupted=session.stop.asked,
    )


def over_fit_nodes(
    command: str,
    options: Options,
    against: checks.Wanted,
    session: Session,
    go_on: GoOn | None = None,
    rules: tuple[checks.Check, ...] | None = None,
    beyond: Beyond = facts_alone,
    unfit: Unfit = NONE_UNFIT,
) -> Report:
    """Inspect nodes side by side, and go on with each that no check blocks.

    Args:
        go_on: gets the node's link, what was found, and the report so far; gives the whole one.
        rules: the checks that judge; all by default. beyond: adds what others answered.
        unfit: nodes that have failed before, as `apart` tells them.
    """
    machines = Machines()

    def work(name: str) -> Iterator[Item]:
        transport = session.connect(name)
        try:
            found = yield from inspect(
                transport, node=name, against=against, rules=rules, beyond=beyond
            )
            machines.claim(name, identity(found.machine_id, found.facts))
            result = found.report(name)
            if go_on is not None and result.status != "blocked":
                result = yield from go_on(transport, found, result)
        finally:
            transport.close()
        yield result

    return over_nodes(command, options, work, session, unfit)


def in_fleet(
    options: Options,
    work: Callable[[str], Iterator[T]],
    session: Session,
    *,
    limit_s: float = math.inf,
) -> Iterator[tuple[str, T | NodeReport]]:
    """Do the work of each node side by side, until the user asks to stop, or the time is over.

    A node's failure is its last item; each result says how long the node has taken.
    """

    def timed(name: str) -> Iterator[T | NodeReport]:
        began = time.monotonic()
        try:
            for item in work(name):
                yield _lasted(item, began) if isinstance(item, NodeReport) else item
        except WincnodeError as error:
            yield _lasted(failed(name, error), began)

    items = fleet.run(
        options.nodes,
        timed,
        parallel=options.parallel,
        stop=session.stop,
        on_stop=session.finishing,
        patience_s=fleet.LEND_S if options.lends else math.inf,
        limit_s=limit_s,
    )
    for name, item in items:
        if isinstance(item, Exception):
            raise item  # a bug of ours
        yield name, item


def _lasted(result: NodeReport, began: float) -> NodeReport:
    return replace(result, seconds=time.monotonic() - began)


def left_alone(node: str) -> NodeReport:
    """Give the result of a node that ^C came before."""
    error = Interrupted(f"{node}: interrupted before anything was changed")
    return NodeReport(node=node, status="interrupted", error=error)


def failed(node: str, error: WincnodeError) -> NodeReport:
    """Give the result of a node whose work ended with an error; what is no node's goes on up."""
    if not isinstance(error, NodeError | ConfigError | ClusterError | Interrupted):
        raise error
    statuses: dict[int, Status] = {4: "unreachable", 6: "locked", 130: "interrupted"}
    # A cluster that does not answer says nothing about the node.
    code = 1 if isinstance(error, ClusterError) else error.exit_code
    return NodeReport(node=node, status=statuses.get(code, "failed"), error=error)
