"""The service control manager of a simulated machine, as Win32_Service and sc.exe show it.

Source of the return codes: learn.microsoft.com/windows/win32/cimwin32prov/win32-service
(Create, Change, StartService, StopService, Delete).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from wincnode.lab.windows.clock import Clock
from wincnode.lab.windows.eventlog import EventLog
from wincnode.lab.windows.registry import Registry, Value

KEY = r"HKLM\SYSTEM\CurrentControlSet\Services"
DONE = 0
DEPENDENTS_RUN = 3
CANNOT_ACCEPT_CONTROL = 5
ALREADY_RUNNING = 10
DISABLED = 14
MARKED_FOR_DELETION = 16
EXISTS = 23
# Win32_Service speaks of Auto where its methods take Automatic.
MODES = {"automatic": "Auto", "manual": "Manual", "disabled": "Disabled", "auto": "Auto"}
# learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-createservicew, dwStartType
START_TYPES = {"Auto": 2, "Manual": 3, "Disabled": 4}
RESTART = 1  # SC_ACTION_RESTART, winsvc.h
# What StartService gives of a process that ends before it reports: "service request timeout", of
# learn.microsoft.com/windows/win32/cimwin32prov/startservice-method-in-class-win32-service
NO_ANSWER = 7
# ERROR_SERVICE_REQUEST_TIMEOUT, ERROR_PROCESS_ABORTED, ERROR_SERVICE_NEVER_STARTED, [MS-ERREF] 2.2
NOT_IN_TIME, ABORTED, NEVER_STARTED = 1053, 1067, 1077
FIRST_PROCESS = 1000
# Windows' own variables that command lines of services use.
VARIABLES = {
    "systemroot": r"C:\Windows",
    "programfiles": r"C:\Program Files",
    "programdata": r"C:\ProgramData",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """What a service runs in: its ProcessId, its command line, and when it began."""

    id: int
    command: str
    began: datetime


@dataclass(kw_only=True, slots=True)
class Service:
    """One service; while it is on its way, `state` is what it will be at `settled_at`."""

    name: str
    display_name: str = ""
    path: str = ""
    start_mode: str = "Manual"
    account: str = "LocalSystem"
    state: str = "Stopped"
    settled_at: float = 0.0
    deleted: bool = False
    process: Process | None = None
    exit_code: int = NEVER_STARTED


class Services:
    """All services of a machine; each change takes its seconds, and the registry follows.

    Args: durations: seconds for `service_start` and `service_stop`; 0 where not given.
    `can_start` holds who may refuse to start a service, by the code that StartService gives;
    `on_change` who is to hear of each service that was told to start or to stop.
    `log` is the System log.
    """

    def __init__(self, registry: Registry, clock: Clock, durations: Mapping[str, float]) -> None:
        self._registry = registry
        self._clock = clock
        self._durations = durations
        self._rows: dict[str, Service] = {}
        self._next_process = FIRST_PROCESS
        self.can_start: list[Callable[[Service], int]] = []
        self.on_change: list[Callable[[Service], None]] = []
        # What faults change: whether somebody holds handles on services that are deleted, and after
        # how many seconds a service that has started ends by itself.
        self.handles_held = False
        self.lives: Callable[[Service], float | None] = lambda _service: None
        self.log = EventLog()

    def load(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Put in the services of a profile: name -> properties of Win32_Service.

        CommandLine and CreationDate are those of the process of one that runs.
        """
        for name, row in rows.items():
            service = Service(
                name=name,
                display_name=row.get("DisplayName", name),
                path=row.get("PathName", ""),
                start_mode=row.get("StartMode", "Manual"),
                account=row.get("StartName", "LocalSystem"),
                state=row.get("State", "Stopped"),
            )
            self._rows[name.lower()] = service
            if service.state == "Running":
                service.exit_code = 0
                service.process = self._process(
                    row.get("CommandLine", service.path), row.get("CreationDate")
                )

    def rows(self) -> list[dict[str, Any]]:
        """Give the instances of Win32_Service."""
        self._end_those_that_die()
        shown = ((row, self._shown(row)) for row in self._rows.values())
        return [
            {
                "Name": row.name,
                "DisplayName": row.display_name,
                "State": state,
                "StartMode": row.start_mode,
                "StartName": row.account,
                "PathName": row.path,
                "ProcessId": row.process.id if row.process and state != "Stopped" else 0,
                "ExitCode": row.exit_code,
                "ServiceSpecificExitCode": 0,
            }
            for row, state in shown
            if state != "Stopped" or self.handles_held or not row.deleted
        ]

    def _end_those_that_die(self) -> None:
        for row in self._rows.values():
            after_s = self.lives(row)
            if after_s is None or row.state != "Running" or row.process is None:
                continue
            if self._clock.seconds() >= row.settled_at + after_s:
                self.ended(row.name)

    def processes(self) -> list[dict[str, Any]]:
        """Give the instances of Win32_Process that services run in."""
        self._end_those_that_die()
        return [
            {
                "ProcessId": row.process.id,
                "CommandLine": row.process.command,
                "CreationDate": row.process.began,
            }
            for row in self._rows.values()
            if row.process and self._lives(row)
        ]

    def create(self, arguments: Mapping[str, Any]) -> int:
        """Make a service, as Win32_Service.Create."""
        name = str(arguments["Name"])
        row = self._rows.get(name.lower())
        if row is not None and (self._lives(row) or self.handles_held or not row.deleted):
            return MARKED_FOR_DELETION if row.deleted else EXISTS
        self._rows[name.lower()] = Service(name=name, display_name=name)
        return self.change(name, arguments)

    def change(self, name: str, arguments: Mapping[str, Any]) -> int:
        """Change what is given, as Win32_Service.Change."""
        row = self._rows[name.lower()]
        if row.deleted:
            return MARKED_FOR_DELETION
        row.path = str(arguments.get("PathName") or row.path)
        row.display_name = str(arguments.get("DisplayName") or row.display_name)
        row.account = str(arguments.get("StartName") or row.account)
        mode = str(arguments.get("StartMode") or row.start_mode)
        row.start_mode = MODES[mode.lower()]
        key = f"{KEY}\\{row.name}"
        values = {
            "ImagePath": Value(kind="ExpandString", data=row.path),
            "DisplayName": Value(kind="String", data=row.display_name),
            "ObjectName": Value(kind="String", data=row.account),
            "Start": Value(kind="DWord", data=START_TYPES[row.start_mode]),
        }
        depends = arguments.get("ServiceDependencies")
        if depends is not None:
            names = [depends] if isinstance(depends, str) else list(depends)
            values["DependOnService"] = Value(kind="MultiString", data=names)
        self._registry.write({key: values})
        return DONE

    def start(self, name: str) -> int:
        """Start a service, as Win32_Service.StartService."""
        row = self._rows[name.lower()]
        if row.state == "Running":
            return ALREADY_RUNNING
        if row.start_mode == "Disabled":
            return DISABLED
        code = self._refusal(row)
        if code == DONE:
            self._turn(row, "Running", "service_start")
        elif code == NO_ANSWER:
            row.exit_code = NOT_IN_TIME
            self.log.not_started(row.display_name, NOT_IN_TIME)
        return code

    def stop(self, name: str) -> int:
        """Stop a service, as Win32_Service.StopService."""
        row = self._rows[name.lower()]
        if row.state == "Stopped":
            return CANNOT_ACCEPT_CONTROL
        if any(other.state == "Running" for other in self._dependents(row)):
            return DEPENDENTS_RUN
        self._turn(row, "Stopped", "service_stop")
        return DONE

    def delete(self, name: str) -> int:
        """Mark a service for deletion, as Win32_Service.Delete; it goes when it has stopped."""
        row = self._rows[name.lower()]
        if row.deleted:
            return MARKED_FOR_DELETION
        row.deleted = True
        self._registry.delete_key(f"{KEY}\\{row.name}")
        return DONE

    def restart_after(self, name: str, delay_ms: int | None, count: int, reset_s: int) -> bool:
        """Set what `sc.exe failure` sets; gives False where there is no such service.

        Source: learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-service_failure_actionsw,
        stored as five DWords and (type, delay) pairs, the pointer's DWord being the offset.
        """
        row = self._rows.get(name.lower())
        if row is None or row.deleted:
            return False
        actions = [] if delay_ms is None else [RESTART, delay_ms] * count
        data = struct.pack(f"<5I{len(actions)}I", reset_s, 0, 0, len(actions) // 2, 20, *actions)
        self._registry.set(
            f"{KEY}\\{row.name}", "FailureActions", Value(kind="Binary", data=list(data))
        )
        return True

    def ended(self, name: str) -> None:
        """Take note that a service's process has ended by itself."""
        row = self._rows[name.lower()]
        self._set(row, "Stopped")
        row.exit_code = ABORTED
        self.log.ended(row.display_name, self.restarts_after(name))

    def restarts_after(self, name: str) -> float | None:
        """Give after how many seconds a service that has ended is started again, if it is."""
        key = f"{KEY}\\{self._rows[name.lower()].name}"
        data = bytes(self._registry.data(key, "FailureActions", []))
        if len(data) < 28:
            return None
        action, delay_ms = struct.unpack_from("<2i", data, 20)
        return delay_ms / 1000 if action == RESTART else None

    def boot(self) -> None:
        """Bring each service to the state that its start mode gives after a boot."""
        self.handles_held = False
        self._rows = {key: row for key, row in self._rows.items() if not row.deleted}
        for row in self._rows.values():
            starts = row.start_mode == "Auto" and self._refusal(row) == DONE
            self._set(row, "Running" if starts else "Stopped")
            row.exit_code = 0 if starts else NEVER_STARTED
            row.settled_at = 0.0

    def _refusal(self, row: Service) -> int:
        return next((code for asked in self.can_start if (code := asked(row))), DONE)

    def _turn(self, row: Service, state: str, duration: str) -> None:
        self._set(row, state)
        row.settled_at = self._clock.seconds() + self._durations.get(duration, 0.0)

    def _set(self, row: Service, state: str) -> None:
        row.state = state
        row.exit_code = 0
        if state == "Running":
            row.process = self._process(row.path)
        for hear in self.on_change:
            hear(row)

    def _process(self, command: str, began: datetime | None = None) -> Process:
        process = Process(
            id=self._next_process, command=expanded(command), began=began or datetime.now(UTC)
        )
        self._next_process += 4
        return process

    def _dependents(self, row: Service) -> Iterator[Service]:
        for other in self._rows.values():
            names = self._registry.data(f"{KEY}\\{other.name}", "DependOnService", [])
            if row.name.lower() in {name.lower() for name in names}:
                yield other

    def _lives(self, row: Service) -> bool:
        return self._shown(row) != "Stopped"

    def _shown(self, row: Service) -> str:
        pending = {"Running": "Start Pending", "Stopped": "Stop Pending"}
        on_its_way = self._clock.seconds() < row.settled_at
        return pending[row.state] if on_its_way else row.state


def expanded(command: str) -> str:
    """Put values in the place of Windows' variables, as the service manager does."""
    return re.sub(r"%(\w+)%", lambda found: VARIABLES.get(found[1].lower(), found[0]), command)


def sc(services: Services, words: Sequence[str]) -> int:
    """Carry out `sc.exe failure NAME reset= S actions= A/MS/...`; gives sc.exe's exit code.

    Source: learn.microsoft.com/windows-server/administration/windows-commands/sc-failure;
    1060 is ERROR_SERVICE_DOES_NOT_EXIST, 1639 ERROR_INVALID_COMMAND_LINE ([MS-ERREF] 2.2).
    """
    match words:
        case ["failure", name, "reset=", reset, "actions=", actions] if reset.isdigit():
            steps = re.findall(r"restart/(\d+)", actions)
            delay = int(steps[0]) if steps else None
            found = services.restart_after(name, delay, len(steps), int(reset))
            return 0 if found else 1060
    return 1639
