"""A process of a simulated node whose work is a Python function."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from wincnode.lab.engine import Output


class FunctionProcess:
    """Collects stdin to its end, runs `work` on it in a thread, and hands out what it yields.

    Args: work: gets all of stdin, yields pieces of stdout and returns the exit code.
    """

    def __init__(self, work: Callable[[bytes], Iterator[bytes]], *, needs_stdin: bool) -> None:
        self._work = work
        self._stdin = b""
        self._stdout = b""
        self._ended = False
        self._terminated = False
        self._exit_code = 0
        self._changed = threading.Condition()
        if not needs_stdin:
            self._launch()

    def write(self, data: bytes, *, end: bool) -> None:
        """Append to stdin; the work begins at its end."""
        with self._changed:
            self._stdin += data
        if end:
            self._launch()

    def read(self, timeout_s: float) -> Output:
        """Return what came since the last read, waiting at most timeout_s seconds for it."""
        with self._changed:
            self._changed.wait_for(lambda: self._stdout or self._ended, timeout_s)
            data, self._stdout = self._stdout, b""
            return Output(
                stdout=data, done=self._ended, exit_code=self._exit_code if self._ended else None
            )

    def terminate(self) -> None:
        """End the work at its next piece of output."""
        with self._changed:
            self._terminated = True
            self._ended = True
            self._changed.notify_all()

    def _launch(self) -> None:
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            for piece in self._work(self._stdin):
                with self._changed:
                    if self._terminated:
                        return
                    self._stdout += piece
                    self._changed.notify_all()
        except (ValueError, KeyError):
            # What a script does with input it cannot read: it ends with 1 and says nothing.
            self._exit_code = 1
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
