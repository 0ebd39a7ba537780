"""Many nodes at once: a generator for each node in a thread, one queue, one consumer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


class _End:
    """One node's generator has ended."""


def run(
    names: Sequence[str], work: Callable[[str], Iterator[T]], *, parallel: int
) -> Iterator[tuple[str, T | Exception]]:
    """Yield (node, item) as items come; a node's exception is its last item, never the fleet's end.

    Closing the iterator starts no further node; the threads die with the process, so that ^C
    does not wait for a node that is silent.

    Args: work: gives the items of one node; it runs in a thread. parallel: threads at once.
    """
    items: queue.Queue[tuple[str, T | Exception | _End]] = queue.Queue()
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in names:
        waiting.put(name)
    closed = threading.Event()

    def serve() -> None:
        while not closed.is_set():
            try:
                name = waiting.get_nowait()
            except queue.Empty:
                return
            _drain(name, work, items)

    for _ in range(min(parallel, len(names))):
        threading.Thread(target=serve, daemon=True).start()
    try:
        running = len(names)
        while running:
            name, item = items.get()
            if isinstance(item, _End):
                running -= 1
            else:
                yield name, item
    finally:
        closed.set()


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
