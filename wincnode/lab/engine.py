"""The seam between the WS-Management server and what executes a command on a simulated node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """What a process wrote since the last read; `done` once it ended and all was read."""

    stdout: bytes = b""
    stderr: bytes = b""
    done: bool = False
    exit_code: int | None = None


class Process(Protocol):
    """One command that runs on a simulated node."""

    def write(self, data: bytes, *, end: bool) -> None:
        """Append to the process's stdin; `end` closes it."""

    def read(self, timeout_s: float) -> Output:
        """Return as soon as there is output or the end; empty after timeout_s seconds."""
        ...

    def terminate(self) -> None:
        """End the process and its children; harmless when it has ended."""


class Engine(Protocol):
    """Executes commands on one simulated node."""

    def start(self, command: str, environment: Mapping[str, str]) -> Process:
        """Start a whole command line, as cmd.exe would get it."""
        ...
