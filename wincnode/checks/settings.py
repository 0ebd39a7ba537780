"""Settings of the machine: paths, folders, page file, power, tools, language."""

from __future__ import annotations

from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed
from wincnode.facts import FactMissing, Facts

# learn.microsoft.com/windows/win32/fileio/file-attribute-constants
_MARKS = {0x800: "compressed", 0x4000: "encrypted"}
# learn.microsoft.com/windows/win32/power/power-policy-settings
_HIGH_PERFORMANCE = "8c5e7fda-e8bf-4a96-9a85-a6e23a8c635c"
_PLANS = {
    _HIGH_PERFORMANCE: "high performance",
    "381b4222-f694-41f0-9685-ff5bb260df2e": "balanced",
    "a1841308-3541-4fab-bc81-f71556f20b4a": "power saver",
}
# NtfsDisable8dot3NameCreation: learn.microsoft.com/windows-server/administration/
# windows-commands/fsutil-8dot3name
_SHORT_NAMES = {0: "made", 1: "not made", 2: "set for each volume", 3: "made on C: alone"}


def _folders(facts: Facts, wanted: Wanted) -> Outcome:
    settings = facts.known("settings")
    found = []
    for folder in settings.rows("folders"):
        bits = folder.number("attributes")
        found += [f"{folder.text('path')} is {mark}" for bit, mark in _MARKS.items() if bits & bit]
    volumes = settings.value("dedup_volumes")
    if isinstance(volumes, str):
        raise FactMissing(f"deduplication is unknown: {volumes}")
    if wanted.drive.upper() in (text.upper() for text in settings.texts("dedup_volumes")):
        found.append(f"{wanted.drive} is deduplicated")
    return failed("; ".join(found)) if found else passed("neither compressed nor deduplicated")


def _switches(facts: Facts, _wanted: Wanted) -> Outcome:
    switches = facts.known("settings").section("container_switches")
    left = [
        f"{name} is {switches.text(name)}"
        for name in sorted(switches.data)
        if (name.lower() == "vsmbdisableoplocks" and switches.text(name) != "0")
        or name.lower().startswith("zz")
    ]
    return failed(", ".join(left)) if left else passed("no switch of a test is left")


def _long_paths(facts: Facts, _wanted: Wanted) -> Outcome:
    if facts.known("settings").setting("long_paths") == 1:
        return passed("LongPathsEnabled is 1")
    return failed("programs get paths of 260 characters at most")


def _short_names(facts: Facts, _wanted: Wanted) -> Outcome:
    value = facts.known("settings").setting("no_short_names")
    kind = "not set" if value is None else _SHORT_NAMES.get(value, str(value))
    return passed(f"short names are {kind}")


def _page_file(facts: Facts, _wanted: Wanted) -> Outcome:
    files = facts.known("settings").rows("page_files")
    shown = ", ".join(f"{row.text('path')} of {row.number('size_mb')} MB" for row in files)
    if not files:
        return failed("there is no page file")
    how = "Windows sizes it" if facts.known("hardware").flag("automatic_pagefile") else "fixed"
    return passed(f"{shown}, {how}")


def _power(facts: Facts, _wanted: Wanted) -> Outcome:
    plan = facts.known("settings").text("power_plan").lower()
    name = _PLANS.get(plan, plan or "that of Windows, balanced")
    if plan == _HIGH_PERFORMANCE:
        return passed(name)
    return failed(f"the power plan is {name}")


def _tools(facts: Facts, _wanted: Wanted) -> Outcome:
    missing = facts.known("settings").texts("missing_tools")
    if missing:
        return failed(f"System32 has no {', '.join(missing)}")
    return passed("curl.exe, tar.exe and xcopy.exe are there")


def _locale(facts: Facts, _wanted: Wanted) -> Outcome:
    settings = facts.known("settings")
    language, page = settings.text("language"), settings.text("code_page")
    return passed(f"language {language or 'unknown'}, code page {page or 'unknown'}")


_DEBUG = (
    "MicrosoftDocs/Virtualization-Documentation:windows-server-container-tools/"
    "Debug-ContainerHost/Debug-ContainerHost.ps1@77e0742a"
)

