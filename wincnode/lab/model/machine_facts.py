"""Updates, settings and guards of a machine, as the node's facts scripts read them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from xml.etree import ElementTree as ET

from wincnode.lab.model.failures import ERRORS
from wincnode.lab.model.host import Host
from wincnode.lab.windows import defender, power
from wincnode.lab.windows.machine import CONTROL, CURRENT_VERSION, SYSTEM32

Section: TypeAlias = dict[str, Any]
SOFTWARE = r"HKLM\SOFTWARE"
SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
OVERRIDES = r"HKLM\SYSTEM\CurrentControlSet\Policies\Microsoft\FeatureManagement\Overrides"
BOOT = r"HKLM\BCD00000000\Objects"
BOOT_MANAGER = "{9dea862c-5cdd-4e70-acc1-f32b344d4795}"
FOLDERS = (r"C:\ProgramData", r"C:\ProgramData\containerd", r"C:\var\lib\kubelet")
TOOLS = ("curl.exe", "tar.exe", "xcopy.exe")
DIRECTORY = 16  # learn.microsoft.com/windows/win32/fileio/file-attribute-constants
DISABLED = 4  # Start of a driver
WEEK = timedelta(days=7)
DEFENDER = r"Microsoft\Windows Defender"
NET = r"Microsoft\.NETFramework\v4.0.30319"


def updates(host: Host) -> Section:
    """Read how Windows gets its updates, whether it is a preview, and overrides of features."""
    read = host.machine.registry.data
    policy = SOFTWARE + r"\Policies\Microsoft\Windows\WindowsUpdate\AU"
    flight = SOFTWARE + r"\Microsoft\WindowsSelfHost\Applicability"
    return {
        "no_auto_update": read(policy, "NoAutoUpdate"),
        "au_options": read(policy, "AUOptions"),
        "flight_branch": read(flight, "BranchName", ""),
        "flight_builds": read(flight, "EnablePreviewBuilds"),
        "build_lab": read(CURRENT_VERSION, "BuildLabEx", ""),
        "overrides": _texts(host, OVERRIDES),
    }


def settings(host: Host) -> Section:
    """Read settings that containers stumble over."""
    read = host.machine.registry.data
    files = host.call("Get-CimInstance", ClassName="Win32_PageFileUsage")
    attributes = {path.lower(): bits for path, bits in host.machine.profile.attributes.items()}
    return {
        "container_switches": _texts(host, CURRENT_VERSION + r"\Virtualization\Containers"),
        "long_paths": read(CONTROL + r"\FileSystem", "LongPathsEnabled"),
        "no_short_names": read(CONTROL + r"\FileSystem", "NtfsDisable8dot3NameCreation"),
        "power_plan": read(power.KEY, "ActivePowerScheme", ""),
        "language": read(CONTROL + r"\Nls\Language", "InstallLanguage", ""),
        "code_page": read(CONTROL + r"\Nls\CodePage", "OEMCP", ""),
        "folders": [
            {"path": path, "attributes": DIRECTORY | attributes.get(path.lower(), 0)}
            for path in FOLDERS
            if host.disk.is_folder(path)
        ],
        "dedup_volumes": _deduplicated(host),
        "page_files": [{"path": row["Name"], "size_mb": row["AllocatedBaseSize"]} for row in files],
        "missing_tools": [name for name in TOOLS if not host.disk.is_file(rf"{SYSTEM32}\{name}")],
    }


def _deduplicated(host: Host) -> list[str] | str:
    if not host.machine.registry.has(SERVICES + r"\ddpsvc"):
        return []
    try:
        rows = host.call("Get-CimInstance", ClassName="MSFT_DedupVolume")
    except ERRORS as error:
        return error.message
    return [row["Volume"] for row in rows if row["Enabled"]]


def protection(host: Host) -> Section:
    """Read what guards the machine."""

    def read(key: str, name: str) -> Any:
        return host.machine.registry.data(rf"{SOFTWARE}\{key}", name)

    logs = r"Policies\Microsoft\Windows\PowerShell"
    return {
        "filters": _filters(host),
        "defender": {
            "excluded": list(_excluded(host, defender.KEY)),
            "excluded_by_policy": list(_excluded(host, defender.POLICY)),
            "no_local_merge": read(rf"Policies\{DEFENDER}", "DisableLocalAdminMerge"),
            "tamper_protection": read(rf"{DEFENDER}\Features", "TamperProtection"),
            "tamper_exclusions": read(rf"{DEFENDER}\Features", "TPExclusions"),
            "realtime_off": read(rf"{DEFENDER}\Real-Time Protection", "DisableRealtimeMonitoring"),
        },
        "applocker": [row for name in ("Exe", "Script") if (row := _collection(host, name))],
        "script_block_log": read(rf"{logs}\ScriptBlockLogging", "EnableScriptBlockLogging"),
        "module_log": read(rf"{logs}\ModuleLogging", "EnableModuleLogging"),
        "transcription": read(rf"{logs}\Transcription", "EnableTranscripting"),
        "net_release": read(r"Microsoft\NET Framework Setup\NDP\v4\Full", "Release"),
        "net_strong": [read(at + NET, "SchUseStrongCrypto") for at in ("", "WOW6432Node\\")],
        "net_system_tls": [
            read(at + NET, "SystemDefaultTlsVersions") for at in ("", "WOW6432Node\\")
        ],
        "no_root_update": read(
            r"Policies\Microsoft\SystemCertificates\AuthRoot", "DisableRootAutoUpdate"
        ),
        "secure_boot": host.machine.registry.data(
            CONTROL + r"\SecureBoot\State", "UEFISecureBootEnabled"
        ),
    }


def _filters(host: Host) -> list[Section]:
    registry = host.machine.registry
    found = []
    for name in registry.subkeys(SERVICES):
        if registry.data(rf"{SERVICES}\{name}", "Start") == DISABLED:
            continue
        for place in ("Instances", r"Parameters\Instances"):
            instances = rf"{SERVICES}\{name}\{place}"
            instance = rf"{instances}\{registry.data(instances, 'DefaultInstance', '')}"
            altitude = registry.data(instance, "Altitude")
            if altitude is not None:
                found.append({"name": name, "altitude": altitude})
                break
    return found


def _excluded(host: Host, root: str) -> Iterable[str]:
    return host.machine.registry.values(root + r"\Exclusions\Processes")


def _collection(host: Host, name: str) -> Section | None:
    registry = host.machine.registry
    key = rf"{SOFTWARE}\Policies\Microsoft\Windows\SrpV2\{name}"
    if not registry.has(key):
        return None
    paths, others = [], 0
    for id in registry.subkeys(key):
        text = str(registry.data(rf"{key}\{id}", "Value"))
        rule = ET.fromstring(text)  # noqa: S314 - a profile of our own
        if rule.tag != "FilePathRule":
            others += 1
        paths += [
            {
                "action": rule.get("Action"),
                "user": rule.get("UserOrGroupSid"),
                "path": condition.get("Path"),
            }
            for condition in rule.findall("Conditions/FilePathCondition")
        ]
    mode = registry.data(key, "EnforcementMode")
    return {"collection": name, "mode": mode, "paths": paths, "others": others}


def platform(host: Host) -> Section:
    """Read what containers stand on: drivers, how the hypervisor is started, crashes."""
    return {
        "drivers": _drivers(host),
        "hypervisor_launch": _hypervisor_launch(host),
        "crashes": _crashes(host),
    }


def _drivers(host: Host) -> Section:
    """Read how the drivers of containers start; none where one is not installed."""
    read = host.machine.registry.data
    names = ("wcifs", "bindflt", "VfpExt", "WinNat")
    return {name.lower(): read(rf"{SERVICES}\{name}", "Start") for name in names}


def _crashes(host: Host) -> list[Section]:
    """Read which services ended unexpectedly in the last week, the latest first."""
    wanted = {"LogName": "System", "ProviderName": "Service Control Manager", "Id": [7031, 7034]}
    try:
        rows = host.call("Get-WinEvent", FilterHashtable=wanted, MaxEvents=100)
    except ERRORS:
        return []
    since = datetime.now(UTC) - WEEK
    return [
        {
            "service": row["Properties"][0]["Value"],
            "at": row["TimeCreated"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        for row in rows
        if row["TimeCreated"] > since
    ]


def _hypervisor_launch(host: Host) -> int | None:
    """Read from the default boot entry how the hypervisor is started."""
    read = host.machine.registry.data
    entry = read(rf"{BOOT}\{BOOT_MANAGER}\Elements\23000003", "Element", "")
    value = read(rf"{BOOT}\{entry}\Elements\250000f0", "Element")
    return None if value is None else int(value[0])


def _texts(host: Host, key: str) -> Section:
    rows = host.machine.registry.values(key)
    return {name: str(value.data) for name, value in rows.items()}
