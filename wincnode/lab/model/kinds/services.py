"""The kind `service`."""

from __future__ import annotations

import re
import struct
import time
from datetime import UTC, datetime
from typing import Any

from wincnode.lab.model.compare import same
from wincnode.lab.model.failures import Failure
from wincnode.lab.model.host import Found, Host, Values
from wincnode.lab.windows.limits import step_limit
from wincnode.lab.windows.registry import Value
from wincnode.lab.windows.services import (
    ALREADY_RUNNING,
    CANNOT_ACCEPT_CONTROL,
    DONE,
    KEY,
    MARKED_FOR_DELETION,
    RESTART,
    expanded,
    sc,
)
from wincnode.node.kinds.service import KIND

MARKED = (
    "it is marked for deletion, and somebody holds a handle on it. Close Services, Task Manager "
    "and whatever watches services there, or reboot the node"
)
# As the script says it.
MEANS = {
    2: "access is denied",
    3: "a service that depends on it runs",
    7: "its process did not report in time",
    9: "its program was not found",
    12: "a service that it depends on was deleted",
    13: "a service that it depends on did not start",
    14: "it is disabled",
    15: "its account may not log on as a service",
    16: MARKED,
    22: "its account is not valid",
}
FIELDS = {"command": "PathName", "display_name": "DisplayName", "account": "StartName"}
FINE = {"StartService": ALREADY_RUNNING, "StopService": CANNOT_ACCEPT_CONTROL}


def get(host: Host, key: Values, want: Values) -> Found:
    """Give a service's properties; on its way it is settling."""
    row = host.service(key["name"])
    if row is None:
        return Found(values={"state": "absent"})
    registry, path = host.machine.registry, f"{KEY}\\{key['name']}"
    depends = registry.data(path, "DependOnService", [])
    values = {
        "state": row["State"].lower(),
        "start": row["StartMode"].lower(),
        **{field: row[name] for field, name in FIELDS.items()},
        "depends_on": depends if isinstance(depends, list) else [depends],
        "restart_when_newer": want.get("restart_when_newer"),
        "restart_after_s": _restart_after(bytes(registry.data(path, "FailureActions", []))),
    }
    if "environment" in want:
        lines = registry.data(path, "Environment", [])
        # In any order, but by the letter: a value may be a password.
        is_wanted = frozenset(lines) == frozenset(want["environment"])
        values["environment"] = want["environment"] if is_wanted else lines
    young = False
    if row["State"] == "Running" and want.get("state") == "running":
        process = _process(host, row)
        values |= _in_use(host, row, want, process)
        age_s = (datetime.now(UTC) - process["CreationDate"]).total_seconds()
        young = age_s < want.get("steady_s", 0)
    going = want.get("state") == "absent" and values["state"] == "stopped"
    on_its_way = "pending" in values["state"] or going or young
    return Found(state="settling" if on_its_way else "settled", values=values)


def _process(host: Host, row: Values) -> Values:
    query = f"ProcessId={row['ProcessId']}"
    process: Values
    (process,) = host.call("Get-CimInstance", ClassName="Win32_Process", Filter=query)
    return process


def _in_use(host: Host, row: Values, want: Values, process: Values) -> Values:
    """Give the command that a service runs with, and which files are not newer than that."""
    found = [
        path
        for path in want.get("restart_when_newer") or ()
        if host.disk.written(path) <= process["CreationDate"]
    ]
    command = process["CommandLine"] or ""
    other = command and _bare(command) != _bare(expanded(row["PathName"]))
    return {**({"command": command} if other else {}), "restart_when_newer": found}


def _bare(command: str) -> str:
    """Give a command line to compare: CreateProcess puts a path with spaces into quotes."""
    return command.replace('"', "").strip()


def _restart_after(actions: bytes) -> float:
    if len(actions) < 28:
        return 0
    action: int
    delay_ms: int
    action, delay_ms = struct.unpack_from("<2i", actions, 20)
    if action != RESTART:
        return 0
    return delay_ms // 1000 if delay_ms % 1000 == 0 else delay_ms / 1000


