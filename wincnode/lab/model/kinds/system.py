"""The kinds `hostname`, `pagefile`, `power_plan` and `time_source`."""

from __future__ import annotations

from typing import Any

from wincnode.lab.model.failures import Failure
from wincnode.lab.model.host import Found, Host, Values
from wincnode.lab.windows import pagefile, power, programs
from wincnode.lab.windows.machine import SYSTEM32
from wincnode.lab.windows.naming import NAMES, TCPIP
from wincnode.lab.windows.registry import Value

PLANS = {
    "Balanced": "balanced",
    "High performance": "high_performance",
    "Power saver": "power_saver",
}
POWER_POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Power\PowerSettings"
TIME = r"HKLM\SYSTEM\CurrentControlSet\Services\W32Time\Parameters"
TIME_POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\W32Time\Parameters"
TIME_TYPES = {"ntp": "NTP", "domain": "NT5DS", "nosync": "NoSync", "allsync": "AllSync"}


def get_hostname(host: Host, _key: Values, _want: Values) -> Found:
    """Give the name that the next boot brings."""
    read = host.machine.registry.data
    following = str(read(NAMES + r"\ComputerName", "ComputerName", ""))
    current = str(read(NAMES + r"\ActiveComputerName", "ComputerName", ""))
    host_following = str(read(TCPIP, "NV Hostname", ""))
    host_current = str(read(TCPIP, "Hostname", ""))
    waits = following.lower() != current.lower()
    host_waits = host_following.lower() not in {"", host_current.lower()}
    state = "needs_reboot" if waits or host_waits else "settled"
    return Found(state=state, values={"name": host_following or following})


def set_hostname(host: Host, _key: Values, want: Values, _found: Found) -> None:
    """Rename the machine."""
    (computer,) = host.call("Get-CimInstance", ClassName="Win32_ComputerSystem")
    arguments = {"Name": want["name"]}
    (result,) = host.call(
        "Invoke-CimMethod", InputObject=computer, MethodName="Rename", Arguments=arguments
    )
    if result["ReturnValue"]:
        raise Failure(f"Win32_ComputerSystem.Rename returned {result['ReturnValue']}.")


def get_pagefile(host: Host, key: Values, _want: Values) -> Found:
    """Give what is set for the drive, and whether the last boot made it so."""
    drive = key["drive"][:1].upper()
    values: dict[str, Any] = {"mode": "none", "initial_mb": 0, "maximum_mb": 0}
    for name, initial, maximum in pagefile.files(host.machine.registry):
        if name == "?":
            values["mode"] = "automatic"
        elif name.upper() == drive:
            mode = "fixed" if initial else "system"
            values = {"mode": mode, "initial_mb": initial, "maximum_mb": maximum}
    asked = ["Name", "AllocatedBaseSize"]
    size = 0
    for row in host.call("Get-CimInstance", ClassName="Win32_PageFileUsage", Property=asked):
        if values["mode"] == "automatic" or row["Name"][:1].upper() == drive:
            size = row["AllocatedBaseSize"]
    booted = {
        "none": size == 0,
        "fixed": values["initial_mb"] <= size <= values["maximum_mb"],
    }.get(values["mode"], size > 0)
    return Found(state="settled" if booted else "needs_reboot", values=values)


def set_pagefile(host: Host, key: Values, want: Values, _found: Found) -> None:
    """Set the drive's file; where Windows no longer cares for all, its own drive keeps one."""
    registry = host.machine.registry
    drive = key["drive"][:1]
    own = drive.upper() == pagefile.SYSTEM_DRIVE
    files: list[str] = []
    for text in filter(None, registry.data(pagefile.KEY, "PagingFiles", [])):
        if text.startswith("?"):
            files += [] if own else [rf"{pagefile.SYSTEM_DRIVE}:\pagefile.sys 0 0"]
        elif text[:1].upper() != drive.upper():
            files.append(text)
    match want["mode"]:
        case "automatic":
            files = [r"?:\pagefile.sys"]
        case "system":
            files.append(rf"{drive}:\pagefile.sys 0 0")
        case "fixed":
            files.append(rf"{drive}:\pagefile.sys {want['initial_mb']} {want['maximum_mb']}")
    registry.set(pagefile.KEY, "PagingFiles", Value(kind="MultiString", data=files))


def get_power_plan(host: Host, _key: Values, _want: Values) -> Found:
    """Give the active plan; group policy may have chosen it."""
    ended = programs.run(host.machine, SYSTEM32 + r"\powercfg.exe", ["/getactivescheme"])
    plan = power.guid(ended.stdout)
    owned = host.machine.registry.data(POWER_POLICY, "ActivePowerScheme")
    name = PLANS.get(power.PLANS.get(plan, ""), plan)
    return Found(state="policy_owned" if owned else "settled", values={"plan": name})


def set_power_plan(host: Host, _key: Values, want: Values, _found: Found) -> None:
    """Make the plan the active one."""
    numbers = {PLANS[shown]: number for number, shown in power.PLANS.items()}
    plan: str = want["plan"]
    words = ["/setactive", numbers.get(plan, plan)]
    ended = programs.run(host.machine, SYSTEM32 + r"\powercfg.exe", words)
    if ended.code:
        raise Failure(f"powercfg.exe /setactive ended with {ended.code}.")


def get_time_source(host: Host, _key: Values, _want: Values) -> Found:
    """Give type and servers; group policy may have set them."""
    values: dict[str, Any] = {"type": "", "servers": []}
    state = "settled"
    for path in (TIME, TIME_POLICY):
        kind = str(host.machine.registry.data(path, "Type", ""))
        servers = str(host.machine.registry.data(path, "NtpServer", ""))
        if path == TIME_POLICY and (kind or servers):
            state = "policy_owned"
        if kind:
            values["type"] = "domain" if kind.lower() == "nt5ds" else kind.lower()
        if servers:
            values["servers"] = [part.split(",")[0] for part in servers.split()]
    return Found(state=state, values=values)


def set_time_source(host: Host, _key: Values, want: Values, _found: Found) -> None:
    """Write type and servers, and tell the service that runs."""
    registry = host.machine.registry
    registry.set(TIME, "Type", Value(kind="String", data=TIME_TYPES[want["type"]]))
    if "servers" in want:
        text = " ".join(f"{server},0x8" for server in want["servers"])
        registry.set(TIME, "NtpServer", Value(kind="String", data=text))
    if (host.service("W32Time") or {}).get("State") != "Running":
        return
    ended = programs.run(host.machine, SYSTEM32 + r"\w32tm.exe", ["/config", "/update"])
    if ended.code:
        raise Failure(f"w32tm.exe /config /update ended with {ended.code}.")
