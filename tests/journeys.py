"""Journeys of one node that end where they began, on either engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from client import Desk, desk, outcomes
from nodes import base, lab_node, linked
from winps import winps

from wincnode import assets, runner
from wincnode.commands.reboots import Patience, reboot
from wincnode.events import Hello, Log, StepFinished
from wincnode.lab import nodes
from wincnode.lab.nodes import LabNode, Wish
from wincnode.lab.windows.network import INTERFACES
from wincnode.lab.windows.services import KEY
from wincnode.plan import Plan, Step, to_wire
from wincnode.transport import Transport

ALONE = ("leave", "--machine-only", "--yes", "-o", "json")
LIST = "name: list\nsteps:\n  - environment: {name: Path, entries: ['C:\\k', 'C:\\more']}\n"
# What Windows has of itself, and a run has set.
CLOCK = f"{KEY}\\w32time".lower()
QUICK = Patience(first_s=0.05, pause_s=0.05, timeout_s=20)


def holds(node: LabNode) -> dict[str, Any]:
    """Give what a machine holds, but for wincnode's own folder, where its runs are kept."""
    # What was on its way has arrived.
    node.machine.clock.advance(60)
    drive, own = node.machine.drive, base(node)
    files = {
        str(path.relative_to(drive)).lower(): path.read_bytes() if path.is_file() else None
        for path in drive.rglob("*")
        if path != own and own not in path.parents
    }
    rows = {key.lower(): row for key, row in node.machine.registry.snapshot().items()}
    # Windows keeps what it noted of an adapter, also of one that is gone.
    registry = {key: row for key, row in rows.items() if not key.startswith(INTERFACES.lower())}
    registry.pop(CLOCK, None)
    return {
        "files": files,
        "registry": registry,
        "services": node.machine.services.rows(),
        # A run takes its own task away a moment after it has told that it ended.
        "tasks": [task for task in node.machine.tasks.values() if "wincnode" not in task.name],
    }


def left(here: Desk, *words: str, code: int = 0) -> dict[str, Any]:
    """Run `wincnode leave` and give its report of the node."""
    done = here.run(*ALONE, *words)
    assert done.returncode == code, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)["nodes"][0]
    return report


def goes_back(folder: Path, engine: str) -> None:
    """Take two playbooks on a machine, and leave: it is what it was before."""
    with lab_node(folder / "node", engine=engine) as node:
        here = desk(folder, node, assets.playbook(Path("prepare.yaml")).read_text())
        before = holds(node)
        here.apply()
        # Path gets entries in two runs, each of which the manifest tells.
        here.playbook(LIST)
        here.apply()
        assert holds(node) != before

        report = left(here)

        assert set(outcomes(report)) == {"changed"}
        assert report["notes"] == []
        assert holds(node) == before
        assert node.machine.services.restarts_after("W32Time") is None
        assert not (base(node) / "manifest.json").exists()


def boot(link: Transport) -> str:
    """Give what identifies a node's boot."""
    events = runner.read_facts(link, node="web-1", sections=())
    return next(event.boot for event in events if isinstance(event, Hello))


def reboots_twice(folder: Path, engine: str) -> None:
    """Reboot a node by shutdown.exe, and by a task of SYSTEM where that is denied."""
    with lab_node(folder, engine=engine) as node, linked(node) as link:
        before = boot(link)
        first = _rebooted(node, link, before)
        node.machine.denied.add("shutdown")
        between = boot(link)
        second = _rebooted(node, link, between)

        assert first[0] == "The node reboots."
        assert second[0] == "The node reboots, by a task of SYSTEM."
        assert len({before, between, boot(link)}) == 3
        assert not node.machine.tasks


def _rebooted(node: LabNode, link: Transport, before: str) -> list[str]:
    """Reboot a node and give what was said; its five seconds pass once it has said so."""
    said = []
    for event in reboot(link, node="web-1", boot=before, patience=QUICK):
        if isinstance(event, Log):
            said.append(event.text)
            node.machine.clock.advance(5)
    return said


def limited(folder: Path, engine: str, *, limit_s: int) -> str:
    """Install a feature, which takes 180 s, in a step that may take so long; give what it says."""
    program = Path(winps()) if engine == "powershell" else None
    wish = Wish(
        profile="ws2022", powershell=program, durations={"feature_install": 180}, haste=1000
    )
    want = {"state": "present", "with": []}
    key = {"name": "Web-Server"}
    step = Step(id="1", kind="windows_feature", title="", key=key, want=want, timeout_s=limit_s)
    run = runner.new_run()
    plan = to_wire(Plan(node="web-1", steps=(step,)), run=run, mode="apply", who={})
    with nodes.lab_node("web-1", wish, folder) as node, linked(node) as link:
        for event in runner.detached(link, run=run, plan=plan):
            if isinstance(event, StepFinished) and event.error:
                return event.error
    return ""