def set(host: Host, key: Values, want: Values, found: Found) -> None:
    """Make, change, start, stop or remove the service."""
    name = key["name"]
    row = host.service(name)
    if want.get("state") == "absent":
        if row and row["State"] != "Stopped":
            _do(host, "StopService", InputObject=row)
        _do(host, "Delete", InputObject=row)
        return
    again = _made(host, name, row, want, found)
    if "environment" in want:
        value = Value(kind="MultiString", data=want["environment"])
        host.machine.registry.set(f"{KEY}\\{name}", "Environment", value)
    after = want.get("restart_after_s")
    if after is not None and after != found.values.get("restart_after_s"):
        _set_restart(host, name, 1000 * after)
    row = host.service(name) or {}
    if want.get("state") == "running" and row.get("State") != "Running":
        _do(host, "StartService", InputObject=row)
    for other in again:
        _do(host, "StartService", InputObject=other)
    if want.get("state") == "stopped" and row.get("State") != "Stopped":
        _do(host, "StopService", InputObject=row)


def _made(host: Host, name: str, row: Values | None, want: Values, found: Found) -> list[Values]:
    """Make or change the service; gives those that were stopped with it."""
    fields = _fields(want)
    again: list[Values] = []
    if row is not None:
        if row["State"] == "Running" and _is_stale(want, found):
            again = _dependents(host, name)
            for other in (*again, row):
                _stop(host, other)
        if fields:
            row = _changed(host, name, row, fields)
    if row is None:
        if not want.get("command"):
            raise Failure(f"There is no service {name}.")
        _do(host, "Create", ClassName="Win32_Service", Arguments=_birth(name) | fields)
    return again


def _changed(host: Host, name: str, row: Values, fields: Values) -> Values | None:
    """Change a service; of one that was deleted and is held, wait until it is gone."""
    clock = host.machine.clock
    until_s = clock.seconds() + min(60, step_limit(host.machine))
    there: Values | None = row
    code = _did(host, "Change", InputObject=row, Arguments=fields)
    while code == MARKED_FOR_DELETION and there is not None and clock.seconds() < until_s:
        time.sleep(0.05)
        there = host.service(name)
        if there is not None:
            code = _did(host, "Change", InputObject=there, Arguments=fields)
    if there is not None:
        _judge("Change", code)
    return there


def _is_stale(want: Values, found: Found) -> bool:
    """Say whether a process was started with something else than is wanted."""
    how = {row.name: row.compare for row in KIND.fields}
    return any(
        name in want and not same(found.values.get(name), want[name], how[name])
        for name in ("command", "account", "environment", "restart_when_newer")
    )


def _dependents(host: Host, name: str) -> list[Values]:
    """Give the services that run and have to stop before one."""
    rows = host.call("Get-CimInstance", ClassName="Win32_Service", Filter="State='Running'")
    needs = {
        row["Name"]: host.machine.registry.data(f"{KEY}\\{row['Name']}", "DependOnService", [])
        for row in rows
    }
    return [row for row in rows if name.lower() in (other.lower() for other in needs[row["Name"]])]


def _stop(host: Host, row: Values) -> None:
    _do(host, "StopService", InputObject=row)
    while (host.service(row["Name"]) or {}).get("State") != "Stopped":
        time.sleep(0.05)


def _fields(want: Values) -> dict[str, Any]:
    fields = {FIELDS[name]: want[name] for name in FIELDS if want.get(name)}
    if want.get("start"):
        fields["StartMode"] = re.sub("^auto$", "automatic", want["start"], flags=re.IGNORECASE)
    if "depends_on" in want:
        fields["ServiceDependencies"] = want["depends_on"]
    return fields


def _birth(name: str) -> dict[str, Any]:
    return {
        "Name": name,
        "DisplayName": name,
        "ServiceType": 16,
        "ErrorControl": 1,
        "StartMode": "Automatic",
        "DesktopInteract": False,
    }


def _do(host: Host, method: str, **bound: Any) -> None:
    _judge(method, _did(host, method, **bound))


def _did(host: Host, method: str, **bound: Any) -> int:
    (result,) = host.call("Invoke-CimMethod", MethodName=method, **bound)
    code: int = result["ReturnValue"]
    return code


def _judge(method: str, code: int) -> None:
    if code not in {DONE, FINE.get(method, DONE)}:
        meaning = f": {MEANS[code]}" if code in MEANS else ""
        raise Failure(f"Win32_Service.{method} returned {code}{meaning}.")


def _set_restart(host: Host, name: str, wait_ms: int) -> None:
    actions = "/".join([f"restart/{wait_ms}"] * 3) if wait_ms else ""
    words = ["failure", name, "reset=", "86400", "actions=", actions]
    code = sc(host.machine.services, words)
    if code:
        raise Failure(f"sc.exe failure ended with {code}.")
