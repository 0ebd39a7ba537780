"""Can these nodes run the wanted containers: read facts, run every check, change nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from wincnode import checks
from wincnode.cluster.api import Api
from wincnode.commands import cluster_check
from wincnode.commands.inspect import Inspection, Options, Session, over_fit_nodes, wanted
from wincnode.commands.saved import Saved
from wincnode.commands.targets import reachable
from wincnode.inventory.model import Inventory
from wincnode.report import Report


@dataclass(frozen=True, kw_only=True, slots=True)
class Judging:
    """By what nodes are judged.

    Args:
        rules: the checks; all by default. strict: warnings make the exit code 5.
        cluster: is judged as well, and stands before the nodes.
    """

    rules: tuple[checks.Check, ...] | None = None
    strict: bool = False
    cluster: Api | None = None

    def of(self, known: tuple[checks.Check, ...]) -> tuple[checks.Check, ...]:
        """Pick the wanted of some checks."""
        if self.rules is None:
            return known
        wanted = {check.id for check in self.rules}
        return tuple(check for check in known if check.id in wanted)


def run(
    inventory: Inventory, options: Options, session: Session, judging: Judging = Judging()
) -> Report:
    """Check the nodes side by side.

    Raises: ConfigError: the kubeconfig or the lock file is there and cannot be used.
    """
    rules = judging.of(checks.node_checks())
    whole = reachable(inventory, wanted(inventory, ignore=options.ignore))
    against = whole if judging.rules is None else checks.narrowed(whole, rules)
    report = over_fit_nodes("preflight", options, against, session, rules=rules)
    cluster_rules = judging.of(checks.cluster_checks())
    if judging.cluster is not None and cluster_rules and not report.interrupted:
        cluster = cluster_check.judge(judging.cluster, whole, cluster_rules)
        report = replace(report, nodes=(cluster, *report.nodes))
    return replace(report, warnings_count=judging.strict)


def again(
    inventory: Inventory, ignore: frozenset[str], saved: Mapping[str, Saved], judging: Judging
) -> Report:
    """Judge facts that were saved; no network is touched."""
    against = wanted(inventory, ignore=ignore)
    nodes = tuple(
        Inspection(
            computer=row.computer,
            build=row.build,
            facts=row.facts,
            findings=checks.run_checks(
                row.facts,
                replace(against, skew_s=row.skew_s),
                judging.of(checks.node_checks()),
            ),
        ).report(name)
        for name, row in saved.items()
    )
    return Report(command="preflight", nodes=nodes, warnings_count=judging.strict)
