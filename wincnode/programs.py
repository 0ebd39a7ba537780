"""Runs a program of the user's for what it writes: a password, a token; with limits."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence
from typing import IO, cast

# After a program is ended, what it started may hold its output open.
LEFT_S = 1


def written(
    command: Sequence[str], *, given: bytes = b"", limit: int, timeout_s: float
) -> tuple[int, bytes]:
    """Give a program's exit code and its output; of more than `limit` bytes, one byte more.

    Args: given: to its stdin, of no more than a pipe holds. timeout_s: in which it must end.
    Raises: OSError: it cannot be started. subprocess.TimeoutExpired: without what it wrote.
    """
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    source, output = cast("IO[bytes]", child.stdin), cast("IO[bytes]", child.stdout)
    found = bytearray()
    reading = threading.Thread(target=_read, args=(output, found, limit), daemon=True)
    reading.start()
    try:
        _give(source, given)
        reading.join(timeout_s)
        if reading.is_alive():
            raise subprocess.TimeoutExpired(command, timeout_s)
        if len(found) > limit:
            return 0, bytes(found)
        return child.wait(timeout_s), bytes(found)
    finally:
        child.kill()
        child.wait()
        reading.join(LEFT_S)
        if not reading.is_alive():
            output.close()


def _read(output: IO[bytes], found: bytearray, limit: int) -> None:
    while len(found) <= limit and (piece := output.read(limit + 1 - len(found))):
        found += piece


def _give(source: IO[bytes], given: bytes) -> None:
    try:
        source.write(given)
    except OSError:
        pass  # it does not read; its exit code and output say what comes of that
    finally:
        source.close()
