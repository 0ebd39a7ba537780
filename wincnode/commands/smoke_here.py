"""The ladder on this Windows host itself: its programs by ctypes, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

from wincnode.commands.smoke import Climb, Shown, line, told
from wincnode.events import Event, Log
from wincnode.fleet import Stop
from wincnode.hcs import logon, smoke
from wincnode.hcs.errors import Meanings
from wincnode.hcs.program import to_json
from wincnode.hcs.rungs import BY_ID, RungId, Situation, ladder
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
        rights: logon.Logon | None = None
        for id, needs, program in logon.programs(steps):
            if stop.asked:
                break
            passed = {name for name, row in verdicts.items() if row.status == "pass"}
            missing = tuple(name for name in needs if name not in passed)
            answer = None if missing else run(to_json(program))
            if id == logon.ID:
                rights = logon.read(answer, known)
                continue
            found = smoke.judged(BY_ID[id], answer, known, missing=missing)
            verdicts[id] = row = logon.explained(found, rights)
            yield Log(text=line(row), level="info" if row.status == "pass" else "warning")
        return told(steps, Shown(report=result, verdicts=verdicts))

    return climb
