"""Can these nodes run the wanted containers: read facts, run every check, change nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from wincnode import assets, checks, fleet, runner
from wincnode.errors import ConfigError, NodeError, WincnodeError
from wincnode.events import Event, FactsRead, Hello
from wincnode.facts import from_reads
from wincnode.inventory.model import Inventory
from wincnode.report import NodeReport, Report, Status
from wincnode.transport import Transport

Watcher = Callable[[str, "Event | NodeReport"], None]
Opener = Callable[[str], Transport]


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What a user asks of preflight."""

    nodes: tuple[str, ...]
    ignore: frozenset[str] = frozenset()
    parallel: int = 20


def check_ids(ids: frozenset[str]) -> None:
    """Refuse an id that no check has: a misspelt --ignore would ignore nothing.

    Raises: ConfigError.
    """
    if unknown := ids - {check.id for check in checks.all_checks()}:
        raise ConfigError(
            f"no check has the id {', '.join(sorted(unknown))}",
            remedy="docs/checks.md lists the checks.",
        )


def run(inventory: Inventory, options: Options, *, connect: Opener, watch: Watcher) -> Report:
    """Check the nodes side by side.

    Args: connect: opens a node's transport. watch: is told each event and each node's result.
    """

    def work(name: str) -> Iterator[Event | NodeReport]:
        return _one_node(name, inventory, options, connect)

    done: dict[str, NodeReport] = {}
    for name, item in fleet.run(options.nodes, work, parallel=options.parallel):
        if isinstance(item, Exception):
            if not isinstance(item, NodeError):
                raise item
            item = failed(name, item)  # noqa: PLW2901 - a failure is this node's result
        watch(name, item)
        if isinstance(item, NodeReport):
            done[name] = item
    return Report(command="preflight", nodes=tuple(done[name] for name in options.nodes))


def failed(node: str, error: WincnodeError) -> NodeReport:
    """Give the result of a node that could not be asked."""
    statuses: dict[int, Status] = {4: "unreachable", 6: "locked"}
    return NodeReport(node=node, status=statuses.get(error.exit_code, "failed"), error=error)


def _one_node(
    name: str, inventory: Inventory, options: Options, connect: Opener
) -> Iterator[Event | NodeReport]:
    began = time.monotonic()
    hello: Hello | None = None
    read: list[FactsRead] = []
    transport = connect(name)
    try:
        for event in runner.read_facts(transport, node=name, sections=assets.script_names("facts")):
            hello = event if isinstance(event, Hello) else hello
            if isinstance(event, FactsRead):
                read.append(event)
            yield event
    finally:
        transport.close()
    facts = from_reads(read)
    findings = checks.run_checks(facts, wanted(inventory, ignore=options.ignore))
    yield NodeReport(
        node=name,
        status=_status(findings),
        computer=hello.computer if hello else "",
        build=hello.build if hello else 0,
        findings=findings,
        seconds=time.monotonic() - began,
    )


def wanted(inventory: Inventory, *, ignore: frozenset[str]) -> checks.Wanted:
    """Give what the checks measure a node against."""
    cluster = inventory.cluster
    return checks.Wanted(
        subnets=tuple(cidr for cidr in (cluster.pod_cidr, cluster.service_cidr) if cidr),
        hyperv="hyperv" in inventory.runtime.isolation,
        ignore=ignore,
    )


def _status(findings: Sequence[checks.Finding]) -> Status:
    if any(finding.blocks for finding in findings):
        return "blocked"
    wrong = any(finding.verdict is not checks.Verdict.PASS for finding in findings)
    return "warnings" if wrong else "ready"
