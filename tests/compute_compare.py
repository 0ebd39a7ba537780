"""Both executors on the same cases, and what neither may leave."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import winps
from compute_cases import scenarios
from compute_double import Double, double, image
from compute_scenarios import by_ctypes, by_platform, failed, numbered


def settled(machine: Double) -> None:
    """Nothing is open, nothing is attached, and no call was made as it must not be."""
    assert machine.violations() == []
    assert {name: count for name, count in machine.counts().items() if count} == {}
    assert machine.scratch() == []


def compare(folder: Path, build: int, names: Collection[str] = ()) -> None:
    """Run cases, all where none is named, by both executors on machines of one build."""
    with winps.machine(folder / "machine") as node:
        node.engine.variables["WINPS_BUILD"] = str(build)
        on_node = double(folder / "on-node", build, drive=node.drive)
        here = double(folder / "here", build)
        both = []
        for machine in (on_node, here):
            every = scenarios(image(machine, "3", "2", "1"))
            rows = [row for row in every if not names or row.id in names]
            programs, lines = numbered(rows)
            machine.set(*lines)
            both.append((rows, programs))
        by_node = by_platform(node, on_node, both[0][1])
        by_us = by_ctypes(here, both[1][1])
    for row, one, other in zip(both[0][0], by_us, by_node, strict=True):
        assert other == one, row.id
        assert failed(other) == (row.status, row.hresult), row.id
    settled(on_node)
    settled(here)
