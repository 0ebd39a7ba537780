"""The `powershell` engine: what arrives is run by a real PowerShell engine, a process per command.

The engine is a Windows PowerShell 5.1 for Linux. Windows' own cmdlets are modules in the
machine's drive C that ask its model.
"""

from __future__ import annotations

import base64
import os
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Self

from wincnode.lab.cluster.authority import NODES_SEE
from wincnode.lab.compute_double import ComputeDouble
from wincnode.lab.engine import Output, Process
from wincnode.lab.environment import copied
from wincnode.lab.windows import standins
from wincnode.lab.windows.machine import SYSTEM32, Machine, Task
from wincnode.lab.windows.rpc import Rpc

MODULES = SYSTEM32 + r"\WindowsPowerShell\v1.0\Modules"
LINGER_S = 2.0
PIPE_BYTES = 1 << 20
# Its processes live for a second: tuning hot code and collecting garbage early do not pay off.
# Source: learn.microsoft.com/dotnet/core/runtime-config/compilation, .../garbage-collector
SHORT_LIVED = {"DOTNET_TieredPGO": "0", "DOTNET_GCgen0size": "4000000"}
# Who connects; a task runs as SYSTEM, which is the engine's default.
ADMINISTRATOR = "Administrator"
# The names of variables by which the engine finds what DllImport names.
LIBRARIES = ("WINPS_DLL_", "HCS_DOUBLE", "HNS_DOUBLE")
# What leads sockets of scripts to the control plane, and the variable with its address for nodes.
SOCKETS = Path(__file__).parent / "windows" / "sockets.ps1"
CLUSTER = "WINCNODE_LAB_CLUSTER"


class PowerShellEngine:
    """Runs each command line's PowerShell on one machine, and its scheduled tasks.

    Args:
        program: the PowerShell engine's start file.
        compute: a folder of native libraries that stand for the Host Compute Service.
        cluster: whether scripts are to reach a control plane beside by its address for nodes.
    A test that looks into its processes gives them `variables`, and tasks a `prologue`, a script.
    """

    def __init__(
        self,
        program: Path,
        machine: Machine,
        compute: Path | None = None,
        *,
        cluster: bool = False,
    ) -> None:
        self._program = program
        self.machine = machine
        self.variables: dict[str, str] = {CLUSTER: NODES_SEE} if cluster else {}
        self.prologue = SOCKETS.read_text(encoding="ascii") if cluster else ""
        self._compute = ComputeDouble(compute, machine) if compute else None
        self._children: list[subprocess.Popen[bytes]] = []
        self._install()
        self._rpc = Rpc(machine)
        machine.start_task = self._start_task
        machine.on_down.append(self._end_children)

    @property
    def environment(self) -> dict[str, str]:
        """Give the environment of a process on the machine."""
        folder = self.machine.folder
        # Which libraries a machine has is its own affair.
        ours = {name: value for name, value in copied().items() if not name.startswith(LIBRARIES)}
        return {
            **ours,
            **SHORT_LIVED,
            "WINPS_DRIVE_C": str(self.machine.drive),
            "WINPS_REGISTRY": str(folder / "registry.json"),
            "WINPS_COMPUTERNAME": self.machine.computer,
            "WINPS_BUILD": str(self.machine.profile.build),
            **({} if self.machine.profile.process.get("elevated", True) else {"WINPS_ADMIN": "0"}),
            "PSModulePath": MODULES,
            # The engine caches what modules contain by path; each machine has its own modules.
            "PSModuleAnalysisCachePath": str(folder / "modules.cache"),
            "WINCNODE_LAB": self._rpc.address,
            **(self._compute.environment() if self._compute else {}),
            **self.variables,
        }

    def start(self, command: str, environment: Mapping[str, str]) -> Process:
        """Start the PowerShell command line; its first word is taken for the engine."""
        # posix=False keeps the backslashes of Windows paths.
        arguments = shlex.split(command, posix=False)[1:]
        if CLUSTER in self.variables:
            arguments = _preceded(arguments, SOCKETS.read_text(encoding="ascii"))
        user = {"WINPS_USER": f"{self.machine.computer}\\{ADMINISTRATOR}"}
        return PipeProcess(self._popen(arguments, {**user, **environment}))

    def close(self) -> None:
        """End the machine's processes; nothing of it answers any more."""
        # A run that has said its last word may still be tidying up.
        deadline = time.monotonic() + LINGER_S
        while any(row.poll() is None for row in self._children) and time.monotonic() < deadline:
            time.sleep(0.02)
        self._end_children()
        self._rpc.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start_task(self, task: Task) -> None:
        child = self._popen(_task_arguments(task, self.prologue), {})
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe:
                pipe.close()

    def _popen(
        self, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        self._let_run()
        child = subprocess.Popen(
            [str(self._program), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A whole message of stdin, so that the server need not wait until the process reads.
            pipesize=PIPE_BYTES,
            env={**self.environment, **environment},
        )
        self._children = [row for row in self._children if row.poll() is None] + [child]
        return child

    def _let_run(self) -> None:
        """Let every program be started, as on Windows, where no mode of its file forbids it."""
        for file in self.machine.drive.rglob("*.exe"):
            file.chmod(0o755)

    def _end_children(self) -> None:
        children, self._children = self._children, []
        for child in children:
            if child.poll() is None:
                child.kill()
            child.wait()

    def _install(self) -> None:
        """Put Windows' modules on the machine's disk."""
        for source in sorted(standins.MODULES.glob("*.psm1")):
            if not self.machine.has_module(source.stem):
                continue
            folder = self.machine.path(f"{MODULES}\\{source.stem}")
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder)


def _preceded(arguments: Sequence[str], opening: str) -> list[str]:
    """Let a script stand before the encoded one, whose text stays as it is."""
    *switches, code = arguments
    if not switches or switches[-1].lower() != "-encodedcommand":
        return list(arguments)
    text = opening + base64.b64decode(code).decode("utf-16-le")
    return [*switches, base64.b64encode(text.encode("utf-16-le")).decode("ascii")]


def _task_arguments(task: Task, prologue: str) -> list[str]:
    """Give a task's arguments; a process of the engine starts in System32, so its code moves."""
    *switches, code = shlex.split(task.argument, posix=False)
    folder = task.folder.replace("'", "''")
    # The task's text runs as it is, so that coverage knows it by its hash.
    decoded = f"[Text.Encoding]::Unicode.GetString([Convert]::FromBase64String('{code}'))"
    moved = f"[Environment]::CurrentDirectory = '{folder}'"
    text = f"{prologue}{moved}\n. ([scriptblock]::Create({decoded}))"
    return [*switches, base64.b64encode(text.encode("utf-16-le")).decode("ascii")]


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
