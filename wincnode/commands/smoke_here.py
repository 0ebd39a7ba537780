"""The ladder on this Windows host itself: its programs by ctypes, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

from wincnode.commands.smoke import Climb, Shown, line, told
from wincnode.events import Event, Log
from wincnode.fleet import Stop
from wincnode.hcs import smoke
from wincnode.hcs.errors import Meanings
from wincnode.hcs.program import to_json
from wincnode.hcs.rungs import RungId, Situation, Tried, ladder
from wincnode.report import NodeReport
from wincnode.transport import Transport

Run = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def by_ctypes(run: Run) -> Climb:
    """Give what tries the rungs by a function that runs a program; no image is pulled for it."""

    def climb(
        _transport: Transport,
        now: Situation,
        result: NodeReport,
        *,
        known: Meanings,
        pull: bool,
        stop: Stop,
    ) -> Generator[Event, None, NodeReport]:
        del pull  # an image is taken that is there
        steps = ladder(now)
        verdicts: dict[RungId, smoke.Verdict] = {}
        for step in steps:
            if not isinstance(step, Tried) or stop.asked:
                continue
            verdicts[step.rung.id] = row = _tried(step, verdicts, known, run)
            yield Log(text=line(row), level="info" if row.status == "pass" else "warning")
        return told(steps, Shown(report=result, verdicts=verdicts))

    return climb


def _tried(
    step: Tried, before: Mapping[RungId, smoke.Verdict], known: Meanings, run: Run
) -> smoke.Verdict:
    """Try one rung where those that it needs have passed."""
    passed = {id for id, row in before.items() if row.status == "pass"}
    missing = tuple(id for id in step.needs if id not in passed)
    answer = None if missing else run(to_json(step.program))
    return smoke.judged(step.rung, answer, known, missing=missing)
