"""Takes files as receive.ps1 does: what has come is on the disk, whatever becomes of the rest."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from wincnode.lab.engine import Output
from wincnode.lab.model import acl
from wincnode.lab.model.failures import Failure
from wincnode.lab.model.host import Host, to_line

CLOSED = acl.parse("D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)")
SAMPLE_BYTES = 256
# Yields where it waits for more of stdin.
Steps: TypeAlias = Generator[None, None, None]


class Receiver:
    """A process that works as its stdin comes."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._changed = threading.Condition()
        self._stdin = bytearray()
        self._ended = False
        self._stdout = b""
        self._done = False
        self._steps = self._answers()

    def write(self, data: bytes, *, end: bool) -> None:
        """Append to stdin, and do what can be done with it."""
        with self._changed:
            if self._done:
                return
            self._stdin += data
            self._ended = end
            try:
                next(self._steps)
            except StopIteration:
                self._done = True
            except (Failure, ValueError) as error:
                self._put({"error": str(error)})
                self._done = True
            self._changed.notify_all()

    def read(self, timeout_s: float) -> Output:
        """Return what came since the last read, waiting at most timeout_s seconds for it."""
        with self._changed:
            self._changed.wait_for(lambda: self._stdout or self._done, timeout_s)
            stdout, self._stdout = self._stdout, b""
            return Output(stdout=stdout, done=self._done, exit_code=0 if self._done else None)

    def terminate(self) -> None:
        """End it."""
        with self._changed:
            self._done = True
            self._changed.notify_all()

    def _put(self, row: Mapping[str, Any]) -> None:
        self._stdout += to_line(row).encode("ascii") + b"\n"

    def _answers(self) -> Steps:
        while b"\n" not in self._stdin:
            yield from self._wait()
        head, _, rest = self._stdin.partition(b"\n")
        self._stdin = rest
        request = json.loads(head)
        if request["sample"]:
            while len(self._stdin) < SAMPLE_BYTES:
                yield from self._wait()
            self._put({"sample": self._taken(SAMPLE_BYTES).hex("-").upper()})
        for file in request["files"]:
            if file["length"]:
                yield from self._add(file, text=request["base64"])
            self._put(_shown(self._host.machine.path(file["path"])))

    def _wait(self) -> Steps:
        if self._ended:
            raise Failure("Cut off.")
        yield

    def _taken(self, count: int) -> bytes:
        data = bytes(self._stdin[:count])
        del self._stdin[:count]
        return data

    def _add(self, file: Mapping[str, Any], *, text: bool) -> Steps:
        if not file["path"].lower().endswith(".part"):
            raise Failure("No .part file.")
        self._host.disk.make_folder(file["path"].rpartition("\\")[0], CLOSED)
        path = self._host.machine.path(file["path"])
        path.touch()
        with path.open("r+b", buffering=0) as out:
            out.truncate(file["keep"])
            out.seek(file["keep"])
            left = file["length"]
            while left > 0:
                data = self._line() if text else self._taken(left)
                if data:
                    out.write(data)
                    left -= len(data)
                else:
                    yield from self._wait()

    def _line(self) -> bytes:
        """Give the bytes of a line of base64; none where it is not whole."""
        line, end, rest = self._stdin.partition(b"\n")
        if not end:
            return b""
        self._stdin = rest
        return base64.b64decode(line)


def _shown(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {"length": 0, "sha256": ""}
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    return {"length": path.stat().st_size, "sha256": digest.hex("-").upper()}
