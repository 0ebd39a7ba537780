"""What guards the machine: scanners and other filters of files, logs, TLS, roots."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed
from wincnode.facts import FactMissing, Facts, Section

# The programs of a node: wincnode/worker/paths.py.
_EXCLUDED = ("containerd.exe", "containerd-shim-runhcs-v1.exe", "kubelet.exe")
# learn.microsoft.com/windows-hardware/drivers/ifs/allocated-altitudes: FSFilter Anti-Virus, and
# Microsoft Defender's own.
_ANTIVIRUS = (Decimal(320000), Decimal(330000))
_DEFENDER = "wdfilter"
# Virtual file systems whose filters are known to break layers (moby/moby#42807), and an agent's
# with which containers never start on Server 2022 (microsoft/Windows-Containers#374).
_KNOWN_BAD = re.compile(r"cbfs|dropbox|dokan|splunk", re.IGNORECASE)
_STRONG_BY_DEFAULT = 460798  # the release of .NET Framework 4.7
_TAMPER_ON = 5


def _defender_state(facts: Facts, _wanted: Wanted) -> Outcome:
    state = _defender_service(facts)
    off = facts.known("protection").section("defender").setting("realtime_off") == 1
    return passed(f"Defender's service is {state}{', its real-time protection is off' * off}")


def _defender_service(facts: Facts) -> str:
    services = facts.known("services").section("services")
    if "windefend" not in services.data:
        return "not installed"
    return services.section("windefend").text("state").lower()


def _locked(defender: Section) -> str:
    """Say why exclusions of this machine do not count; nothing where they do."""
    if defender.setting("no_local_merge") == 1:
        return "policy merges no exclusions of the machine (DisableLocalAdminMerge)"
    if defender.setting("tamper_exclusions") == 1:
        return "tamper protection covers exclusions (TPExclusions)"
    return ""


def _missing(defender: Section) -> tuple[str, ...]:
    """List the node's programs that no exclusion which counts names, by path or by name."""
    if defender.value("excluded") is None and not _locked(defender):
        raise FactMissing("a policy hides Defender's exclusions")
    own = () if _locked(defender) else defender.texts("excluded")
    counted = (*own, *defender.texts("excluded_by_policy"))
    there = {text.lower().rpartition("\\")[2] for text in counted}
    return tuple(name for name in _EXCLUDED if name not in there)


def _exclusions(facts: Facts, _wanted: Wanted) -> Outcome:
    state = _defender_service(facts)
    if state != "running":
        return passed(f"Defender's service is {state}")
    defender = facts.known("protection").section("defender")
    missing = _missing(defender)
    if not missing:
        return passed("Defender leaves the container runtime alone")
    shown = f"Defender scans what {', '.join(missing)} open"
    if _locked(defender):
        return failed(shown, because=("sec.defender.lock",))
    if facts.known("leftovers").flag("owned"):
        return failed(f"{shown}, though wincnode has been here")
    return passed(f"{shown}; wincnode install excludes them")


def _lock(facts: Facts, _wanted: Wanted) -> Outcome:
    state = _defender_service(facts)
    if state != "running":
        return passed(f"Defender's service is {state}")
    defender = facts.known("protection").section("defender")
    why = _locked(defender)
    if why and _missing(defender):
        return failed(why)
    if why:
        return passed(f"{why}; policy itself excludes what is needed")
    tamper = defender.setting("tamper_protection") == _TAMPER_ON
    return passed(f"exclusions count{'; tamper protection is on' * tamper}")


