"""Can these nodes run the wanted containers: read facts, run every check, change nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TypeVar

from wincnode import checks
from wincnode.cluster.api import Api
from wincnode.commands import cluster_check, pulls
from wincnode.commands.inspect import (
    Inspection,
    Options,
    Session,
    over_fit_nodes,
    wanted,
)
from wincnode.commands.saved import Saved
from wincnode.commands.targets import reachable
from wincnode.errors import ConfigError
from wincnode.facts import FactMissing, Facts
from wincnode.inventory.model import Inventory
from wincnode.report import NodeReport, Report

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Judging:
    """By what nodes are judged.

    Args:
        rules: the checks; all by default. strict: warnings make the exit code 5.
        cluster: is judged as well, and stands before the nodes.
        images: whether registries are asked for what the nodes are to pull.
    """

    rules: tuple[checks.Check, ...] | None = None
    strict: bool = False
    cluster: Api | None = None
    images: bool = False

    def of(self, known: tuple[checks.Check, ...]) -> tuple[checks.Check, ...]:
        """Pick the wanted of some checks."""
        if self.rules is None:
            return known
        wanted = {check.id for check in self.rules}
        return tuple(check for check in known if check.id in wanted)

    def asks(self, *what: str) -> bool:
        """Tell whether a wanted check goes by something beside facts, which may be asked for."""
        may = {row for row in what if row != "images" or self.images}
        return any(check.asks in may for check in self.of(checks.node_checks()))


def run(
    inventory: Inventory, options: Options, session: Session, judging: Judging = Judging()
) -> Report:
    """Check the nodes side by side; cluster and registries are asked meanwhile.

    Raises: ConfigError: the kubeconfig or the lock file is there and cannot be used; nothing is
        left to judge.
    """
    rules = judging.of(checks.node_checks())
    whole = reachable(inventory, wanted(inventory, ignore=options.ignore))
    against = whole if judging.rules is None else checks.narrowed(whole, rules)
    if not judging.images and rules and all(check.asks == "images" for check in rules):
        named = ", ".join(check.id for check in rules)
        raise ConfigError(f"--no-images leaves nothing to judge of {named}")
    if judging.cluster is None and all(check.asks == "members" for check in rules):
        # Else a node would be called ready that nothing was asked of.
        named = ", ".join(check.id for check in judging.rules or ())
        raise ConfigError(
            f"no cluster is asked, which leaves nothing to judge of {named}",
            remedy="Name cluster.kubeconfig in the inventory, and leave out --no-cluster.",
        )
    cluster = _later(lambda: _cluster(judging, whole))
    images = _later(lambda: pulls.ask(inventory, cluster()[1]) if judging.asks("images") else None)

    def beyond(known: checks.Wanted) -> checks.Wanted:
        members = _members(cluster()[1]) if judging.asks("members") else None
        return replace(known, images=images(), members=members)

    reading = replace(options, lends=True)
    report = over_fit_nodes("preflight", reading, against, session, rules=rules, beyond=beyond)
    if not report.interrupted and (row := cluster()[0]):
        report = replace(report, nodes=(row, *report.nodes))
    return replace(report, warnings_count=judging.strict)


def _cluster(judging: Judging, against: checks.Wanted) -> tuple[NodeReport | None, Facts]:
    """Give what is said of the cluster, where it is judged, and what it says of itself."""
    rules = judging.of(checks.cluster_checks())
    if judging.cluster is None or not (rules or judging.asks("images", "members")):
        return None, Facts()
    report, facts = cluster_check.judge(judging.cluster, against, rules)
    return (report if rules else None), facts


def _members(cluster: Facts) -> tuple[checks.Member, ...] | None:
    """Give the cluster's Nodes; None where it was not asked, or does not say."""
    try:
        rows = cluster.known("nodes").rows("rows")
        return tuple(checks.Member(name=row.text("name"), uuid=row.text("uuid")) for row in rows)
    except FactMissing:
        return None


def _later(work: Callable[[], T]) -> Callable[[], T]:
    """Begin work in a thread that dies with the process, and give what waits for its result."""
    future: Future[T] = Future()

    def carry_out() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            future.set_exception(error)

    threading.Thread(target=carry_out, daemon=True).start()
    return future.result


def again(
    inventory: Inventory, ignore: frozenset[str], saved: Mapping[str, Saved], judging: Judging
) -> Report:
    """Judge facts that were saved; no network is touched unless images are to be asked about.

    Raises: ConfigError: nothing is left that facts alone could tell.
    """
    images = pulls.ask(inventory, Facts()) if judging.asks("images") else None
    against = replace(wanted(inventory, ignore=ignore), images=images)
    rules = judging.of(checks.node_checks())
    if not any(checks.asked(check, against) for check in rules):
        named = ", ".join(check.id for check in judging.rules or ())
        raise ConfigError(
            f"saved facts do not tell {named}",
            remedy="Ask the nodes themselves; --images asks registries with saved facts, too.",
        )
    nodes = tuple(
        Inspection(
            computer=row.computer,
            build=row.build,
            facts=row.facts,
            findings=checks.run_checks(row.facts, replace(against, skew_s=row.skew_s), rules),
        ).report(name)
        for name, row in saved.items()
    )
    return Report(command="preflight", nodes=nodes, warnings_count=judging.strict)
