"""What starts scheduled tasks by itself: the start of the machine, and times of its clock."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wincnode.lab.windows.machine import Machine, Task

# As ConvertTo-Json of 5.1 writes a time: milliseconds since 1970, UTC.
_MILLISECONDS = re.compile(r"/Date\((-?\d+)\)/")


@dataclass(frozen=True, kw_only=True, slots=True)
class Trigger:
    """When a task starts: with the machine, or at a time and each so many seconds from then on."""

    at_startup: bool = False
    at: datetime | None = None
    every_s: float = 0.0


def of(bound: Mapping[str, Any]) -> Trigger:
    """Give what New-ScheduledTaskTrigger was asked for."""
    if bound.get("AtStartup"):
        return Trigger(at_startup=True)
    every = bound.get("RepetitionInterval")
    return Trigger(at=_moment(bound["At"]), every_s=_seconds(every) if every else 0.0)


def follow(machine: Machine, id: str, task: Task) -> None:
    """Start a task at its times, until it or the machine is gone."""
    for trigger in task.triggers:
        if trigger.at is not None:
            threading.Thread(target=_follow, args=(machine, id, task, trigger), daemon=True).start()


def at_startup(machine: Machine) -> None:
    """Start the tasks that start with the machine."""
    for task in list(machine.tasks.values()):
        if any(trigger.at_startup for trigger in task.triggers):
            machine.run_task(task)


def _follow(machine: Machine, id: str, task: Task, trigger: Trigger) -> None:
    # Times are the host's, seconds the machine's, whose clock tests move on.
    left = max(0.0, ((trigger.at or datetime.now(UTC)) - datetime.now(UTC)).total_seconds())
    due = machine.clock.seconds() + left
    while True:
        machine.clock.wait(due - machine.clock.seconds(), machine.gone)
        if machine.gone.is_set() or machine.tasks.get(id) is not task:
            return
        if machine.up.is_set():
            machine.run_task(task)
        if not trigger.every_s:
            return
        due = max(due, machine.clock.seconds()) + trigger.every_s


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if found := _MILLISECONDS.fullmatch(str(value)):
        return datetime.fromtimestamp(int(found[1]) / 1000, UTC)
    return datetime.fromisoformat(str(value)).astimezone(UTC)


def _seconds(text: str) -> float:
    hours, minutes, seconds = (float(part) for part in text.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds).total_seconds()
