"""Events on their way to stdout, held back for a pause after each flush."""

from __future__ import annotations

import time
from collections.abc import Sequence

from wincnode.lab.process import FunctionProcess


class Output:
    """Args: pauses: least seconds between flushes; the last one counts for all that follow."""

    def __init__(self, process: FunctionProcess, pauses: Sequence[float]) -> None:
        self._process = process
        self._pauses = pauses
        self._lines = ""
        self._flushes = 0
        self._last = time.monotonic()

    def add(self, line: str) -> None:
        """Append an event's line."""
        self._lines += line

    def flush(self, *, now: bool) -> None:
        """Write what there is if the pause is over, or at once."""
        at = min(self._flushes, len(self._pauses) - 1)
        pause = self._pauses[at] if self._pauses else 0
        if self._lines and (now or time.monotonic() - self._last >= pause):
            self._process.put(self._lines.encode("ascii"))
            self._lines = ""
            self._flushes += 1
            self._last = time.monotonic()
