"""One contract for both executors of programs, over the double: same program, same result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import winps
from compute_cases import refusals, scenarios
from compute_double import BUILDS, Double, double, image
from compute_scenarios import Scenario, by_ctypes, by_platform, failed, numbered

from wincnode.hcs.errors import explain, load_meanings
from wincnode.hcs.local.table import EXPORTS

# What each build lacks: it was added later, or is asked in another way where it is there.
LACKS = {
    17763: {"HcsWaitForComputeSystemExit", "HcsWaitForProcessExit"},
    20348: {"HcsGetProcessProperties"},
    26100: {"HcsGetProcessProperties"},
}
UNCOUNTED = {"kernel32.dll", "ole32.dll", "advapi32.dll"}


def cases(layers: list[str]) -> list[Scenario]:
    return scenarios(layers)


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
    wanted = {name for dll, name in EXPORTS if dll not in UNCOUNTED}
    assert wanted - called == LACKS[build]


def settled(machine: Double) -> None:
    """Nothing is open, nothing is attached, and no call was made as it must not be."""
    assert machine.violations() == []
    assert {name: count for name, count in machine.counts().items() if count} == {}
    assert machine.scratch() == []


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


@pytest.fixture(scope="module")
def on_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Double, list[Any], list[Any]]]:
    """Run all cases on a node of build 20348, in one process, and by ctypes beside it."""
    folder = tmp_path_factory.mktemp("node")
    with winps.machine(folder / "machine") as node:
        machine = double(folder, drive=node.drive)
        rows = scenarios(image(machine, "3", "2", "1"))
        programs, lines = numbered(rows)
        machine.set(*lines)
        by_node = by_platform(node, machine, programs)
        yield machine, rows, by_node


def test_a_node_gives_the_results_that_ctypes_gives(
    tmp_path: Path, on_node: tuple[Double, list[Any], list[Any]]
) -> None:
    """The same documents, but for the words of .NET and Python about files."""
    _, rows, by_node = on_node
    machine = double(tmp_path)
    programs, lines = numbered(scenarios(image(machine, "3", "2", "1")))
    machine.set(*lines)

    here = by_ctypes(machine, programs)

    for row, one, other in zip(rows, here, by_node, strict=True):
        assert other == one, row.id


def test_a_node_leaves_nothing_behind(on_node: tuple[Double, list[Any], list[Any]]) -> None:
    """Handles, operations, strings: what its process left open at its end would be told."""
    settled(on_node[0])
