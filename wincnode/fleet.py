"""Many nodes at once: a generator for each node in a thread, one queue, one consumer."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from wincnode.errors import Interrupted

T = TypeVar("T")
# Reading changes nothing: what limits it is this host, not the nodes.
READING = 200
# How soon ^C is noticed while no node says anything.
LOOK_S = 0.2
# A node that has said nothing for so long is off, or far away: its place may be lent to another.
LEND_S = 1.0
# So many places may be lent for each that there is: each costs a thread and a connection.
MOST_LENT = 1


class Stop:
    """Whether the user asked to stop, and the nodes whose work is followed to its end all the same.

    `ask` is called by a signal handler, so nothing here takes a lock.
    """

    def __init__(self) -> None:
        self.asked = False
        self._bound: set[str] = set()

    def ask(self) -> None:
        """Start no further work."""
        self.asked = True

    def bind(self, node: str) -> None:
        """Say that a node's work, from now on, goes on whoever listens; again it says nothing new.

        Raises: Interrupted: the user asked to stop before.
        """
        if node in self._bound:
            return
        # Bound before asking: whoever asks in between sees the node, or is seen here.
        self._bound.add(node)
        if self.asked:
            self._bound.discard(node)
            raise Interrupted(f"{node}: interrupted before anything was changed")

    def bound(self) -> frozenset[str]:
        """Give the nodes that are bound."""
        return frozenset(self._bound)


class _End:
    """One node's generator has ended."""


class _Places:
    """As many places as nodes may be worked on at once; who is silent lends its own.

    A node that has lent its place waits for another one before its first item is taken.
    """

    def __init__(self, count: int, patience_s: float) -> None:
        self._patience_s = patience_s
        self._free = threading.Semaphore(count)
        self._lock = threading.Lock()
        self._most = MOST_LENT * count
        self._silent: dict[str, float] = {}
        self._lent: set[str] = set()

    def wait(self) -> None:
        """Wait for a place."""
        self._free.acquire()

    def give(self) -> None:
        """Give a place back that was not needed."""
        self._free.release()

    def begin(self, name: str) -> None:
        """Let a node have the place that was waited for."""
        with self._lock:
            self._silent[name] = time.monotonic()

    def heard(self, name: str) -> None:
        """Take note that a node has said something."""
        if name not in self._silent:
            return
        with self._lock:
            self._silent.pop(name)
            lent = name in self._lent
            self._lent.discard(name)
        if lent:
            self._free.acquire()

    def leave(self, name: str) -> None:
        """Give a node's place back, if it has not lent it."""
        with self._lock:
            self._silent.pop(name, None)
            lent = name in self._lent
            self._lent.discard(name)
        if not lent:
            self._free.release()

    def lend(self) -> int:
        """Lend the places of nodes that are silent; gives how many."""
        latest = time.monotonic() - self._patience_s
        with self._lock:
            late = [name for name, begun in self._silent.items() if begun < latest]
            late = [name for name in late if name not in self._lent]
            lent = late[: max(0, self._most - len(self._lent))]
            self._lent.update(lent)
        for _ in lent:
            self._free.release()
        return len(lent)


def run(
    names: Sequence[str],
    work: Callable[[str], Iterator[T]],
    *,
    parallel: int,
    stop: Stop,
    on_stop: Callable[[tuple[str, ...]], None] = lambda _: None,
    patience_s: float = math.inf,
    limit_s: float = math.inf,
) -> Iterator[tuple[str, T | Exception]]:
    """Yield (node, item) as items come; a node's exception is its last item, never the fleet's end.

    Once `stop` is asked for, no further node is started and only bound nodes are waited for; the
    other threads die with the process, so that ^C does not wait for a node that is silent.

    Args:
        work: gives the items of one node; it runs in a thread, and changes nothing before its first
            item. parallel: nodes at once. on_stop: is told the nodes that are waited for, once.
        patience_s: after so much silence a node that has given no item yet lends its place.
        limit_s: for all of it; nodes that are at work then are left, as on ^C.
    """
    items: queue.Queue[tuple[str, T | Exception | _End]] = queue.Queue()
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in names:
        waiting.put(name)
    closed = threading.Event()
    places = _Places(parallel, patience_s)

    def serve() -> None:
        places.wait()
        while not (closed.is_set() or stop.asked):
            try:
                name = waiting.get_nowait()
            except queue.Empty:
                break
            places.begin(name)
            _drain(name, work, items, places)
            places.wait()
        places.give()

    def more(count: int) -> None:
        for _ in range(min(count, waiting.qsize())):
            threading.Thread(target=serve, daemon=True).start()

    more(parallel)
    try:
        until = time.monotonic() + limit_s
        yield from _items(items, set(names), stop, on_stop, lambda: more(places.lend()), until)
    finally:
        closed.set()


def _items(
    items: queue.Queue[tuple[str, T | Exception | _End]],
    running: set[str],
    stop: Stop,
    on_stop: Callable[[tuple[str, ...]], None],
    look: Callable[[], None],
    until: float,
) -> Iterator[tuple[str, T | Exception]]:
    """Give what the nodes that run say until the last has ended; `look` is called now and then.

    Args: until: the time of the clock that counts at which nobody is waited for any more.
    """
    told = False
    looked = time.monotonic()
    while running and time.monotonic() < until:
        if time.monotonic() - looked > LOOK_S:
            look()
            looked = time.monotonic()
        if stop.asked:
            left = tuple(sorted(stop.bound() & running))
            if not left:
                return
            if not told:
                on_stop(left)
                told = True
        try:
            name, item = items.get(timeout=LOOK_S)
        except queue.Empty:
            continue
        if isinstance(item, _End):
            running.discard(name)
        else:
            yield name, item


def _drain(
    name: str,
    work: Callable[[str], Iterator[T]],
    items: queue.Queue[tuple[str, T | Exception | _End]],
    places: _Places,
) -> None:
    try:
        for item in work(name):
            places.heard(name)
            items.put((name, item))
    except Exception as error:  # noqa: BLE001 - a node's failure is a value; the consumer judges it
        items.put((name, error))
    finally:
        places.leave(name)
        items.put((name, _End()))
