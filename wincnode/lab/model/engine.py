"""The `model` engine: each command of a simulated machine is a thread of this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from wincnode.lab.engine import Process
from wincnode.lab.model.guard import FOLDER
from wincnode.lab.model.host import Host
from wincnode.lab.model.launcher import bootstrap
from wincnode.lab.model.receive import Receiver
from wincnode.lab.model.restore import restore
from wincnode.lab.model.runner import work
from wincnode.lab.process import FunctionProcess, Work
from wincnode.lab.windows.machine import Machine, Task
from wincnode.runner import command_line

FIRST_PID = 4000


class ModelEngine:
    """Runs commands and scheduled tasks on one machine.

    Args: pace_s: seconds that each section of facts and each step takes, to be seen by people.
    """

    def __init__(self, machine: Machine, *, pace_s: float = 0.0) -> None:
        self._machine = machine
        self.host = Host(machine, pace_s=pace_s)
        self._processes: list[FunctionProcess] = []
        self._pid = FIRST_PID
        machine.start_task = self._start_task
        machine.on_down.append(self._end_processes)

    def start(self, command: str, environment: Mapping[str, str]) -> Process:  # noqa: ARG002 - the seam's signature
        """Start a command line: `hostname`, or PowerShell with one of wincnode's two scripts."""
        program = command.strip().strip('"').lower()
        if program == "hostname":
            return self._run(self._hostname, needs_stdin=False)
        if command == command_line("receive"):
            return Receiver(self.host)
        encoded = "powershell" in program and "-encodedcommand" in program
        return self._run(self._powershell if encoded else _unknown, needs_stdin=encoded)

    def kill(self, pid: int) -> None:
        """End one process, without a word."""
        for process in self._processes:
            if process.pid == pid:
                process.terminate()

    def close(self) -> None:
        """End the machine's processes."""
        self._end_processes()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _powershell(self, process: FunctionProcess, stdin: bytes) -> int:
        return bootstrap(self.host, process, stdin)

    def _hostname(self, process: FunctionProcess, _stdin: bytes) -> int:
        process.put(f"{self._machine.computer}\r\n".encode())
        return 0

    def _start_task(self, task: Task) -> None:
        def run(process: FunctionProcess, _stdin: bytes) -> int:
            if task.folder == FOLDER:
                return restore(self.host, process)
            return work(self.host, process, task.folder)

        self._run(run, needs_stdin=False)

    def _run(self, work: Work, *, needs_stdin: bool) -> FunctionProcess:
        with self._machine.mutex:
            self._pid += 4  # as Windows numbers processes
            process = FunctionProcess(work, pid=self._pid, needs_stdin=needs_stdin)
            self._processes = [row for row in self._processes if row.alive] + [process]
        return process

    def _end_processes(self) -> None:
        with self._machine.mutex:
            for process in self._processes:
                process.terminate()
            self._processes = []


def _unknown(process: FunctionProcess, _stdin: bytes) -> int:
    process.complain(b"The lab's model has no such program.\r\n")
    return 1
