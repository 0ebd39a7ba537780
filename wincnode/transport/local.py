"""PowerShell on this Windows host, without any network."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import IO

from wincnode.errors import ConfigError, RunFailed
from wincnode.transport import Stdin
from wincnode.transport.lines import split_lines

MAX_STDERR_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 16


class LocalTransport:
    """Runs commands as children of this process, on Windows only.

    Raises:
        ConfigError: this host is not Windows.
    """

    def __init__(self, *, platform: str = sys.platform) -> None:
        if platform != "win32":
            raise ConfigError(
                "the node's transport is local, and this host is not Windows",
                remedy="Run wincnode on the Windows host itself, or give the node an address.",
                id="link.local",
            )
        self.exit_code: int | None = None
        self.stderr = b""

    def run(self, command: str, stdin: Stdin) -> Iterator[bytes]:
        """Yield the command's stdout lines; see `Transport.run`."""
        self.exit_code, self.stderr = None, b""
        child = _started(command)
        stderr = bytearray()
        threads = (
            threading.Thread(target=_feed, args=(child.stdin, stdin), daemon=True),
            threading.Thread(target=_keep_tail, args=(child.stderr, stderr), daemon=True),
        )
        for thread in threads:
            thread.start()
        try:
            yield from split_lines(_chunks(child), node="local")
            self.exit_code = child.wait() & 0xFFFFFFFF
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
            for thread in threads:
                thread.join(timeout=2)
            for pipe in (child.stdin, child.stdout, child.stderr):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            self.stderr = bytes(stderr)

    def log_on_again(self) -> None:
        """Nobody logs on here."""

    def close(self) -> None:
        """Nothing outlives a command here."""


def _started(command: str) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    try:
        # The command line is one of ours, constant, and goes to no shell.
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)
    except OSError as err:
        raise RunFailed(f"local: {command.split(' ', 1)[0]} does not start: {err}") from err


def _chunks(child: subprocess.Popen[bytes]) -> Iterator[bytes]:
    assert child.stdout is not None  # noqa: S101 - made as a pipe above
    while chunk := child.stdout.read1(_CHUNK_BYTES):  # type: ignore[attr-defined] # BufferedReader
        yield chunk


def _feed(pipe: IO[bytes], data: Stdin) -> None:
    # A child that ends before it read everything says why on stdout or by its exit code.
    with contextlib.suppress(OSError, ValueError):
        for start in range(0, len(data), _CHUNK_BYTES):
            pipe.write(data[start : start + _CHUNK_BYTES])
        pipe.close()


def _keep_tail(pipe: IO[bytes], tail: bytearray) -> None:
    with contextlib.suppress(OSError, ValueError):
        while chunk := pipe.read1(_CHUNK_BYTES):  # type: ignore[attr-defined] # BufferedReader
            tail += chunk
            del tail[:-MAX_STDERR_BYTES]
