"""One run at a time: whoever comes second is told who is first."""

from __future__ import annotations

from pathlib import Path

from nodes import lab_node
from races import Racer, race

from wincnode.runner import new_run


def test_runs_that_start_together_are_never_inside_together(tmp_path: Path) -> None:
    """Attached and detached runs wait for each other or are refused with the holder's name."""
    with lab_node(tmp_path) as node:
        for hold_ms in (50, 2000):
            racers = [
                Racer(operator=name, run=new_run(), verb=verb, hold_ms=hold_ms)
                for name, verb in (("ada", "attached"), ("bob", "detached"), ("eve", "attached"))
            ]
            race(node, racers)
