"""The clock by which a simulated machine's work takes its time."""

from __future__ import annotations

import threading
import time

# How soon a waiting process sees that time was moved on.
GLANCE_S = 0.05


class Clock:
    """Seconds since the machine was made; tests move it on instead of waiting.

    Args: speed: how many of its seconds pass in one of ours. haste: how many do in long work, such
        as an install, where they would be one.
    """

    def __init__(self, *, speed: float = 1.0, haste: float = 1.0) -> None:
        self._speed = speed
        self._haste = haste
        self._began = time.monotonic()
        self._skipped = 0.0

    def seconds(self) -> float:
        """Give the seconds that have passed."""
        return (time.monotonic() - self._began) * self._speed + self._skipped

    def advance(self, seconds: float) -> None:
        """Let time pass at once."""
        self._skipped += seconds

    def wait(self, seconds: float, gone: threading.Event) -> None:
        """Return when so many of its seconds have passed, or as soon as `gone` is set."""
        end = self.seconds() + seconds
        while not gone.is_set() and (left := end - self.seconds()) > 0:
            gone.wait(min(left / self._speed, GLANCE_S))

    def work(self, seconds: float, gone: threading.Event) -> None:
        """Let long work take so many of its seconds; ends as soon as `gone` is set."""
        end = self.seconds() + seconds
        self.wait(seconds / self._haste, gone)
        self.advance(max(0.0, end - self.seconds()))
