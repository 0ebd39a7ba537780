"""Many nodes at once: a generator for each node in a thread, one queue, one consumer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from wincnode.errors import Interrupted

T = TypeVar("T")
# How soon ^C is noticed while no node says anything.
LOOK_S = 0.2


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
        """Say that a node's work, from now on, goes on whoever listens.

        Raises: Interrupted: the user asked to stop before.
        """
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


def run(
    names: Sequence[str],
    work: Callable[[str], Iterator[T]],
    *,
    parallel: int,
    stop: Stop,
    on_stop: Callable[[tuple[str, ...]], None] = lambda _: None,
) -> Iterator[tuple[str, T | Exception]]:
    """Yield (node, item) as items come; a node's exception is its last item, never the fleet's end.

    Once `stop` is asked for, no further node is started and only bound nodes are waited for; the
    other threads die with the process, so that ^C does not wait for a node that is silent.

    Args:
        work: gives the items of one node; it runs in a thread. parallel: threads at once.
        on_stop: is told the nodes that are waited for, once.
    """
    items: queue.Queue[tuple[str, T | Exception | _End]] = queue.Queue()
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in names:
        waiting.put(name)
    closed = threading.Event()

    def serve() -> None:
        while not (closed.is_set() or stop.asked):
            try:
                name = waiting.get_nowait()
            except queue.Empty:
                return
            _drain(name, work, items)

    for _ in range(min(parallel, len(names))):
        threading.Thread(target=serve, daemon=True).start()
    try:
        yield from _items(items, set(names), stop, on_stop)
    finally:
        closed.set()


def _items(
    items: queue.Queue[tuple[str, T | Exception | _End]],
    running: set[str],
    stop: Stop,
    on_stop: Callable[[tuple[str, ...]], None],
) -> Iterator[tuple[str, T | Exception]]:
    told = False
    while running:
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
) -> None:
    try:
        for item in work(name):
            items.put((name, item))
    except Exception as error:  # noqa: BLE001 - a node's failure is a value; the consumer judges it
        items.put((name, error))
    finally:
        items.put((name, _End()))
