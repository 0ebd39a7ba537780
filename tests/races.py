"""Several clients that want to change one node at the same moment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any

import winps
from nodes import linked

from wincnode import runner
from wincnode.lab.nodes import LabNode

# Its Set fails when another is inside at the same time.
ALONE = """
function Get-WnAlone { param($Key, $Want)
    @{ state = 'settled'; values = @{ state = @('absent', 'present')[[int][IO.File]::Exists($Key['mark'])] } } }
function Set-WnAlone { param($Key, $Want, $Have)
    $door = [IO.File]::Open('C:\\alone.txt', 'CreateNew', 'Write', 'None')
    try { [Threading.Thread]::Sleep($Key['hold_ms']) } finally { $door.Dispose(); [IO.File]::Delete('C:\\alone.txt') }
    [IO.File]::WriteAllText($Key['mark'], '')
}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Racer:
    """One client: who it is, how it runs, and how long its step stays inside."""

    operator: str
    run: str
    verb: str
    hold_ms: int

    def request(self) -> bytes:
        """Give what it sends."""
        key = {"mark": f"C:\\mark-{self.run}", "hold_ms": self.hold_ms}
        payload = winps.request(
            self.verb,
            run=self.run,
            mode="apply",
            kinds={"alone": {"compare": {}, "detached_only": False}},
            scripts={"kinds/alone": ALONE},
            steps=[
                {
                    "id": "1",
                    "kind": "alone",
                    "key": key,
                    "want": {"state": "present"},
                    "timeout_s": 20,
                }
            ],
        )
        payload["plan"]["who"]["operator"] = self.operator
        return winps.packed(payload)


def race(node: LabNode, racers: Sequence[Racer]) -> tuple[int, int]:
    """Let them start together; gives how many won and lost, after each was judged.

    Raises: AssertionError: two were inside at once, nobody won, or a loser was not told to whom.
    """
    start = Barrier(len(racers))

    def run(racer: Racer) -> list[dict[str, Any]]:
        with linked(node) as link:
            start.wait()
            lines = list(link.run(runner.command_line(), racer.request()))
            assert lines, link.stderr.decode()
        return [json.loads(line) for line in lines]

    with ThreadPoolExecutor(len(racers)) as pool:
        told = list(pool.map(run, racers))
    ends = [events[-1] for events in told]
    winners = {
        racer.run: racer.operator
        for racer, end in zip(racers, ends, strict=True)
        if end["type"] == "finished"
    }
    assert winners, told
    for racer, end in zip(racers, ends, strict=True):
        if racer.run in winners:
            assert end["counts"] == {"changed": 1}, told
            assert node.machine.path(f"C:\\mark-{racer.run}").exists()
        else:
            assert (end["type"], end["code"]) == ("refused", "locked"), told
            holder = end["holder"]
            assert holder["who"]["operator"] == winners.get(holder["run"]), told
    return len(winners), len(racers) - len(winners)
