"""Kills client, runner and executor within a program, and looks for what they leave."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import compute_kills
import pytest
import winps
from client import desk, journals, killed_at, until_not_locked
from compute_cases import scenarios
from compute_double import double, image, libraries
from compute_scenarios import by_ctypes, failed, numbered, scenario, steps
from nodes import lab_node

PLAYBOOK = """\
name: programs
steps:
  - compute_programs:
      programs: {programs}
"""


def executor_killed(folder: Path, number: int, calls: range) -> None:
    """Systems and layers are gone after the next program."""
    there, programs = compute_kills.machine(folder)
    told = set()
    for at in calls:
        if not compute_kills.killed(there, programs[number], at):
            break
        before = {name: there.counts()[name] for name in ("systems", "layers")}
        left = bool(there.scratch())
        result = by_ctypes(there, [numbered([scenario("look", ([], []))])[0][0]])[0]
        rows = [(row["kind"], row["removed"]) for row in result["leftovers"]]
        told |= set(rows)
        assert (before["layers"] == 0 or left, left == (("scratch", True) in rows)) == (True, True)
        assert {name: count for name, count in there.counts().items() if count} == {}, at
        assert there.scratch() == []
        # A system of ours ends with the process that had it.
        assert before["systems"] == 0
    assert at > 20
    assert told == {("scratch", True)}
    assert there.violations() == []


def runner_killed(folder: Path, calls: Iterable[int]) -> int:
    """Systems and layers are gone after the next run; gives the last call of which it died."""
    last = 0
    with winps.machine(folder / "machine") as node:
        there = double(folder, drive=node.drive)
        node.engine.variables.update(there.environment)
        program = compute_kills.programs(image(there, "3", "2", "1"))[0]
        for at in calls:
            there.set(f"die {at}")
            events = node.send(winps.packed(winps.request(**steps([program]))))
            there.set()
            ended = bool(winps.of(events, "finished"))
            left = there.scratch()
            again = node.run(**steps(numbered([scenario("look", ([], []))])[0]))
            (told,) = winps.of(again, "program_finished")
            rows = [(row["kind"], row["removed"]) for row in told["result"]["leftovers"]]
            assert rows == [("scratch", True)] * len(left), at
            assert not (ended and left), at
            assert {name: count for name, count in there.counts().items() if count} == {}, at
            assert there.scratch() == []
            if ended:
                break
            last = at
    assert there.violations() == []
    return last


def client_killed(folder: Path, request: int) -> None:
    if libraries() is None:
        pytest.skip("no gcc to build the double of computecore.dll with")
    with lab_node(folder / "node") as node:
        there = double(folder, drive=node.machine.drive)
        rows = [row for row in scenarios(image(there, "3", "2", "1")) if row.id == "container"]
        (program,) = numbered(rows)[0]
        step = [{"id": "box", "needs": [], "program": program}]
        here = desk(folder, node, PLAYBOOK.format(programs=winps.json.dumps(step)))
        killed_at(request, here, node)

        until_not_locked(here)

        for journal in journals(node):
            for event in journal:
                if event["type"] == "program_finished":
                    assert event["result"]["leftovers"] == []
                    assert failed(event["result"]) == ("", ""), event["result"]
        compute = node.machine.folder / "compute"
        assert not (compute / "violations").exists()
        scratch = node.machine.path(r"C:\ProgramData\wincnode\scratch")
        assert [path.name for path in scratch.iterdir()] == []
