"""Folds findings, events and errors into a `Report`; verdict and exit code live here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from wincnode.checks import Finding
from wincnode.errors import WincnodeError
from wincnode.events import StepFinished

Status = Literal["ready", "warnings", "blocked", "done", "unreachable", "failed", "locked"]

SCHEMA = "wincnode/report/v1"
# Several at once: the first of these that occurs is the exit code (docs/design.md).
EXIT_ORDER = (1, 5, 4, 6)


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeReport:
    """What one run found and did on one node."""

    node: str
    status: Status
    computer: str = ""
    build: int = 0
    findings: tuple[Finding, ...] = ()
    steps: tuple[StepFinished, ...] = ()
    error: WincnodeError | None = None
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """Give this node's part of the exit code."""
        if self.error is not None:
            return self.error.exit_code
        if self.status == "failed":
            return 1
        return 5 if self.status == "blocked" else 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The whole run, nodes in the order of the inventory."""

    command: str
    nodes: tuple[NodeReport, ...] = field(default_factory=tuple)

    @property
    def exit_code(self) -> int:
        """Give the process's exit code: 0, or the most important of the nodes' codes."""
        codes = {node.exit_code for node in self.nodes} - {0}
        return next((code for code in EXIT_ORDER if code in codes), max(codes, default=0))


def status_of(outcome: str) -> Status:
    """Give a node's status from the outcome of its run's last event."""
    return "done" if outcome == "ok" else "failed"


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
        "steps": [
            {"step": step.step, "outcome": step.outcome, "error": step.error} for step in node.steps
        ],
    }


def _finding(finding: Finding) -> Mapping[str, Any]:
    return {
        "check": finding.check,
        "verdict": finding.verdict.value,
        "severity": finding.severity.value,
        "evidence": finding.evidence,
        "remedy": finding.remedy,
        "because_of": list(finding.because_of),
        "ignored": finding.ignored,
    }
