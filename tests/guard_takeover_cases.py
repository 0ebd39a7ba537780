"""What becomes of a guarded change whose runner died, or whose node lacks something.

Each case gets an engine and a folder.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from guard_cases import texts
from guarded import (
    EXTERNAL,
    GATE,
    Run,
    events_of,
    going_back,
    guarded_node,
    held,
    is_as_before,
    leftovers,
    linked,
    of_guard,
    reverted,
    started,
    until,
)
from nodes import base

from wincnode import runner
from wincnode.events import StepStarted
from wincnode.lab.nodes import LabNode
from wincnode.lab.windows import firewall
from wincnode.plan import Plan, to_wire


def cancelled_between_steps(engine: str, folder: Path) -> None:
    """What was to come is not begun, and whatever was changed by then is put back."""
    with guarded_node(folder, engine) as node:
        before = held(node.machine)
        with started(node, GATE, EXTERNAL) as run:
            run.until(StepStarted)
            (run.folder / "cancel").touch()
            node.machine.path(r"C:\gate").touch()
            events = run.end()
        assert of_guard(events) == ["GuardReverted", "cancelled"]
        assert reverted(events).reason == "The run was cancelled."
        assert is_as_before(node, before)


def no_room(engine: str, folder: Path) -> None:
    """A disk that takes nothing keeps no node cut off; what would be told of it is lost."""
    with going_back(folder, engine) as (node, run):
        (run.folder / f"verdict.{run.journal()[0]['pid']}").mkdir()
        (run.folder / "cancel").touch()
        node.machine.room_bytes = 0
        until(lambda: not (run.folder / "guarded").exists())
        until(lambda: not leftovers(node))


def no_room_after_death(engine: str, folder: Path) -> None:
    """The node's task needs to write nothing either."""
    with going_back(folder, engine) as (node, run):
        run.kill()
        node.machine.room_bytes = 0
        for file in (base(node) / "holder.json", run.folder / "journal.jsonl"):
            file.unlink()
            file.mkdir()
        node.machine.clock.advance(61)
        until(lambda: not leftovers(node))


def run_folder_gone(engine: str, folder: Path) -> None:
    """Who tidies up the folders of runs takes nothing that the node needs to go back."""
    with going_back(folder, engine, "static-lost") as (node, run):
        run.kill()
        shutil.rmtree(run.folder)
        node.machine.clock.advance(61)
        until(lambda: not leftovers(node))


def task_gone(engine: str, folder: Path) -> None:
    """Who comes to a node whose task was deleted is told that it goes back, and it does."""
    with going_back(folder, engine) as (node, run):
        node.machine.tasks.clear()
        run.kill()
        assert "nobody has confirmed it" in texts(events_of(node))
        node.machine.clock.advance(61)
        run.put_back()


def killed_before_the_change(engine: str, folder: Path) -> None:
    """The task that finds nothing to put back leaves no rule of the firewall."""
    with guarded_node(folder, engine) as node, started(node, within_s=600) as run:
        run.waits()
        run.kill()
        (run.folder / "guarded").unlink()
        node.machine.clock.advance(61)
        until(lambda: not leftovers(node))


def given_up(node: LabNode, run: Run) -> None:
    """Let ten attempts to put back be in vain, as HNS is off: the task starts with the node alone."""
    (run.folder / "guarded").write_text("." * 9)
    node.machine.services.change("hns", {"StartMode": "Disabled"})
    run.dies()
    until(lambda: [len(task.triggers) for task in node.machine.tasks.values()] == [1])


def ten_attempts(engine: str, folder: Path) -> None:
    """After ten of them a start of the node tries again, with the note of what was there."""
    with going_back(folder, engine, "static-lost") as (node, run):
        given_up(node, run)
        assert "wincnode-guard" in node.machine.registry.values(firewall.RULES)
        assert run.state() == "finished"
        node.machine.services.change("hns", {"StartMode": "Auto"})
        node.machine.reboot()
        run.put_back()


def among_many_runs(engine: str, folder: Path) -> None:
    """The folder of a run that is still to be put back outlives 20 newer ones."""
    with going_back(folder, engine) as (node, run):
        given_up(node, run)
        for number in range(20):
            newer = base(node) / "runs" / f"{number:032x}"
            newer.mkdir()
            claim = json.loads((run.folder / "claim.json").read_text())
            claim |= {"run": newer.name, "started": "2999-01-01T00:00:00Z"}
            (newer / "claim.json").write_text(json.dumps(claim))
            (newer / "journal.jsonl").write_text('{"seq":1,"type":"finished"}\n')
        id = runner.new_run()
        wire = to_wire(Plan(node="web-1", steps=()), run=id, mode="apply", who=runner.who("apply"))
        with linked(node) as link:
            assert of_guard(list(runner.detached(link, run=id, plan=wire))) == ["ok"]
        assert (run.folder / "guarded").read_text() == "." * 10
        # The other run's process takes its task away once it has told its end.
        until(lambda: len(node.machine.tasks) == 1)
        node.machine.services.change("hns", {"StartMode": "Auto"})
        node.machine.reboot()
        run.put_back()


