"""The first half of every verb that looks at nodes: read facts, run every check."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from wincnode import assets, checks, fleet, runner
from wincnode.errors import ConfigError, NodeError, WincnodeError
from wincnode.events import Event, FactsRead, Hello
from wincnode.facts import Facts, from_reads
from wincnode.inventory.model import Inventory
from wincnode.report import NodeReport, Report, Status
from wincnode.transport import Transport

Item = Event | NodeReport
Watcher = Callable[[str, Item], None]
Opener = Callable[[str], Transport]


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Which nodes, which checks are ignored, how many nodes at once."""

    nodes: tuple[str, ...]
    ignore: frozenset[str] = frozenset()
    parallel: int = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """What one node said of itself, and what the checks say of that."""

    computer: str
    build: int
    facts: Facts
    findings: tuple[checks.Finding, ...]

    @property
    def status(self) -> Status:
        """Give `blocked`, `warnings` or `ready`."""
        if any(finding.blocks for finding in self.findings):
            return "blocked"
        wrong = any(finding.verdict is not checks.Verdict.PASS for finding in self.findings)
        return "warnings" if wrong else "ready"


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
    transport: Transport, *, node: str, inventory: Inventory, ignore: frozenset[str]
) -> Generator[Event, None, Inspection]:
    """Read a node's facts and judge them; yields the events, returns the inspection.

    Raises: NodeError.
    """
    hello: Hello | None = None
    read: list[FactsRead] = []
    for event in runner.read_facts(transport, node=node, sections=assets.script_names("facts")):
        hello = event if isinstance(event, Hello) else hello
        if isinstance(event, FactsRead):
            read.append(event)
        yield event
    facts = from_reads(read)
    return Inspection(
        computer=hello.computer if hello else "",
        build=hello.build if hello else 0,
        facts=facts,
        findings=checks.run_checks(facts, wanted(inventory, ignore=ignore)),
    )


def wanted(inventory: Inventory, *, ignore: frozenset[str]) -> checks.Wanted:
    """Give what the checks measure a node against."""
    cluster = inventory.cluster
    return checks.Wanted(
        subnets=tuple(cidr for cidr in (cluster.pod_cidr, cluster.service_cidr) if cidr),
        hyperv="hyperv" in inventory.runtime.isolation,
        ignore=ignore,
    )


def over_nodes(
    command: str,
    options: Options,
    work: Callable[[str], Iterator[Item]],
    *,
    watch: Watcher,
) -> Report:
    """Do the work of each node side by side; a node's failure is its own result."""
    done: dict[str, NodeReport] = {}
    for name, item in fleet.run(options.nodes, work, parallel=options.parallel):
        result = failed(name, item) if isinstance(item, Exception) else item
        watch(name, result)
        if isinstance(result, NodeReport):
            done[name] = result
    return Report(command=command, nodes=tuple(done[name] for name in options.nodes))


def failed(node: str, error: Exception) -> NodeReport:
    """Give the result of a node whose work ended with an error; a bug of ours goes on up."""
    if not isinstance(error, NodeError | ConfigError):
        raise error
    statuses: dict[int, Status] = {4: "unreachable", 6: "locked"}
    known: WincnodeError = error
    return NodeReport(node=node, status=statuses.get(known.exit_code, "failed"), error=known)
