"""Facts about running many nodes at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from wincnode import fleet


def test_one_nodes_error_is_a_value_and_the_others_finish() -> None:
    """A failing node never ends another's run."""

    def work(name: str) -> Iterator[int]:
        yield 1
        if name == "bad":
            raise OSError("gone")
        yield 2

    got: dict[str, list[object]] = {}
    for name, item in fleet.run(["a", "bad", "b"], work, parallel=2):
        got.setdefault(name, []).append(item if isinstance(item, int) else str(item))

    assert got == {"a": [1, 2], "bad": [1, "gone"], "b": [1, 2]}


def test_two_hundred_nodes_are_drained() -> None:
    """The fleet's size is not bounded by its threads."""
    names = [f"n{number}" for number in range(200)]

    seen = [name for name, _ in fleet.run(names, lambda name: iter([name]), parallel=20)]

    assert sorted(seen) == sorted(names)


def test_no_nodes_is_no_work() -> None:
    """An empty fleet ends at once."""
    assert list(fleet.run([], lambda _: iter([1]), parallel=5)) == []


def test_closing_the_fleet_starts_no_further_node() -> None:
    """After ^C no new node is touched."""
    started: list[str] = []
    go_on = threading.Event()

    def work(name: str) -> Iterator[str]:
        started.append(name)
        yield name
        go_on.wait(5)

    fleet_run = fleet.run(["a", "b", "c"], work, parallel=1)
    next(fleet_run)
    fleet_run.close()
    go_on.set()

    assert started == ["a"]