def left_to_people(engine: str, folder: Path) -> None:
    """A day later nothing that people may have mended is changed; they find what was there."""
    with guarded_node(folder, engine) as node:
        with started(node, within_s=600) as run:
            run.waits()
            (run.folder / "guarded").write_text("." * 12)
            run.kill()
            os.utime(base(node) / "guard" / "run", (time.time() - 90000,) * 2)
            now = held(node.machine)
            node.machine.reboot()
            until(lambda: not node.machine.tasks)
        assert held(node.machine) == now
        note = json.loads((run.folder / "before.json").read_text())
        assert [row["name"] for row in note["adapters"]] == ["Ethernet"]
        until(lambda: leftovers(node) == ["wincnode-guard"])


def forgotten(engine: str, folder: Path) -> None:
    """Nor is anything changed where the run's folder has gone by then, as those of old runs do."""
    with guarded_node(folder, engine) as node, started(node, within_s=600) as run:
        run.waits()
        run.kill()
        shutil.rmtree(run.folder)
        os.utime(base(node) / "guard" / "run", (time.time() - 90000,) * 2)
        now = held(node.machine)
        node.machine.reboot()
        until(lambda: not node.machine.tasks)
        assert held(node.machine) == now
        until(lambda: leftovers(node) == ["wincnode-guard"])


def begun_anew(engine: str, folder: Path) -> None:
    """A node that was given up takes a new change, and its guard replaces the old one."""
    with guarded_node(folder, engine) as node, started(node, within_s=600) as run:
        run.waits()
        (run.folder / "guarded").write_text("." * 10)
        run.kill()
        before = held(node.machine)
        absent = replace(EXTERNAL, want={"state": "absent"})
        with started(node, absent, within_s=600) as other:
            other.waits()
            (other.folder / "cancel").touch()
            other.put_back()
        assert held(node.machine) == before
        assert not leftovers(node)


def half_written(engine: str, folder: Path) -> None:
    """What was confirmed stays, though the power took how the run's steps had ended."""
    with guarded_node(folder, engine) as node, started(node, within_s=600) as run:
        run.waits()
        run.kill()
        with linked(node) as link:
            list(runner.confirm(link, node="web-1"))
        (run.folder / "waiting").write_bytes(b"\0" * 20)
        node.machine.clock.advance(61)
        events = run.end()
        assert of_guard(events)[-2:] == ["GuardConfirmed", "ok"]
        assert node.machine.hns.bound()
        assert not leftovers(node)


def killed_in_the_step(engine: str, folder: Path) -> None:
    """A runner that dies as the adapter moves leaves what one does that waits."""
    with guarded_node(folder, engine, "static-lost") as node:
        before = held(node.machine)
        with started(node, within_s=600) as run:
            run.until(StepStarted)
            until(lambda: bool(node.machine.hns.bound()))
            run.dies()
            run.put_back()
        assert is_as_before(node, before)


def power_lost_as_it_is_put_back(engine: str, folder: Path) -> None:
    """A node that starts anew half way goes on with what is left to do."""
    with going_back(folder, engine, "static-lost") as (node, run):
        run.dies()
        until(lambda: not node.machine.hns.bound())
        node.machine.reboot()
        until(lambda: not leftovers(node))


def note_lost(engine: str, folder: Path) -> None:
    """Without its note a node has its adapter again all the same, and says what it could not do."""
    with guarded_node(folder, engine) as node:
        with started(node, within_s=600) as run:
            run.waits()
            run.kill()
            (base(node) / "guard" / "before.json").write_bytes(b"\0" * 99)
            node.machine.clock.advance(61)
            run.put_back()
            assert "What was there before cannot be read" in run.told()[0]["reason"]
        assert not node.machine.hns.documents("network")
        assert "192.168.50.21" in node.machine.network.addresses()
        assert not leftovers(node)


CASES: tuple[Callable[[str, Path], None], ...] = (
    cancelled_between_steps,
    no_room,
    no_room_after_death,
    run_folder_gone,
    task_gone,
    killed_before_the_change,
    ten_attempts,
    among_many_runs,
    left_to_people,
    forgotten,
    begun_anew,
    half_written,
    killed_in_the_step,
    power_lost_as_it_is_put_back,
    note_lost,
)
