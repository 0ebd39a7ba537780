"""A tiny engine of the lab: each command is one word and its argument, done in Python."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from wincnode.lab.engine import Output, Process


class EchoProcess:
    """One of say TEXT, err TEXT, cat, sleep SECONDS, exit CODE, count N, bulk BYTES, env NAME."""

    def __init__(self, command: str, environment: Mapping[str, str]) -> None:
        self._word, _, self._argument = command.replace('"', "").partition(" ")
        self._environment = environment
        self._stdin: list[bytes] = []
        self._stdout = b""
        self._stderr = b""
        self._exit_code: int | None = None
        self._changed = threading.Condition()
        if self._word != "cat":
            threading.Thread(target=self._run, daemon=True).start()

    def write(self, data: bytes, *, end: bool) -> None:
        self._stdin.append(data)
        if end:
            self._out(b"".join(self._stdin))
            self._end(0)

    def read(self, timeout_s: float) -> Output:
        with self._changed:
            self._changed.wait_for(
                lambda: self._stdout or self._stderr or self._exit_code is not None, timeout_s
            )
            stdout, self._stdout = self._stdout, b""
            stderr, self._stderr = self._stderr, b""
            return Output(
                stdout=stdout,
                stderr=stderr,
                done=self._exit_code is not None,
                exit_code=self._exit_code,
            )

    def terminate(self) -> None:
        self._end(1)

    def _run(self) -> None:
        code = 0
        match self._word:
            case "say":
                self._out(f"{self._argument}\r\n".encode())
            case "err":
                with self._changed:
                    self._stderr += self._argument.encode()
            case "env":
                self._out(self._environment.get(self._argument, "").encode())
            case "bulk":
                self._out(b"x" * int(self._argument))
            case "sleep":
                time.sleep(float(self._argument))
            case "count":
                for number in range(int(self._argument)):
                    self._out(f"{number}\n".encode())
                    time.sleep(0.05)
            case "exit":
                code = int(self._argument)
        self._end(code)

    def _out(self, data: bytes) -> None:
        with self._changed:
            self._stdout += data
            self._changed.notify_all()

    def _end(self, code: int) -> None:
        with self._changed:
            if self._exit_code is None:
                self._exit_code = code
            self._changed.notify_all()


class EchoEngine:
    """Starts an EchoProcess for each command."""

    def start(self, command: str, environment: Mapping[str, str]) -> Process:
        return EchoProcess(command, environment)
