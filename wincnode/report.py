"""Folds findings, events and errors into a `Report`; verdict and exit code live here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from wincnode.checks import Finding, Severity, Verdict
from wincnode.errors import Interrupted, WincnodeError
from wincnode.events import StepFinished
from wincnode.inventory.model import Inventory
from wincnode.plan import Plan, Step

Status = Literal[
    "ready",
    "warnings",
    "blocked",
    "done",
    "cancelled",
    "as-wanted",
    "pending",
    "unreachable",
    "failed",
    "needs-reboot",
    "locked",
    "interrupted",
]

SCHEMA = "wincnode/report/v1"
# Several at once: the first of these that occurs is the exit code (docs/design.md).
EXIT_ORDER = (Interrupted.exit_code, 1, 5, 4, 6)
PENDING_EXIT_CODE = 3
BLOCKED_EXIT_CODE = 5
# A step that group policy holds back, or that waits for a reboot, is not as wanted either.
PENDING_OUTCOMES = frozenset({"would_change", "needs_reboot", "policy_owned"})


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeReport:
    """What one run found and did on one node; with a plan, what it would do.

    Args:
        notes: what else a reader of the result should know, a sentence each.
        line: of the node in the inventory, 0 where no file names it.
    """

    node: str
    status: Status
    computer: str = ""
    build: int = 0
    findings: tuple[Finding, ...] = ()
    plan: Plan | None = None
    steps: tuple[StepFinished, ...] = ()
    error: WincnodeError | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    line: int = 0

    @property
    def exit_code(self) -> int:
        """Give this node's part of the exit code."""
        if self.error is not None:
            return self.error.exit_code
        return {"failed": 1, "cancelled": 1, "blocked": BLOCKED_EXIT_CODE}.get(self.status, 0)

    @property
    def warned(self) -> bool:
        """Tell whether a check that is not ignored warns, or could not be judged."""
        return any(warns(finding) for finding in self.findings)


def warns(finding: Finding) -> bool:
    """Tell whether a finding is a warning; one that is ignored, or tells a fact alone, is none."""
    if finding.ignored or finding.severity is Severity.INFO:
        return False
    return finding.verdict is Verdict.UNKNOWN or (
        finding.verdict is Verdict.FAIL and finding.severity is Severity.WARNING
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The whole run, nodes in the order of the inventory.

    Args:
        interrupted: the user pressed ^C. pending_counts: changes that are pending make the exit
            code 3. warnings_count: warnings make the exit code 5.
        inventory: path of the file that names the nodes, as the user gave it; "" if none does.
        at: when the report was made.
    """

    command: str
    nodes: tuple[NodeReport, ...] = field(default_factory=tuple)
    interrupted: bool = False
    pending_counts: bool = False
    warnings_count: bool = False
    inventory: str = ""
    at: datetime | None = None

    @property
    def exit_code(self) -> int:
        """Give the process's exit code: 0, or the most important of the nodes' codes."""
        codes = {node.exit_code for node in self.nodes} - {0}
        if self.interrupted:
            codes.add(Interrupted.exit_code)
        if self.warnings_count and any(node.warned for node in self.nodes):
            codes.add(BLOCKED_EXIT_CODE)
        if self.pending_counts and not codes and self.pending:
            return PENDING_EXIT_CODE
        return next((code for code in EXIT_ORDER if code in codes), max(codes, default=0))

    @property
    def pending(self) -> int:
        """Count the nodes that are not as wanted yet."""
        return sum(node.status == "pending" for node in self.nodes)


def located(report: Report, inventory: Inventory, *, at: datetime) -> Report:
    """Give the report with the file and the lines that name its nodes, and with its time."""
    lines = {node.name: node.line for node in inventory.nodes}
    nodes = tuple(replace(node, line=lines.get(node.node, 0)) for node in report.nodes)
    path = "" if inventory.path == Path() else str(inventory.path)
    return replace(report, nodes=nodes, inventory=path, at=at)


def status_of(outcome: str) -> Status:
    """Give a node's status from the outcome of its run's last event."""
    known: Mapping[str, Status] = {"ok": "done", "cancelled": "cancelled"}
    return known.get(outcome, "failed")


def planned_status_of(outcome: str, steps: Iterable[StepFinished]) -> Status:
    """Give a node's status from a run that only looked."""
    if outcome != "ok":
        return "failed"
    return "pending" if any(row.outcome in PENDING_OUTCOMES for row in steps) else "as-wanted"


def to_data(report: Report) -> Mapping[str, Any]:
    """Give the report as JSON-able data of the versioned schema."""
    return {
        "schema": SCHEMA,
        "command": report.command,
        "exit_code": report.exit_code,
        "nodes": [_node(node) for node in report.nodes],
    }


def _node(node: NodeReport) -> Mapping[str, Any]:
    return {
        "node": node.node,
        "status": node.status,
        "computer": node.computer,
        "build": node.build,
        "seconds": round(node.seconds, 2),
        "error": None
        if node.error is None
        else {"id": node.error.id, "message": node.error.message, "remedy": node.error.remedy},
        "findings": [_finding(finding) for finding in node.findings],
        "steps": [_step(step, node.plan) for step in node.steps],
        "notes": list(node.notes),
    }


def _step(step: StepFinished, plan: Plan | None) -> Mapping[str, Any]:
    planned = next((row for row in plan.steps if row.id == step.step), None) if plan else None
    return {
        "step": step.step,
        **(_planned(planned) if planned else {}),
        "outcome": step.outcome,
        "error": step.error,
        "diff": [{"field": field, "have": have, "want": want} for field, have, want in step.diff],
    }


def _planned(step: Step) -> Mapping[str, Any]:
    return {"kind": step.kind, "title": step.title, "key": dict(step.key)}


def _finding(finding: Finding) -> Mapping[str, Any]:
    return {
        "check": finding.check,
        "title": finding.title,
        "target": finding.target,
        "verdict": finding.verdict.value,
        "severity": finding.severity.value,
        "evidence": finding.evidence,
        "remedy": finding.remedy,
        "because_of": list(finding.because_of),
        "ignored": finding.ignored,
        "docs": finding.anchor,
    }
