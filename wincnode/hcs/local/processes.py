"""Processes within compute systems."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wincnode.hcs.local.executor import Handle
from wincnode.hcs.local.failures import (
    INVALID,
    OPERATION_TIMEOUT,
    CallFailed,
    failure,
    is_failure,
    late,
    read,
)
from wincnode.hcs.local.native import COMPUTECORE, KERNEL32, Native, taken
from wincnode.hcs.local.operations import (
    ProcessInformation,
    document,
    until,
    waited,
    waited_for_process,
)
from wincnode.hcs.local.streams import Stream, is_open
from wincnode.hcs.local.systems import ALL_ACCESS, System, Systems

CREATE = "HcsCreateProcess"
OPEN = "HcsOpenProcess"
WAIT = "HcsWaitForProcessExit"
SLICE_MS = 20
# What is in the pipes when a process has ended comes within this: hcsshim internal/cmd/cmd.go.
DRAIN_S = 1.0


@dataclass(kw_only=True, slots=True)
class Process:
    """An open process; its handle is 0 once it is closed."""

    handle: int
    pid: int
    system: System
    streams: dict[str, int] = field(default_factory=dict)


class Processes:
    """What is done with processes."""

    def __init__(self, native: Native, systems: Systems) -> None:
        self._native = native
        self._systems = systems
        self._open: list[Process] = []

    def create(self, system: System, parameters: Mapping[str, Any], limit_s: float) -> Handle:
        """Start one; what fails or takes too long leaves none."""
        made = ctypes.c_void_p()
        information = ProcessInformation()
        body = document(parameters)

        def start(operation: int) -> int:
            return self._native.call(
                COMPUTECORE, CREATE, system.handle, body, operation, None, ctypes.byref(made)
            )

        try:
            code = waited_for_process(self._native, CREATE, start, limit_s, information)
            if code == INVALID:
                self._told(made, limit_s, information)
        except CallFailed:
            self._dropped(made, information)
            raise
        process = Process(
            handle=made.value or 0,
            pid=information.process_id,
            system=system,
            streams=_streams(information),
        )
        self._open.append(process)
        return Handle(value=process, shown={"handle": True, "pid": process.pid})

    def finished(self, process: Process, output_limit: int, limit_s: float) -> dict[str, Any]:
        """Wait for its end, and read what it writes meanwhile, as it may wait for that."""
        deadline = time.monotonic() + limit_s
        streams = {
            name: Stream(self._native, handle, limit=output_limit)
            for name, handle in process.streams.items()
        }
        process.streams = {}
        try:
            status = self._drained(process, list(streams.values()), deadline)
        finally:
            for stream in streams.values():
                stream.close()
        kept = {name: stream.kept.decode("utf-8", "replace") for name, stream in streams.items()}
        return {
            "exit_code": status.get("ExitCode", 0),
            "stdout": kept.get("stdout", ""),
            "stderr": kept.get("stderr", ""),
            "truncated": any(stream.truncated for stream in streams.values()),
        }

    def terminate(self, process: Process, limit_s: float) -> None:
        """Kill it. Requests of one handle wait for each other, so handles of its own ask."""
        system = self._systems.open(process.system.id).value
        try:
            found = ctypes.c_void_p()
            code = self._native.call(
                COMPUTECORE, OPEN, system.handle, process.pid, ALL_ACCESS, ctypes.byref(found)
            )
            if is_failure(code):
                raise failure(OPEN, code)
            try:
                name = "HcsTerminateProcess"
                waited(
                    self._native,
                    name,
                    lambda op: self._native.call(COMPUTECORE, name, found, op, None),
                    limit_s,
                )
            finally:
                self._native.call(COMPUTECORE, "HcsCloseProcess", found)
        finally:
            self._systems.close(system)

    def close(self, process: Process) -> None:
        """Close its pipes, then its handle; that does not end it."""
        for handle in process.streams.values():
            self._native.call(KERNEL32, "CloseHandle", handle)
        process.streams = {}
        if process.handle:
            self._native.call(COMPUTECORE, "HcsCloseProcess", process.handle)
        process.handle = 0
        self._open = [row for row in self._open if row is not process]

    def close_all(self) -> None:
        """Close what is still open."""
        for process in list(self._open):
            self.close(process)

    def _told(self, made: ctypes.c_void_p, limit_s: float, information: ProcessInformation) -> None:
        """Ask again for the id and the streams of a process that is there."""
        name = "HcsGetProcessInfo"
        if not made.value:
            raise failure(CREATE, INVALID)
        code = waited_for_process(
            self._native,
            name,
            lambda op: self._native.call(COMPUTECORE, name, made, op),
            limit_s,
            information,
        )
        if is_failure(code):
            raise failure(name, code)

    def _dropped(self, made: ctypes.c_void_p, information: ProcessInformation) -> None:
        for handle in _streams(information).values():
            self._native.call(KERNEL32, "CloseHandle", handle)
        if made.value:
            self._native.call(COMPUTECORE, "HcsCloseProcess", made)

    def _drained(
        self, process: Process, streams: list[Stream], deadline: float
    ) -> Mapping[str, Any]:
        status: Mapping[str, Any] | None = None
        drained_at = 0.0
        while True:
            came = [stream.poll(1) for stream in streams]
            if status is not None:
                if all(stream.ended for stream in streams) or time.monotonic() > drained_at:
                    return status
            elif not any(came):
                status = self._exit_status(process)
                drained_at = time.monotonic() + DRAIN_S
            if status is None and not until(deadline):
                raise late(WAIT)

    def _exit_status(self, process: Process) -> Mapping[str, Any] | None:
        """Wait a little for the end; Server 2019 has no such wait, and is asked."""
        if self._native.has(COMPUTECORE, WAIT):
            answer = ctypes.c_void_p()
            code = self._native.call(
                COMPUTECORE, WAIT, process.handle, SLICE_MS, ctypes.byref(answer)
            )
            said = taken(self._native, answer, local=True)
            if code == OPERATION_TIMEOUT:
                return None
            if is_failure(code):
                raise failure(WAIT, code, said)
        else:
            name = "HcsGetProcessProperties"
            said = waited(
                self._native,
                name,
                lambda op: self._native.call(COMPUTECORE, name, process.handle, op, None),
                DRAIN_S * 10,
            )
        found = read(said)
        if not isinstance(found, dict) or found.get("Exited") is not True:
            return None
        if found.get("LastWaitResult", 0) != 0:
            raise CallFailed(int(found["LastWaitResult"]), "The process's exit code is not known.")
        return found


def _streams(information: ProcessInformation) -> dict[str, int]:
    rows = {"stdout": information.std_output, "stderr": information.std_error}
    return {name: handle for name, handle in rows.items() if is_open(handle)}
