"""Cases of conformance are played on a lab node: its events, and what it holds afterwards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodes import base, lab_node, linked

from conformance.case import Case
from wincnode import runner
from wincnode.lab.nodes import LabNode
from wincnode.node.kinds import all_kinds
from wincnode.plan import Plan, Step, to_wire

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
    apart = mode != "check" and any(all_kinds()[case.kind].detached_only for case in cases)
    verb = "detached" if apart else "attached"
    request = runner.pack(runner.payload_of(verb, run=run, plan=plan))
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
        "networks": node.machine.hns.documents("network"),
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
