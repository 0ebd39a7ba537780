"""The lines that a kubelet writes, and the file they go to by kube-log-runner.

Source: kubernetes/klog:klog.go (the header)
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from wincnode.lab.windows.machine import Machine


class Log:
    """A log of lines; without a file they are lost, as a service's stderr is."""

    def __init__(self, machine: Machine, path: str) -> None:
        self._file: Path | None = machine.path(path) if path else None

    def info(self, text: str, **values: str) -> None:
        """Write a line of information."""
        self._line("I", text, values)

    def error(self, text: str, **values: str) -> None:
        """Write a line of an error."""
        self._line("E", text, values)

    def plain(self, text: str) -> None:
        """Write a line as it is."""
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(text + "\n")

    def _line(self, letter: str, text: str, values: dict[str, str]) -> None:
        moment = datetime.now(UTC).strftime("%m%d %H:%M:%S.%f")
        rest = "".join(f" {name}={json.dumps(value)}" for name, value in values.items())
        self.plain(f"{letter}{moment}    4242 server.go:530] {json.dumps(text)}{rest}")