def _altitude(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal(0)


def _filters(facts: Facts, _wanted: Wanted) -> Outcome:
    low, high = _ANTIVIRUS
    foreign = [
        f"{row.text('name')} ({row.text('altitude')})"
        for row in facts.known("protection").rows("filters")
        if row.text("name").lower() != _DEFENDER
        and (low <= _altitude(row.text("altitude")) < high or _KNOWN_BAD.search(row.text("name")))
    ]
    if foreign:
        return failed(f"other programs filter files: {', '.join(foreign)}")
    return passed("no other scanner filters files")


def _logging(facts: Facts, _wanted: Wanted) -> Outcome:
    protection = facts.known("protection")
    kinds = {
        "script_block_log": "script blocks",
        "module_log": "arguments of cmdlets",
        "transcription": "transcripts",
    }
    on = [text for name, text in kinds.items() if protection.setting(name) == 1]
    return failed(f"PowerShell logs {', '.join(on)}") if on else passed("PowerShell logs nothing")


def _net_tls(facts: Facts, _wanted: Wanted) -> Outcome:
    protection = facts.known("protection")
    release = protection.setting("net_release") or 0
    strong, system = protection.value("net_strong"), protection.value("net_system_tls")
    wrong = []
    for name, values in (("SchUseStrongCrypto", strong), ("SystemDefaultTlsVersions", system)):
        for view, value in zip(("64-bit", "32-bit"), values, strict=True):
            if value == 0 or (value is None and release < _STRONG_BY_DEFAULT):
                wrong.append(f"{name} ({view}) is {'not set' if value is None else value}")
    if wrong:
        return failed(f".NET Framework {release}: {', '.join(wrong)}")
    return passed(f".NET Framework (release {release}) takes the TLS versions of Windows")


def _roots(facts: Facts, _wanted: Wanted) -> Outcome:
    if facts.known("protection").setting("no_root_update") == 1:
        return failed("policy keeps Windows from fetching new roots (DisableRootAutoUpdate)")
    return passed("Windows fetches new roots by itself")


def _secure_boot(facts: Facts, _wanted: Wanted) -> Outcome:
    value = facts.known("protection").setting("secure_boot")
    if value is None:
        return passed("the firmware has no Secure Boot")
    return passed("Secure Boot is on" if value else "Secure Boot is off")


_EXCLUSION_SOURCES = (
    "kubernetes-sigs/image-builder:images/capi/ansible/windows/roles/runtimes/tasks/containerd.yml;"
    " Azure/AgentBaker:staging/cse/windows/kubernetesfunc.ps1@06836ee2; "
    "openshift/windows-machine-config-operator:pkg/internal/windows-defender-exclusion.ps1@0be4b9cc"
)
_LOCK_SOURCE = (
    "https://learn.microsoft.com/windows/client-management/mdm/"
    "policy-csp-admx-microsoftdefenderantivirus; MicrosoftDocs/defender-docs:defender-endpoint/"
    "manage-tamper-protection-intune.md"
)

CHECKS = (
    Check(
        id="sec.defender",
        title="Defender's state is known",
        severity=Severity.INFO,
        proves="It is known whether files are scanned as they are opened.",
        remedy="None is needed.",
        source="https://learn.microsoft.com/defender-endpoint/microsoft-defender-antivirus-on-"
        "windows-server",
        needs=("services", "protection"),
        run=_defender_state,
    ),
    Check(
        id="sec.defender.excl",
        title="Defender leaves the container runtime alone",
        severity=Severity.WARNING,
        proves="Images unpack in minutes, and no layer is held open.",
        remedy="wincnode install adds them; or Add-MpPreference -ExclusionProcess containerd.exe, "
        "containerd-shim-runhcs-v1.exe, kubelet.exe.",
        source=_EXCLUSION_SOURCES,
        needs=("services", "protection", "leftovers"),
        run=_exclusions,
    ),
    Check(
        id="sec.defender.lock",
        title="Exclusions of the machine count",
        severity=Severity.WARNING,
        proves="What install excludes from scanning is excluded.",
        remedy="Exclude containerd.exe, containerd-shim-runhcs-v1.exe and kubelet.exe where the "
        "policy is made (group policy, Intune).",
        source=_LOCK_SOURCE,
        needs=("services", "protection"),
        run=_lock,
    ),
    Check(
        id="sec.av.filters",
        title="No other scanner filters files",
        severity=Severity.WARNING,
        proves="Layers can be unpacked and joined; others' filters are known to break that.",
        remedy="Exclude C:\\ProgramData\\containerd and the runtime's programs in that product, or "
        "uninstall it; fltmc filters lists the drivers.",
        source="moby/moby#42807; docker/for-win#3884; microsoft/Windows-Containers#374; https://learn.microsoft.com/windows-hardware/"
        "drivers/ifs/allocated-altitudes",
        needs=("protection",),
        run=_filters,
    ),
    Check(
        id="sec.logging",
        title="PowerShell logs nothing",
        severity=Severity.INFO,
        proves="It is known what stays on the machine; wincnode passes secrets beside all of it.",
        remedy="None is needed for wincnode; give other tools no secret in scripts or arguments.",
        source="https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/"
        "about_group_policy_settings",
        needs=("protection",),
        run=_logging,
    ),
    Check(
        id="sec.netfx.tls",
        title=".NET Framework speaks TLS 1.2",
        severity=Severity.WARNING,
        proves="Scripts on the node can download from today's servers.",
        remedy="Set SchUseStrongCrypto and SystemDefaultTlsVersions to 1 under HKLM\\SOFTWARE\\"
        "Microsoft\\.NETFramework\\v4.0.30319 and the same key of WOW6432Node.",
        source="https://learn.microsoft.com/dotnet/framework/network-programming/tls",
        needs=("protection",),
        run=_net_tls,
    ),
    Check(
        id="sec.roots",
        title="New root certificates are fetched",
        severity=Severity.WARNING,
        proves="Certificates of registries can be verified as their authorities change.",
        remedy="Delete DisableRootAutoUpdate under HKLM\\SOFTWARE\\Policies\\Microsoft\\"
        "SystemCertificates\\AuthRoot, or import roots: certutil -addstore Root FILE.",
        source="https://learn.microsoft.com/windows-server/identity/ad-cs/configure-trusted-roots-"
        "disallowed-certificates",
        needs=("protection",),
        run=_roots,
    ),
    Check(
        id="sec.secureboot",
        title="The state of Secure Boot is known",
        severity=Severity.INFO,
        proves="It is known whether test-signed drivers, such as those of Open vSwitch, can load.",
        remedy="Use signed drivers alone where it is on.",
        source="https://learn.microsoft.com/powershell/module/secureboot/confirm-securebootuefi; "
        "antrea-io/antrea:docs/windows.md",
        needs=("protection",),
        run=_secure_boot,
    ),
)