CHECKS = (
    Check(
        id="sys.dedup",
        title="Folders of the runtime are plain",
        severity=Severity.WARNING,
        proves="Layers are neither compressed, encrypted nor deduplicated under the runtime.",
        remedy="compact /u /s:C:\\ProgramData\\containerd /i, cipher /d /s:C:\\ProgramData\\"
        "containerd, and Set-DedupVolume -Volume C: -ExcludeFolder C:\\ProgramData\\containerd.",
        source="https://learn.microsoft.com/windows-server/storage/data-deduplication/"
        "install-enable; https://learn.microsoft.com/windows/win32/fileio/file-attribute-constants",
        needs=("settings",),
        run=_folders,
    ),
    Check(
        id="sys.vsmb",
        title="No switch of a test is left",
        severity=Severity.WARNING,
        proves="Containers run as released Windows lets them.",
        remedy='Delete the values: reg delete "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\'
        'CurrentVersion\\Virtualization\\Containers" /v NAME.',
        source=_DEBUG,
        needs=("settings",),
        run=_switches,
    ),
    Check(
        id="sys.longpaths",
        title="Long paths are enabled",
        severity=Severity.INFO,
        proves="Deep folders of images and volumes can be opened by programs that ask for it.",
        remedy="wincnode install sets it; or reg add HKLM\\SYSTEM\\CurrentControlSet\\Control\\"
        "FileSystem /v LongPathsEnabled /t REG_DWORD /d 1.",
        source="https://learn.microsoft.com/windows/win32/fileio/maximum-file-path-limitation",
        needs=("settings",),
        run=_long_paths,
    ),
    Check(
        id="sys.8dot3",
        title="It is known whether files get short names",
        severity=Severity.INFO,
        proves="It is known whether the volume spends time on short names.",
        remedy="fsutil 8dot3name set C: 1 saves time on folders with many files.",
        source="https://learn.microsoft.com/windows-server/administration/windows-commands/"
        "fsutil-8dot3name",
        needs=("settings",),
        run=_short_names,
    ),
    Check(
        id="sys.pagefile",
        title="There is a page file",
        severity=Severity.WARNING,
        proves="Windows, which has no out-of-memory killer, can promise more memory than there is.",
        remedy="A step pagefile of a playbook, or Set-CimInstance -Query 'SELECT * FROM "
        "Win32_ComputerSystem' -Property @{AutomaticManagedPagefile = $true}; then reboot.",
        source="Azure/AgentBaker:staging/cse/windows/configfunc.ps1@06836ee2 (Adjust-PageFileSize)",
        needs=("hardware", "settings"),
        run=_page_file,
    ),
    Check(
        id="sys.power",
        title="The power plan is high performance",
        severity=Severity.INFO,
        proves="Processors do not slow down under the load of pods.",
        remedy=f"powercfg /setactive {_HIGH_PERFORMANCE}; on a virtual machine the host decides.",
        source="https://learn.microsoft.com/windows/win32/power/power-policy-settings",
        needs=("settings",),
        run=_power,
    ),
    Check(
        id="sys.tools",
        title="Windows' own tools are there",
        severity=Severity.WARNING,
        proves="Scripts of networks and kubeadm find curl.exe, tar.exe and xcopy.exe.",
        remedy="sfc /scannow, or install the current cumulative update.",
        source="kubernetes/kubernetes:cmd/kubeadm/app/preflight/checks_windows.go; "
        "kubernetes-sigs/sig-windows-tools:hostprocess/PrepareNode.ps1@401ee6fc",
        needs=("settings",),
        run=_tools,
    ),
    Check(
        id="sys.locale",
        title="The language of Windows is known",
        severity=Severity.INFO,
        proves="Texts of programs in another language can be placed; wincnode reads none of them.",
        remedy="None is needed.",
        source="https://learn.microsoft.com/windows-hardware/manufacture/desktop/"
        "available-language-packs-for-windows",
        needs=("settings",),
        run=_locale,
    ),
)
