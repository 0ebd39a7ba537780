"""The table of docs/faults.md is whole, and of tests that are there and can fail."""

from __future__ import annotations

import re
from typing import Any

import pytest
import test_faults_network
from fault_rows import Row, raised
from pages.faults import fault_rows

from wincnode.checks import all_checks
from wincnode.error_ids import load_error_ids
from wincnode.errors import NodeError
from wincnode.lab.faults import parse_fault
from wincnode.lab.nodes import PASSWORD
from wincnode.lab.windows.profiles import defect_names, profile_names

ROWS: list[dict[str, Any]] = fault_rows()
FAULTS = [f"F{number}" for number in range(1, 41)]
# Why a fault has no test.
LEFT_OUT: dict[str, str] = {}


def test_each_fault_has_one_row() -> None:
    """F1 to F40, each once, or a reason."""
    assert [row["id"] for row in ROWS] == [id for id in FAULTS if id not in LEFT_OUT]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_row_is_of_things_that_are_there(row: dict[str, Any]) -> None:
    """Its test is called by its id; its error has its exit code; its faults can be rehearsed."""
    number = int(row["id"][1:])
    assert row["test"].startswith(f"test_f{number:02}_")
    known = {error.id: error.exit_code for error in load_error_ids().values()}
    if row["error"] in known:
        assert known[row["error"]] == row["exit_code"]
    elif row["error"]:
        assert row["error"] in {check.id for check in all_checks()}
        assert row["exit_code"] == 5
    for name in row["rehearse"]:
        if name not in {*defect_names(), *profile_names()}:
            parse_fault(re.sub("NUMBER|SECONDS", "7", name))


def test_the_pages_row_is_the_one_that_the_test_is_held_to() -> None:
    """It is read as text, and means the same when it is run."""
    read = next(row for row in ROWS if row["id"] == "F1")
    run: Row = test_faults_network.test_f01_a_name_that_does_not_resolve.row  # type: ignore[attr-defined]
    assert {name: read[name] for name in ("id", "what", "does", "error", "exit_code")} == {
        name: getattr(run, name) for name in ("id", "what", "does", "error", "exit_code")
    }


@pytest.mark.parametrize(
    ("id", "message", "seconds"),
    [
        ("link.refused", "x", 0.0),
        ("link.name", "Traceback (most recent call last)", 0.0),
        ("link.name", PASSWORD, 0.0),
        ("link.name", "x", 15.1),
    ],
)
def test_an_end_that_is_not_the_rows_fails(id: str, message: str, seconds: float) -> None:
    """Another id, a traceback, a secret, or too late."""

    class Unreachable(NodeError):
        exit_code = 4

    row = Row(id="F1", what="", does="", error="link.name", exit_code=4, deadline_s=5)
    row.holds(raised(Unreachable("x", id="link.name")))
    with pytest.raises(AssertionError):
        row.holds(raised(Unreachable(message, id=id), seconds))
