"""Facts about running many nodes at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from wincnode import fleet
from wincnode.errors import Interrupted
from wincnode.fleet import Stop


def test_one_nodes_error_is_a_value_and_the_others_finish() -> None:
    """A failing node never ends another's run."""

    def work(name: str) -> Iterator[int]:
        yield 1
        if name == "bad":
            raise OSError("gone")
        yield 2

    got: dict[str, list[object]] = {}
    for name, item in fleet.run(["a", "bad", "b"], work, parallel=2, stop=Stop()):
        got.setdefault(name, []).append(item if isinstance(item, int) else str(item))

    assert got == {"a": [1, 2], "bad": [1, "gone"], "b": [1, 2]}


def test_two_hundred_nodes_are_drained() -> None:
    """The fleet's size is not bounded by its threads."""
    names = [f"n{number}" for number in range(200)]

    seen = [
        name for name, _ in fleet.run(names, lambda name: iter([name]), parallel=20, stop=Stop())
    ]

    assert sorted(seen) == sorted(names)


def test_a_silent_node_holds_no_place_that_others_wait_for() -> None:
    """Whoever is off, or far away, is waited for beside the others."""
    others_done = threading.Event()

    def work(name: str) -> Iterator[str]:
        if name == "silent":
            assert others_done.wait(5)
        yield name

    got = []
    for name, item in fleet.run(
        ["silent", "a", "b"], work, parallel=1, stop=Stop(), patience_s=0.01
    ):
        got.append((name, item))
        if len(got) == 2:
            others_done.set()

    assert got == [("a", "a"), ("b", "b"), ("silent", "silent")]


def test_a_node_that_lent_its_place_waits_for_one_before_its_first_item() -> None:
    """No more nodes are at work than were asked for: the second begins when the first has ended."""
    begun, speaks = threading.Event(), threading.Event()

    def work(name: str) -> Iterator[str]:
        if name == "late":
            assert begun.wait(5)
            speaks.set()
        else:
            begun.set()
        yield f"{name} begins"
        if name == "first":
            assert speaks.wait(5)
        yield f"{name} ends"

    got = [
        item
        for _, item in fleet.run(["late", "first"], work, parallel=1, stop=Stop(), patience_s=0.01)
    ]

    assert got == ["first begins", "first ends", "late begins", "late ends"]


def test_places_are_lent_within_limits() -> None:
    """A rack that is off costs twice the threads that were asked for, and no more."""
    lock, silent, most = threading.Lock(), [0], [0]
    enough = threading.Event()

    def work(name: str) -> Iterator[str]:
        with lock:
            silent[0] += 1
            most[0] = max(most[0], silent[0])
        enough.wait(0.1)
        with lock:
            silent[0] -= 1
        yield name

    names = [f"n{number}" for number in range(20)]
    got = [name for name, _ in fleet.run(names, work, parallel=3, stop=Stop(), patience_s=0)]

    assert sorted(got) == sorted(names)
    assert most[0] <= 6


def test_no_nodes_is_no_work() -> None:
    """An empty fleet ends at once."""
    assert list(fleet.run([], lambda _: iter([1]), parallel=5, stop=Stop())) == []


def test_closing_the_fleet_starts_no_further_node() -> None:
    """After ^C no new node is touched."""
    started: list[str] = []
    go_on = threading.Event()

    def work(name: str) -> Iterator[str]:
        started.append(name)
        yield name
        go_on.wait(5)

    fleet_run = fleet.run(["a", "b", "c"], work, parallel=1, stop=Stop())
    next(fleet_run)
    fleet_run.close()
    go_on.set()

    assert started == ["a"]


def test_stopping_waits_for_bound_nodes_alone() -> None:
    """After ^C a node that works is followed to its end, a reading one is left, no other starts."""
    stop = Stop()
    reading, working, silent = threading.Event(), threading.Event(), threading.Event()
    told: list[tuple[str, ...]] = []

    def work(name: str) -> Iterator[str]:
        yield "hello"
        if name == "working":
            stop.bind(name)
            working.set()
            reading.wait(5)
            yield "done"
        silent.wait(5)
        yield "too late"

    got = []
    names = ["working", "reading", "next"]
    for name, item in fleet.run(names, work, parallel=2, stop=stop, on_stop=told.append):
        got.append((name, item))
        if len(got) == 2:
            working.wait(5)
            stop.ask()
            reading.set()
        if item == "done":
            break
    silent.set()

    assert sorted(got[:2]) == [("reading", "hello"), ("working", "hello")]
    assert got[2:] == [("working", "done")]
    assert told == [("working",)]


def test_stopping_ends_at_once_where_nothing_is_bound() -> None:
    """Reading leaves nothing behind that anyone would have to wait for."""
    stop = Stop()
    silent = threading.Event()

    def work(_: str) -> Iterator[str]:
        yield "hello"
        silent.wait(5)
        yield "too late"

    got = []
    for _, item in fleet.run(["a"], work, parallel=1, stop=stop):
        got.append(item)
        stop.ask()
    silent.set()

    assert got == ["hello"]


def test_nothing_is_begun_after_stopping() -> None:
    """A node that was about to be changed is not."""
    stop = Stop()
    stop.ask()

    with pytest.raises(Interrupted, match="a: interrupted before anything was changed"):
        stop.bind("a")
    assert stop.bound() == frozenset()


def test_what_is_begun_may_go_on_after_stopping() -> None:
    """A node that is bound already is followed to its end."""
    stop = Stop()
    stop.bind("a")
    stop.ask()

    stop.bind("a")
    assert stop.bound() == frozenset({"a"})
