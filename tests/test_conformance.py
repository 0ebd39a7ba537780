"""Both engines of the lab do the same: the shipped scripts, and their model in Python."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conformance import CASES, Case
from nodes import ENGINES, base, lab_node, linked

from wincnode import runner
from wincnode.lab.nodes import LabNode
from wincnode.node import kinds
from wincnode.plan import Plan, Step, to_wire

MODES = ("check", "apply", "apply again")
BROKEN = tuple(case for case in CASES if case.broken)
# Cases share a machine where no step fails; a failed one would end the run.
GROUPS = {
    "sound": (tuple(case for case in CASES if not (case.broken or case.alone)), MODES),
    "broken": (BROKEN, MODES[:1]),
    **{case.id: ((case,), MODES[1:]) for case in CASES if case.broken or case.alone},
}
# What a machine has of its own, and what only a clock can say.
FREE = ("at", "elapsed_ms", "pid", "powershell", "run")


def step(case: Case) -> Step:
    return Step(
        id=case.id,
        kind=case.kind,
        title=case.id,
        key=case.key,
        want=case.want,
        timeout_s=case.timeout_s,
    )


def lines(node: LabNode, cases: Sequence[Case], mode: str) -> list[dict[str, Any]]:
    """Run a plan and give its events as they came, without what is free to differ."""
    run = runner.new_run()
    plan = to_wire(
        Plan(node="web-1", steps=tuple(step(case) for case in cases)),
        run=run,
        mode="check" if mode == "check" else "apply",
        who={"operator": "ada"},
    )
    request = runner.pack(runner.payload_of("attached", run=run, plan=plan))
    with linked(node) as link:
        rows = [json.loads(line) for line in link.run(runner.command_line(), request)]
    return [
        {name: plain(name, row[name]) for name in sorted(row) if name not in FREE} for row in rows
    ]


def plain(name: str, value: Any) -> Any:
    """Leave of an error what names it: our own texts, or .NET's name of it without its words."""
    return value["id"] if name == "error" and value else value


def end_state(node: LabNode) -> dict[str, Any]:
    """Give what a machine holds: its files, registry and services."""
    # What was on its way has arrived.
    node.machine.clock.advance(60)
    keep = (r"program files\wincnode\runs", r"windows\system32", "holder.json", "manifest.json")
    files = {}
    for path in sorted(node.machine.drive.rglob("*")):
        name = str(path.relative_to(node.machine.drive)).replace("/", "\\").lower()
        if not any(word in name for word in keep):
            files[name] = path.read_bytes() if path.is_file() else None
    return {
        "files": files,
        "registry": {key.lower(): rows for key, rows in node.machine.registry.snapshot().items()},
        "services": node.machine.services.rows(),
        "tasks": node.machine.tasks,
        "manifest": manifest(node),
    }


def manifest(node: LabNode) -> list[dict[str, Any]]:
    file = base(node) / "manifest.json"
    rows = json.loads(file.read_text())["entries"] if file.exists() else []
    return [{key: row[key] for key in ("kind", "key", "before")} for row in rows]


@dataclass(frozen=True, kw_only=True, slots=True)
class Played:
    """What came of cases on one engine: events by mode, and the machine afterwards."""

    events: dict[str, list[dict[str, Any]]]
    machine: dict[str, Any]

    def of(self, case: Case, mode: str) -> list[dict[str, Any]]:
        """Give a case's own events."""
        return [row for row in self.events[mode] if row.get("step") == case.id]

    def outcomes(self, case: Case) -> dict[str, str]:
        """Give how a case ended in each mode."""
        return {mode: self.of(case, mode)[-1]["outcome"] for mode in self.events}


def play(folder: Path, engine: str, cases: Sequence[Case], modes: Sequence[str]) -> Played:
    """Run the cases in each mode, one after the other, on a machine of its own."""
    with lab_node(folder, engine=engine) as node:
        for case in cases:
            case.before(node.machine)
        events = {mode: lines(node, cases, mode) for mode in modes}
        return Played(events=events, machine=end_state(node))


def promised(case: Case) -> dict[str, str]:
    """Say how a case ends: shown, made and then left alone, unless it is broken."""
    there = case.id.endswith(("present", "wait_for absent"))
    outcomes = ["ok"] * 3 if there else ["would_change", "changed", "ok"]
    if case.broken:
        outcomes = ["would_change", "failed", "failed"]
    if "policy" in case.id:
        outcomes = ["policy_owned"] * 3
    return dict(zip(MODES, outcomes, strict=True))


@pytest.mark.parametrize(("cases", "modes"), GROUPS.values(), ids=GROUPS)
def test_engines_do_the_same(cases: Sequence[Case], modes: Sequence[str], tmp_path: Path) -> None:
    """Outcomes are as promised; events, names of errors and the machine are equal."""
    scripts, model = (play(tmp_path / engine, engine, cases, modes) for engine in ENGINES)

    for case in cases:
        wanted = promised(case)
        assert scripts.outcomes(case) == {mode: wanted[mode] for mode in modes}, case.id
        assert not case.keeps or case.keeps in scripts.machine["files"]
        for mode in modes:
            assert scripts.of(case, mode) == model.of(case, mode)
    assert scripts.machine == model.machine


def test_every_kind_has_its_cases() -> None:
    """A step kind without a conformance case could drift apart unseen."""
    words = {word for case in CASES for word in case.id.split()[1:2]}
    assert {case.kind for case in CASES} == set(kinds.all_kinds())
    assert {"absent", "present", "different"} <= words
