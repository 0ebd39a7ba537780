"""The service control manager of a simulated machine, as Win32_Service and sc.exe show it.

Source of the return codes: learn.microsoft.com/windows/win32/cimwin32prov/win32-service
(Create, Change, StartService, StopService, Delete).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wincnode.lab.windows.clock import Clock
from wincnode.lab.windows.registry import Registry, Value

KEY = r"HKLM\SYSTEM\CurrentControlSet\Services"
DONE = 0
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


class Services:
    """All services of a machine; each change takes its seconds, and the registry follows.

    Args: durations: seconds for `service_start` and `service_stop`; 0 where not given.
    """

    def __init__(self, registry: Registry, clock: Clock, durations: Mapping[str, float]) -> None:
        self._registry = registry
        self._clock = clock
        self._durations = durations
        self._rows: dict[str, Service] = {}

    def load(self, rows: Mapping[str, Mapping[str, str]]) -> None:
        """Put in the services of a profile: name -> properties of Win32_Service."""
        for name, row in rows.items():
            self._rows[name.lower()] = Service(
                name=name,
                display_name=row.get("DisplayName", name),
                path=row.get("PathName", ""),
                start_mode=row.get("StartMode", "Manual"),
                account=row.get("StartName", "LocalSystem"),
                state=row.get("State", "Stopped"),
            )

    def rows(self) -> list[dict[str, Any]]:
        """Give the instances of Win32_Service."""
        return [
            {
                "Name": row.name,
                "DisplayName": row.display_name,
                "State": self._shown(row),
                "StartMode": row.start_mode,
                "StartName": row.account,
                "PathName": row.path,
            }
            for row in self._rows.values()
            if not (row.deleted and self._shown(row) == "Stopped")
        ]

    def create(self, arguments: Mapping[str, Any]) -> int:
        """Make a service, as Win32_Service.Create."""
        name = str(arguments["Name"])
        row = self._rows.get(name.lower())
        if row is not None:
            gone = row.deleted and self._shown(row) == "Stopped"
            if not gone:
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
        self._turn(row, "Running", "service_start")
        return DONE

    def stop(self, name: str) -> int:
        """Stop a service, as Win32_Service.StopService."""
        row = self._rows[name.lower()]
        if row.state == "Stopped":
            return CANNOT_ACCEPT_CONTROL
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

    def boot(self) -> None:
        """Bring each service to the state that its start mode gives after a boot."""
        self._rows = {key: row for key, row in self._rows.items() if not row.deleted}
        for row in self._rows.values():
            row.state = "Running" if row.start_mode == "Auto" else "Stopped"
            row.settled_at = 0.0

    def _turn(self, row: Service, state: str, duration: str) -> None:
        row.state = state
        row.settled_at = self._clock.seconds() + self._durations.get(duration, 0.0)

    def _shown(self, row: Service) -> str:
        pending = {"Running": "Start Pending", "Stopped": "Stop Pending"}
        on_its_way = self._clock.seconds() < row.settled_at
        return pending[row.state] if on_its_way else row.state


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
