"""A process of a simulated node whose work is a Python function."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from typing import TypeAlias

from wincnode.lab.engine import Output
from wincnode.lab.windows.clock import Clock


class Killed(Exception):
    """The process was ended from outside while it worked."""


class FunctionProcess:
    """Collects stdin to its end and runs `work` on it in a thread.

    Args: work: gets the process and all of its stdin, and returns the exit code.
    """

    def __init__(self, work: Work, *, pid: int = 0, needs_stdin: bool) -> None:
        self.pid = pid
        self._work = work
        self._stdin = b""
        self._stdout = b""
        self._stderr = b""
        self._exit_code: int | None = None
        self._ended = threading.Event()
        self._changed = threading.Condition()
        if not needs_stdin:
            self._launch()

    @property
    def alive(self) -> bool:
        """Whether it has not ended, by itself or from outside."""
        return not self._ended.is_set()

    def write(self, data: bytes, *, end: bool) -> None:
        """Append to stdin; the work begins at its end."""
        with self._changed:
            self._stdin += data
        if end:
            self._launch()

    def read(self, timeout_s: float) -> Output:
        """Return what came since the last read, waiting at most timeout_s seconds for it."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._stdout or self._stderr or not self.alive, timeout_s
            )
            stdout, self._stdout = self._stdout, b""
            stderr, self._stderr = self._stderr, b""
            done = not self.alive
            return Output(stdout=stdout, stderr=stderr, done=done, exit_code=self._exit_code)

    def terminate(self) -> None:
        """End it; its work stops where it next writes, pauses or asks."""
        self._end(None)

    def check(self) -> None:
        """Go on only while nobody ended the process.

        Raises: Killed.
        """
        if not self.alive:
            raise Killed

    def put(self, data: bytes) -> None:
        """Write to stdout.

        Raises: Killed.
        """
        with self._changed:
            self.check()
            self._stdout += data
            self._changed.notify_all()

    def complain(self, data: bytes) -> None:
        """Write to stderr."""
        with self._changed:
            self._stderr += data

    def pause(self, seconds: float, clock: Clock | None = None) -> None:
        """Let seconds pass: of the clock, or ours where none is given.

        Raises: Killed.
        """
        if clock:
            clock.wait(seconds, self._ended)
        else:
            self._ended.wait(seconds)
        self.check()

    def _launch(self) -> None:
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        code = 1
        try:
            code = self._work(self, self._stdin)
        except Killed:
            return
        except Exception:  # noqa: BLE001 - a program's crash is seen on its stderr
            self.complain(traceback.format_exc().encode())
        finally:
            self._end(code)

    def _end(self, code: int | None) -> None:
        with self._changed:
            if self.alive:
                self._exit_code = code
                self._ended.set()
                self._changed.notify_all()


Work: TypeAlias = Callable[[FunctionProcess, bytes], int]
