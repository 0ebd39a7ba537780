"""One contract for both executors of programs, over the double: same program, same result."""

from __future__ import annotations

from pathlib import Path

import pytest
from compute_cases import refusals, scenarios
from compute_compare import compare, settled
from compute_double import BUILDS, double, image
from compute_scenarios import by_ctypes, failed, numbered

from wincnode.hcs.errors import explain, load_meanings
from wincnode.hcs.local.table import EXPORTS

# What each build lacks: it was added later, or is asked in another way where it is there.
LACKS = {
    17763: {"HcsWaitForComputeSystemExit", "HcsWaitForProcessExit"},
    20348: {"HcsGetProcessProperties"},
    26100: {"HcsGetProcessProperties"},
}
UNCOUNTED = {"kernel32.dll", "ole32.dll", "advapi32.dll"}


@pytest.mark.parametrize("build", BUILDS)
def test_programs_end_as_the_contract_says_on_each_build(tmp_path: Path, build: int) -> None:
    """By ctypes: statuses and codes of all cases, and every export is called at least once."""
    machine = double(tmp_path, build)
    rows = scenarios(image(machine, "3", "2", "1"))
    programs, lines = numbered(rows)
    machine.set(*lines)

    results = by_ctypes(machine, programs)

    assert {row.id: failed(found) for row, found in zip(rows, results, strict=True)} == {
        row.id: (row.status, row.hresult) for row in rows
    }
    settled(machine)
    called = {line.split()[0].rpartition("!")[2] for line in machine.calls()}
    wanted = {name for dll, name in EXPORTS if dll not in UNCOUNTED or name.startswith("Lsa")}
    assert wanted - called == LACKS[build]


def test_each_code_that_windows_may_give_is_told_and_explained(tmp_path: Path) -> None:
    """A failed rung has a code, the service's own words, and at least one likely cause."""
    machine = double(tmp_path)
    rows = refusals(image(machine, "3", "2", "1"))
    programs, lines = numbered(rows)
    machine.set(*lines)
    known = load_meanings()

    results = by_ctypes(machine, programs)

    assert [failed(found) for found in results] == [(row.status, row.hresult) for row in rows]
    unexplained = [row.hresult for row in rows if not explain(int(row.hresult, 16), known)]
    assert unexplained == []
    settled(machine)


def test_holders_of_a_right_are_told_by_their_sids(tmp_path: Path) -> None:
    """In the order that Windows gives; an empty list is no failure."""
    machine = double(tmp_path)
    names = ("right held", "right lacking", "right of nobody", "right not listed")
    rows = [row for row in scenarios(image(machine, "3", "2", "1")) if row.id in names]
    programs, lines = numbered(rows)
    machine.set(*lines)

    results = by_ctypes(machine, programs)

    told = {
        row.id: [one["result"]["sids"] for one in found["calls"][1:] if "result" in one]
        for row, found in zip(rows, results, strict=True)
    }
    assert told == {
        "right held": [["S-1-5-80-0", "S-1-5-83-0"], []],
        "right lacking": [
            ["S-1-5-80-0", "S-1-5-21-4294967295-0-7-1104", "S-1-1-0"],
            ["S-1-5-83-0"],
        ],
        "right of nobody": [[], []],
        "right not listed": [["S-1-5-80-0", "S-1-5-83-0"]],
    }
    settled(machine)


# What a node runs here; tests/acceptance has all cases, on each build.
SOME = (
    "container",
    "schema 1",
    "quirk of 2022",
    "hanging layer",
    "right held",
    "right lacking",
    "right of nobody",
    "right refused",
    "left attached",
    "found attached",
)


def test_a_node_gives_the_results_that_ctypes_gives(tmp_path: Path) -> None:
    """The same documents, for a few cases, and nothing is left open by either."""
    compare(tmp_path, 20348, SOME)
