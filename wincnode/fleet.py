"""Many nodes at once: a generator for each node in a thread, one queue, one consumer."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class _End(Generic[T]):
    """One node's generator has ended."""


def run(
    names: Sequence[str], work: Callable[[str], Iterator[T]], *, parallel: int
) -> Iterator[tuple[str, T | Exception]]:
    """Yield (node, item) as items come; a node's exception is its last item, never the fleet's end.

    Args: work: gives the items of one node; it runs in a thread. parallel: threads at once.
    """
    items: queue.Queue[tuple[str, T | Exception | _End[T]]] = queue.Queue()

    def drain(name: str) -> None:
        try:
            for item in work(name):
                items.put((name, item))
        except Exception as error:  # noqa: BLE001 - a node's failure is a value; the consumer judges it
            items.put((name, error))
        finally:
            items.put((name, _End()))

    pool = ThreadPoolExecutor(max_workers=max(1, min(parallel, len(names) or 1)))
    try:
        for name in names:
            pool.submit(drain, name)
        running = len(names)
        while running:
            name, item = items.get()
            if isinstance(item, _End):
                running -= 1
            else:
                yield name, item
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
