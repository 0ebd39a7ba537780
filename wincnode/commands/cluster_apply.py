"""Apply what `cluster render` shows to the cluster, as far as it differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wincnode.cluster import access, apply
from wincnode.cluster.api import Api
from wincnode.cluster.apply import Action, Difference
from wincnode.cluster.kubeconfig import ClusterAccess
from wincnode.commands import cluster_render
from wincnode.commands.clusters import access_of
from wincnode.differences import Line, Sign, differences
from wincnode.inventory import load_settings
from wincnode.report import PENDING_EXIT_CODE

SCHEMA = "wincnode/cluster-apply/v1"
SIGNS: Mapping[Action, Sign] = {"create": "+", "change": "@", "same": " "}
PLANNED: Mapping[Action, str] = {
    "create": "+ create",
    "change": "~ change",
    "same": "= as wanted already:",
}
DONE: Mapping[Action, str] = {**PLANNED, "create": "+ created", "change": "~ changed"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What to apply and where to.

    Args: kubeconfig: instead of the inventory's; as kubectl finds one where there is neither.
        plan: change nothing. force: take fields over that others manage.
    """

    render: cluster_render.Options
    kubeconfig: Path | None = None
    context: str | None = None
    plan: bool = False
    force: bool = False
    may_ask: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What applying did, or with `plan` would do."""

    server: str
    plan: bool
    differences: tuple[Difference, ...]

    @property
    def pending(self) -> bool:
        """Whether something was planned that is not done."""
        return self.plan and any(row.action != "same" for row in self.differences)

    def exit_code(self, *, pending_counts: bool) -> int:
        """Give 3 where changes are pending and count."""
        return PENDING_EXIT_CODE if pending_counts and self.pending else 0


def run(job: Job, told: Callable[[Difference], None] = lambda _row: None) -> Outcome:
    """Compare the cluster with what is wanted, and apply what differs.

    Args: told: is told each object that differs, once it is applied.
    Raises: ConfigError: before any network is touched. ClusterError: where it comes before the
        first object, nothing was applied.
    """
    _, manifests = cluster_render.manifests(job.render)
    objects = [row for part in manifests for row in part.documents()]
    api = Api(_access(job), may_ask=job.may_ask)
    wanted = apply.targets(api, objects)
    access.require(api, apply.rights(wanted))
    found = apply.compare(api, wanted, force=job.force)
    if not job.plan:
        for row in apply.carry_out(api, found, force=job.force):
            told(row)
    return Outcome(server=api.server, plan=job.plan, differences=found)


def lines(outcome: Outcome) -> tuple[Line, ...]:
    """Write what differs, as a plan of a node's steps is written."""
    words = PLANNED if outcome.plan else DONE
    found: list[Line] = []
    for row in outcome.differences:
        found.append((SIGNS[row.action], f"{words[row.action]} {row.target}"))
        found += [(sign, f"    {text}") for sign, text in differences(row.rows)]
    differ = sum(row.action != "same" for row in outcome.differences)
    verdict = "pending; nothing was changed" if outcome.plan else "applied"
    found.append((" ", f"{differ} of {len(outcome.differences)} objects {verdict}."))
    return tuple(found)


def to_data(outcome: Outcome) -> dict[str, Any]:
    """Give the outcome as JSON-able data of the versioned schema."""
    return {
        "schema": SCHEMA,
        "command": "cluster apply",
        "server": outcome.server,
        "plan": outcome.plan,
        "pending": outcome.pending,
        "objects": [_object(row) for row in outcome.differences],
    }


def _object(row: Difference) -> dict[str, Any]:
    resource, meta = row.target.resource, row.target.object["metadata"]
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "namespace": meta.get("namespace", ""),
        "name": meta["name"],
        "action": row.action,
        "differences": [
            {"field": field, "have": have, "want": want} for field, have, want in row.rows
        ],
    }


def _access(job: Job) -> ClusterAccess:
    return access_of(load_settings(job.render.inventory), job.kubeconfig, job.context)
