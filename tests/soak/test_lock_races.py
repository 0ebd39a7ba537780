"""200 races for the lock of one node, each with two to eight clients."""

from __future__ import annotations

from pathlib import Path
from random import Random

from nodes import lab_node
from races import Racer, race

RACES = 200
SEED = 20


def test_no_race_lets_two_runs_in(tmp_path: Path) -> None:
    """Whatever the number of clients, how they run, and how long they stay."""
    random = Random(SEED)  # noqa: S311 - races that can be run again
    won = lost = 0
    with lab_node(tmp_path) as node:
        for number in range(RACES):
            racers = [
                Racer(
                    operator=f"operator-{number}-{client}",
                    run=f"{random.getrandbits(128):032x}",
                    verb=random.choice(("attached", "detached")),
                    hold_ms=random.choice((50, 50, 1500)),
                )
                for client in range(random.randint(2, 8))
            ]
            winners, losers = race(node, racers)
            won, lost = won + winners, lost + losers
    print(f"\n{RACES} races: {won} runs in sequence, {lost} refused with a name")  # noqa: T201 - its result
    assert lost, "nobody ever met another"
