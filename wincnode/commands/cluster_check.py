"""Can this cluster take Windows nodes: read what it says of itself, judge it, change nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from wincnode import checks
from wincnode.cluster import facts
from wincnode.cluster.api import Api
from wincnode.cluster.connection import Patience
from wincnode.commands.clusters import access_of
from wincnode.commands.inspect import check_ids, fitness, wanted
from wincnode.errors import ClusterError, ClusterUnreachable
from wincnode.facts import Facts
from wincnode.inventory.model import Inventory
from wincnode.report import NodeReport, Report

# Whoever asks is waiting; a cluster that is away for longer is away.
PATIENCE = Patience(tries=2, connect_s=5.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """Which cluster.

    Args: kubeconfig: instead of the inventory's; as kubectl finds one where there is neither.
    """

    inventory: Inventory
    kubeconfig: Path | None = None
    context: str | None = None
    ignore: frozenset[str] = frozenset()
    may_ask: bool = True


def run(job: Job) -> Report:
    """Judge the cluster; it stands in the report as a node does, by its server's address.

    Raises: ConfigError.
    """
    check_ids(job.ignore)
    access = access_of(job.inventory, job.kubeconfig, job.context)
    api = Api(access, patience=PATIENCE, may_ask=job.may_ask)
    against = wanted(job.inventory, ignore=job.ignore)
    cluster, _ = judge(api, against, checks.cluster_checks())
    return Report(command="cluster check", nodes=(cluster,))


def judge(
    api: Api, against: checks.Wanted, rules: tuple[checks.Check, ...]
) -> tuple[NodeReport, Facts]:
    """Read a cluster's facts and run checks of clusters; one that is away is a result as well."""
    began = time.monotonic()
    try:
        read = facts.read(api)
    except ClusterError as error:
        report = NodeReport(
            node=api.server,
            status="unreachable" if isinstance(error, ClusterUnreachable) else "failed",
            error=error,
            seconds=time.monotonic() - began,
        )
        return report, Facts()
    findings = checks.run_checks(read, against, rules)
    report = NodeReport(
        node=api.server,
        status=fitness(findings),
        findings=findings,
        seconds=time.monotonic() - began,
    )
    return report, read
