"""The `powershell` engine: what arrives is run by a real PowerShell engine, a process per command.

The engine is a Windows PowerShell 5.1 for Linux that WINCNODE_WINPS names. Its drive C is a
folder and its registry a file, one of each per node; Windows cmdlets are modules in that drive.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from wincnode.lab.engine import Output, Process

MODULES = r"C:\Windows\System32\WindowsPowerShell\v1.0\Modules"


class PowerShellEngine:
    """Runs each command line's PowerShell on one node's drive and registry.

    Args:
        program: the PowerShell engine's start file.
        node: the node's folder; `c` (the drive) and `registry.json` lie in it.
        build: the Windows build that scripts see.
    """

    def __init__(self, program: Path, node: Path, *, computer: str, build: int) -> None:
        self._program = program
        self._environment = {
            **os.environ,
            "WINPS_DRIVE_C": str(node / "c"),
            "WINPS_REGISTRY": str(node / "registry.json"),
            "WINPS_COMPUTERNAME": computer,
            "WINPS_BUILD": str(build),
            "PSModulePath": MODULES,
            # The engine caches what modules contain by path; each node has its own modules.
            "PSModuleAnalysisCachePath": str(node / "modules.cache"),
        }

    def start(self, command: str, environment: Mapping[str, str]) -> Process:
        """Start the PowerShell command line; its first word is taken for the engine."""
        # posix=False keeps the backslashes of Windows paths.
        arguments = shlex.split(command, posix=False)[1:]
        return PipeProcess(
            subprocess.Popen(
                [str(self._program), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**self._environment, **environment},
            )
        )


class PipeProcess:
    """A child process whose two outputs are collected by a thread each."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self._changed = threading.Condition()
        self._output = {"stdout": b"", "stderr": b""}
        self._open = 2
        for name, pipe in (("stdout", child.stdout), ("stderr", child.stderr)):
            threading.Thread(target=self._collect, args=(name, pipe), daemon=True).start()

    def write(self, data: bytes, *, end: bool) -> None:
        """Append to stdin; a process that has ended takes nothing more."""
        pipe = self._child.stdin
        if pipe is None or pipe.closed:
            return
        try:
            pipe.write(data)
            pipe.flush()
            if end:
                pipe.close()
        except BrokenPipeError:
            return

    def read(self, timeout_s: float) -> Output:
        """Return what came since the last read, waiting at most timeout_s seconds for it."""
        with self._changed:
            self._changed.wait_for(self._something, timeout_s)
            stdout, self._output["stdout"] = self._output["stdout"], b""
            stderr, self._output["stderr"] = self._output["stderr"], b""
            done = self._open == 0
        code = self._child.wait() if done else None
        return Output(stdout=stdout, stderr=stderr, done=done, exit_code=code)

    def terminate(self) -> None:
        """End the child; harmless when it has ended."""
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        if self._child.stdin and not self._child.stdin.closed:
            self._child.stdin.close()

    def _something(self) -> bool:
        return bool(self._output["stdout"] or self._output["stderr"]) or self._open == 0

    def _collect(self, name: str, pipe: IO[bytes] | None) -> None:
        if pipe is None:
            return
        with pipe:
            while data := os.read(pipe.fileno(), 65536):
                with self._changed:
                    self._output[name] += data
                    self._changed.notify_all()
        with self._changed:
            self._open -= 1
            self._changed.notify_all()
