"""All cases of the executors' contract by both of them, on each build of Windows."""

from __future__ import annotations

from pathlib import Path

import pytest
import winps
from compute_cases import refusals
from compute_compare import compare, settled
from compute_double import BUILDS, double, image
from compute_scenarios import by_platform, failed, numbered


@pytest.mark.parametrize("build", BUILDS)
def test_both_executors_give_the_same(tmp_path: Path, build: int) -> None:
    """The same program has the same result document."""
    compare(tmp_path, build)


def test_a_node_tells_each_code_that_windows_may_give(tmp_path: Path) -> None:
    """Each code once, by platform.cs."""
    with winps.machine(tmp_path / "machine") as node:
        machine = double(tmp_path, drive=node.drive)
        rows = refusals(image(machine, "3", "2", "1"))
        programs, lines = numbered(rows)
        machine.set(*lines)

        results = by_platform(node, machine, programs)

    assert [failed(found) for found in results] == [(row.status, row.hresult) for row in rows]
    settled(machine)
