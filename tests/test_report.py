"""The report: one verdict for a node, one exit code for all."""

from __future__ import annotations

import pytest

from wincnode.errors import NodeLocked, NodeUnreachable, WincnodeError
from wincnode.events import StepFinished
from wincnode.report import NodeReport, Report, Status, planned_status_of, status_of


def node(status: Status, error: WincnodeError | None = None) -> NodeReport:
    """Give a node's result."""
    return NodeReport(node="a", status=status, error=error)


UNREACHABLE = node("unreachable", NodeUnreachable("gone"))
LOCKED = node("locked", NodeLocked("held"))


@pytest.mark.parametrize(
    ("nodes", "code"),
    [
        ([], 0),
        ([node("done"), node("ready"), node("warnings")], 0),
        ([node("failed"), node("blocked"), UNREACHABLE, LOCKED], 1),
        ([node("cancelled")], 1),
        ([LOCKED, UNREACHABLE, node("blocked"), node("done")], 5),
        ([LOCKED, UNREACHABLE], 4),
        ([LOCKED, node("pending")], 6),
        ([node("pending"), node("as-wanted")], 3),
        ([node("as-wanted")], 0),
    ],
)
def test_the_most_important_of_several_codes_counts(nodes: list[NodeReport], code: int) -> None:
    """1, then 5, 4, 6, and 3 where nothing worse happened."""
    assert Report(command="x", nodes=tuple(nodes), pending_counts=True).exit_code == code


def test_pending_changes_count_only_where_they_are_asked_for() -> None:
    """A plan that was shown is a success."""
    assert Report(command="x", nodes=(node("pending"),)).exit_code == 0


def test_an_interrupt_goes_before_everything() -> None:
    """Also where all that was under way has finished well."""
    for result in (node("done"), node("failed")):
        assert Report(command="x", nodes=(result,), interrupted=True).exit_code == 130


@pytest.mark.parametrize(
    ("outcome", "steps", "status"),
    [
        ("ok", ["ok", "ok"], "as-wanted"),
        ("ok", ["ok", "would_change"], "pending"),
        ("ok", ["policy_owned"], "pending"),
        ("ok", ["needs_reboot"], "pending"),
        ("failed", ["would_change", "failed"], "failed"),
    ],
)
def test_a_run_that_only_looks_tells_pending_from_as_wanted(
    outcome: str, steps: list[str], status: Status
) -> None:
    """What policy holds back and what waits for a reboot is not as wanted."""
    rows = [StepFinished(step="1", outcome=row, diff=(), error="", elapsed_ms=0) for row in steps]
    assert planned_status_of(outcome, rows) == status


@pytest.mark.parametrize(
    ("outcome", "status"), [("ok", "done"), ("cancelled", "cancelled"), ("needs_reboot", "failed")]
)
def test_a_run_s_outcome_is_its_node_s_status(outcome: str, status: Status) -> None:
    """Only a run that ended well is done."""
    assert status_of(outcome) == status
