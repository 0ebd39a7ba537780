"""What the processes of one simulated machine share."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from wincnode.lab.model.disk import Disk
from wincnode.lab.windows.cmdlets import Rows, call
from wincnode.lab.windows.machine import Machine

Values: TypeAlias = dict[str, Any]
BASE = r"C:\Program Files\wincnode"
MANIFEST = BASE + r"\manifest.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a kind's Get gives: settled, settling, needs_reboot or policy_owned, and values."""

    state: str = "settled"
    values: Values = field(default_factory=dict)


class Host:
    """One machine with its disk.

    Args: pace_s: seconds that each section of facts takes, so that progress can be seen.
    """

    def __init__(self, machine: Machine, *, pace_s: float = 0.0) -> None:
        self.machine = machine
        self.disk = Disk(machine)
        self.pace_s = pace_s

    def call(self, cmdlet: str, **bound: Any) -> Rows:
        """Carry a cmdlet of Windows out.

        Raises: CmdletError.
        """
        return call(self.machine, cmdlet, bound)

    def manifest(self) -> list[dict[str, Any]]:
        """Give what wincnode has noted of its changes, an entry for each thing."""
        if not self.disk.is_file(MANIFEST):
            return []
        rows: list[dict[str, Any]] = json.loads(self.disk.read(MANIFEST))["entries"]
        return rows

    def service(self, name: str) -> dict[str, Any] | None:
        """Give the instance of Win32_Service, or nothing."""
        text = name.replace("'", "\\'")
        rows = self.call("Get-CimInstance", ClassName="Win32_Service", Filter=f"Name='{text}'")
        return rows[0] if rows else None


def to_line(value: Any) -> str:
    """Write JSON as ConvertTo-Json of 5.1 does, all of it ASCII."""
    text = json.dumps(value, separators=(",", ":"))
    for sign in "<>&'\x7f":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def now(off_s: float = 0.0) -> str:
    """Give the time as events tell it, of a clock that is so many seconds ahead of ours."""
    moment = datetime.now(UTC) + timedelta(seconds=off_s)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
