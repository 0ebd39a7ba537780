"""What a run allows the step that it is taking, which work of its machine may not outlast.

On Windows the runner ends a step that takes too long. Its watch goes by our time, and of that the
work of a lab machine takes a fraction; so the machine refuses work that is longer than the limit.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wincnode.lab.windows.machine import Machine

RUNS = r"C:\Program Files\wincnode\runs"


class TooLong(RuntimeError):
    """The work takes longer than the step may."""


def work(machine: Machine, what: str, *, in_step: bool = True) -> None:
    """Take the time that the machine's profile has for some work.

    Args: what: one of the profile's `durations`. in_step: whether a step of a run waits for it.
    Raises: TooLong: at once; the step may not take so long.
    """
    seconds = machine.profile.durations.get(what, 0.0)
    if in_step and seconds > (limit := step_limit(machine)):
        raise TooLong(f"{what} takes {seconds:.0f} s here, and the step may take {limit:.0f} s.")
    machine.clock.work(seconds, machine.gone)


def step_limit(machine: Machine) -> float:
    """Give the seconds that the step of a detached run may take; infinite where none is taken."""
    for folder in _newest(machine.path(RUNS)):
        last = _last(folder / "journal.jsonl")
        if last.get("type") == "step_started":
            plan = json.loads((folder / "payload.json").read_text(encoding="ascii"))["plan"]
            return float(
                next(row["timeout_s"] for row in plan["steps"] if row["id"] == last["step"])
            )
    return math.inf


def _newest(folder: Path) -> list[Path]:
    """Give the run that wrote last: no two hold a machine at once."""
    runs = [row for row in folder.glob("*") if (row / "journal.jsonl").is_file()]
    return sorted(runs, key=lambda row: (row / "journal.jsonl").stat().st_mtime)[-1:]


def _last(journal: Path) -> dict[str, Any]:
    *_, last = ["{}", *journal.read_text(encoding="ascii").splitlines()]
    found: dict[str, Any] = json.loads(last)
    return found
