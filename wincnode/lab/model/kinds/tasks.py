"""The kind `scheduled_task`."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from wincnode.lab.model.host import Found, Host, Values
from wincnode.lab.windows.cmdlets import CmdletError

SPACE = {"": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
ACCOUNTS = {"SYSTEM": "S-1-5-18", "LOCAL SERVICE": "S-1-5-19", "NETWORK SERVICE": "S-1-5-20"}
# Apostrophes too, as .NET's SecurityElement.Escape does.
MORE = {'"': "&quot;", "'": "&apos;"}
UNITS = {"D": 24 * 60, "H": 60, "M": 1}


def get(host: Host, key: Values, _want: Values) -> Found:
    """Give a task's program, its trigger and its account, as its definition says."""
    try:
        (text,) = host.call("Export-ScheduledTask", **_names(key["name"]))
    except CmdletError:
        return Found(values={"state": "absent"})
    return Found(values=_read(ET.fromstring(text.encode("utf-16"))))  # noqa: S314 - the lab's own


def _read(root: ET.Element) -> dict[str, Any]:
    def read(path: str) -> str:
        return root.findtext(path, default="", namespaces=SPACE)

    names = {sid: name for name, sid in ACCOUNTS.items()}
    account = read("Principals/Principal/UserId")
    triggers = [row.tag.rpartition("}")[2] for row in root.findall("Triggers/*", SPACE)]
    daily = triggers == ["CalendarTrigger"] and read("Triggers/*/ScheduleByDay/DaysInterval") == "1"
    trigger = "startup" if triggers == ["BootTrigger"] else ", ".join(triggers)
    return {
        "state": "disabled" if read("Settings/Enabled") == "false" else "present",
        "command": read("Actions/Exec/Command"),
        "arguments": read("Actions/Exec/Arguments"),
        "account": names.get(account, account),
        "trigger": "daily" if daily else trigger,
        "at": read("Triggers/*/StartBoundary")[11:16] if daily else "",
        "repeat_minutes": _minutes(read("Triggers/*/Repetition/Interval")),
    }


def _minutes(duration: str) -> int:
    return sum(int(count) * UNITS[unit] for count, unit in re.findall(r"(\d+)([DHM])", duration))


def set(host: Host, key: Values, want: Values, _found: Found) -> None:
    """Define the task anew, or remove it."""
    if want.get("state") == "absent":
        host.call("Unregister-ScheduledTask", **_names(key["name"]))
        return
    every = want.get("repeat_minutes")
    repeat = f"<Repetition><Interval>PT{every}M</Interval></Repetition>" if every else ""
    trigger = f"<BootTrigger>{repeat}</BootTrigger>"
    if want["trigger"] == "daily":
        trigger = (
            f"<CalendarTrigger><StartBoundary>2000-01-01T{want['at']}:00</StartBoundary>{repeat}"
            "<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay></CalendarTrigger>"
        )
    command, arguments = (escape(want.get(name, ""), MORE) for name in ("command", "arguments"))
    text = (
        f'<Task version="1.2" xmlns="{SPACE[""]}"><Triggers>{trigger}</Triggers><Principals>'
        f'<Principal id="Author"><UserId>{ACCOUNTS[want["account"]]}</UserId>'
        "<RunLevel>HighestAvailable</RunLevel></Principal></Principals><Settings>"
        "<DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>"
        "<StopIfGoingOnBatteries>false</StopIfGoingOnBatteries></Settings>"
        f'<Actions Context="Author"><Exec><Command>{command}</Command>'
        f"<Arguments>{arguments}</Arguments></Exec></Actions></Task>"
    )
    host.call("Register-ScheduledTask", **_names(key["name"]), Xml=text, Force=True)


def _names(name: str) -> dict[str, str]:
    folder, _, last = name.rpartition("\\")
    return {"TaskPath": folder + "\\", "TaskName": last}
