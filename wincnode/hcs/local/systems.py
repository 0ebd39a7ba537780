"""Compute systems: made, started, asked, changed, ended, closed."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wincnode.hcs.local.executor import Handle
from wincnode.hcs.local.failures import (
    ALREADY_STOPPED,
    OPERATION_TIMEOUT,
    SYSTEM_NOT_FOUND,
    CallFailed,
    TimedOut,
    failure,
    is_failure,
    late,
    read,
    same_code,
)
from wincnode.hcs.local.native import COMPUTECORE, Native, taken, text
from wincnode.hcs.local.operations import document, until, waited

# GENERIC_ALL, the one access that HcsOpenComputeSystem takes.
# learn.microsoft.com/virtualization/api/hcs/reference/hcsopencomputesystem
ALL_ACCESS = 0x10000000
CREATE = "HcsCreateComputeSystem"
OPEN = "HcsOpenComputeSystem"
WAIT = "HcsWaitForComputeSystemExit"
POLL_S = 0.1
CLOSING_S = 30.0


@dataclass(kw_only=True, slots=True)
class System:
    """An open compute system; its handle is 0 once it is closed."""

    id: str
    handle: int


class Systems:
    """What is done with compute systems."""

    def __init__(self, native: Native) -> None:
        self._native = native
        self._open: list[System] = []

    def create(self, id: str, configuration: Mapping[str, Any], limit_s: float) -> Handle:
        """Make one; what fails or takes too long leaves none."""
        made = ctypes.c_void_p()
        name, body = text(id), document(configuration)

        def start(operation: int) -> int:
            return self._native.call(
                COMPUTECORE, CREATE, name, body, operation, None, ctypes.byref(made)
            )

        try:
            waited(self._native, CREATE, start, limit_s)
        except CallFailed as failed:
            if made.value:
                if isinstance(failed, TimedOut):
                    self.end(id)
                self._native.call(COMPUTECORE, "HcsCloseComputeSystem", made)
            raise
        return self._held(id, made)

    def open(self, id: str) -> Handle:
        """Open one that is there."""
        return self._held(id, self._opened(id))

    def start(self, system: System, limit_s: float) -> None:
        """Boot it."""
        self._asked("HcsStartComputeSystem", system, None, limit_s)

    def shutdown(self, system: System, limit_s: float) -> None:
        """Ask it to end; it may end later."""
        self._asked("HcsShutDownComputeSystem", system, None, limit_s)

    def terminate(self, system: System, limit_s: float) -> None:
        """End it. Requests of one handle wait for each other, so a handle of its own asks."""
        fresh = System(id=system.id, handle=self._opened(system.id).value or 0)
        try:
            self._asked("HcsTerminateComputeSystem", fresh, None, limit_s)
        finally:
            self._native.call(COMPUTECORE, "HcsCloseComputeSystem", fresh.handle)

    def properties(self, system: System, query: Any, limit_s: float) -> Any:
        """Ask about it; without a query, or with an empty one, for what is basic."""
        return read(
            self._asked("HcsGetComputeSystemProperties", system, document(query or None), limit_s)
        )

    def modify(self, system: System, request: Mapping[str, Any], limit_s: float) -> None:
        """Change it."""
        body = document(request)
        name = "HcsModifyComputeSystem"
        waited(
            self._native,
            name,
            lambda op: self._native.call(COMPUTECORE, name, system.handle, op, body, None),
            limit_s,
        )

    def exited(self, system: System, limit_s: float) -> Any:
        """Wait until it has ended; gives its exit status.

        Server 2019 has no such wait, and is asked again and again.
        """
        deadline = time.monotonic() + limit_s
        while True:
            found = (
                self._exit_status(system, until(deadline))
                if self._native.has(COMPUTECORE, WAIT)
                else self._exit_polled(system, max(1.0, until(deadline)))
            )
            if found is not None:
                return found
            if not until(deadline):
                raise late(WAIT)
            time.sleep(min(POLL_S, until(deadline)))

    def close(self, system: System) -> None:
        """Close it; what is to end with its last handle ends."""
        if system.handle:
            self._native.call(COMPUTECORE, "HcsCloseComputeSystem", system.handle)
        system.handle = 0
        self._open = [row for row in self._open if row is not system]

    def close_all(self) -> None:
        """Close what is still open."""
        for system in list(self._open):
            self.close(system)

    def end(self, id: str) -> None:
        """Terminate one whose handle nobody has; that it is gone already is no failure."""
        try:
            self.terminate(System(id=id, handle=0), CLOSING_S)
        except CallFailed as failed:
            if same_code(failed.code) not in {ALREADY_STOPPED, SYSTEM_NOT_FOUND}:
                raise

    def listed(self, query: Any, limit_s: float) -> Any:
        """List compute systems."""
        body = document(query)
        name = "HcsEnumerateComputeSystems"
        found = waited(
            self._native, name, lambda op: self._native.call(COMPUTECORE, name, body, op), limit_s
        )
        return read(found) or []

    def _opened(self, id: str) -> ctypes.c_void_p:
        found = ctypes.c_void_p()
        code = self._native.call(COMPUTECORE, OPEN, text(id), ALL_ACCESS, ctypes.byref(found))
        if is_failure(code):
            raise failure(OPEN, code)
        return found

    def _held(self, id: str, handle: ctypes.c_void_p) -> Handle:
        system = System(id=id, handle=handle.value or 0)
        self._open.append(system)
        return Handle(value=system, shown={"handle": True, "id": id})

    def _asked(self, export: str, system: System, body: Any, limit_s: float) -> str | None:
        return waited(
            self._native,
            export,
            lambda op: self._native.call(COMPUTECORE, export, system.handle, op, body),
            limit_s,
        )

    def _exit_status(self, system: System, rest_s: float) -> Any:
        answer = ctypes.c_void_p()
        code = self._native.call(
            COMPUTECORE, WAIT, system.handle, int(1000 * rest_s), ctypes.byref(answer)
        )
        said = taken(self._native, answer, local=True)
        if code == OPERATION_TIMEOUT:
            return None
        if is_failure(code):
            raise failure(WAIT, code, said)
        return read(said) or {}

    def _exit_polled(self, system: System, rest_s: float) -> Any:
        found = read(self._asked("HcsGetComputeSystemProperties", system, None, rest_s))
        shown = found if isinstance(found, dict) else {}
        if shown.get("Stopped") is not True and shown.get("State") != "Stopped":
            return None
        return {"ExitType": shown.get("ExitType", "Unknown")}
