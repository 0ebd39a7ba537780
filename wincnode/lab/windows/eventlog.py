"""The System log of a simulated machine: what the service control manager writes into it.

Source of ids and values: learn.microsoft.com/previous-versions/windows/it-pro/
windows-server-2008-r2-and-2008/cc756379(v=ws.10)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

LOG = "System"
PROVIDER = "Service Control Manager"
NOT_STARTED, NOT_IN_TIME, ENDED_AND_RESTARTED, ENDED = 7000, 7009, 7031, 7034
# learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-startservicectrldispatchera
TIMEOUT_MS = 30000
RESTART = 1  # SC_ACTION_RESTART, winsvc.h


class EventLog:
    """Entries of one provider."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []

    def write(self, id: int, *values: str, at: datetime | None = None) -> None:
        """Add an entry with the values of its text."""
        self._rows.append(
            {
                "Id": id,
                "TimeCreated": at or datetime.now(UTC),
                "Properties": [{"Value": value} for value in values],
            }
        )

    def not_started(self, name: str, error: int) -> None:
        """Note that the process of a service did not report in time."""
        self.write(NOT_IN_TIME, str(TIMEOUT_MS), name)
        self.write(NOT_STARTED, name, f"%%{error}")

    def ended(self, name: str, restarts_after_s: float | None) -> None:
        """Note that the process of a service ended by itself."""
        if restarts_after_s is None:
            self.write(ENDED, name, "1")
        else:
            delay_ms = f"{1000 * restarts_after_s:.0f}"
            self.write(
                ENDED_AND_RESTARTED, name, "1", delay_ms, str(RESTART), "Restart the service"
            )

    def rows(self, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Give the entries that a FilterHashtable asks for, newest first.

        Source: learn.microsoft.com/powershell/module/microsoft.powershell.diagnostics/get-winevent
        """
        if (wanted["LogName"], wanted["ProviderName"]) != (LOG, PROVIDER):
            return []
        return [row for row in reversed(self._rows) if row["Id"] in wanted["Id"]]
