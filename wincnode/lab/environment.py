"""The environment of this process, which one thread may change for a while."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = threading.Lock()


def copied() -> dict[str, str]:
    """Give the environment as it is while nobody has changed it for a while."""
    with _LOCK:
        return dict(os.environ)


@contextmanager
def changed(**values: str) -> Iterator[None]:
    """Set variables for a while, as the only one."""
    with _LOCK:
        before = {name: os.environ.get(name) for name in values}
        os.environ.update(values)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
