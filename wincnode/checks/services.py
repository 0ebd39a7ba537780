"""Services and drivers beneath containers: HNS over time, switch extension, filters, firewall."""

from __future__ import annotations

from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed
from wincnode.checks.adapters import FORWARDED
from wincnode.checks.features import INSTALLED
from wincnode.facts import Facts, Section

_DISABLED = 4  # Start of a driver
# Where it is 1, names of SMB shares that pods use are looked up as in the pod, not on the host.
# Source: kubernetes.io/docs/tasks/configure-pod-container/configure-gmsa, Troubleshooting
_COMPARTMENT = "EnableCompartmentNamespace"


def _stable(facts: Facts, _wanted: Wanted) -> Outcome:
    services = facts.known("services").section("services")
    if "hns" not in services.data:
        return passed("HNS is not installed")
    shown = services.section("hns").text("shown")
    rows = facts.known("platform").rows("crashes")
    crashes = [row.text("at") for row in rows if row.text("service") == shown]
    if crashes:
        return failed(f"HNS ended unexpectedly {len(crashes)} times in 7 days, last {crashes[0]}")
    return passed("HNS did not end unexpectedly in 7 days")


def _state(facts: Facts, _wanted: Wanted) -> Outcome:
    flags = facts.known("services").section("hns_state")
    shown = ", ".join(f"{name} is {flags.text(name)}" for name in sorted(flags.data))
    return passed(shown or "HNS runs with its own defaults")


def _drivers(facts: Facts, *names: str) -> list[str]:
    """Say which drivers are missing or disabled."""
    drivers = facts.known("platform").section("drivers")
    wrong = []
    for name in names:
        start = drivers.setting(name)
        if start is None:
            wrong.append(f"there is no driver {name}")
        elif start == _DISABLED:
            wrong.append(f"the driver {name} is disabled")
    return wrong


def _vfp(facts: Facts, _wanted: Wanted) -> Outcome:
    wrong = _drivers(facts, "vfpext")
    if not wrong:
        return passed("the driver VfpExt is installed")
    missing = facts.known("platform").section("drivers").setting("vfpext") is None
    # AKS makes the driver's key where it is not there after the feature: it can come with the
    # first switch. Source: Azure/AgentBaker:vhdbuilder/packer/windows/configure-windows-vhd.ps1
    if missing and _before_switches(facts):
        text = f"{wrong[0]}; it can come with the first switch, and HNS has made none yet"
        return failed(text, severity=Severity.INFO)
    return failed(wrong[0], because=("feat.containers",))


def _before_switches(facts: Facts) -> bool:
    """Tell whether the feature is there, and no network of HNS that would need the extension."""
    features, hns = facts.section("features"), facts.section("hns")
    if not (isinstance(features, Section) and isinstance(hns, Section)):
        return False
    installed = features.section("states").data.get("Containers") in INSTALLED
    kinds = {row.text("type").lower() for row in hns.rows("networks")}
    return installed and not kinds & FORWARDED


def _winnat(facts: Facts, _wanted: Wanted) -> Outcome:
    if wrong := _drivers(facts, "winnat"):
        return failed(wrong[0], because=("feat.containers",))
    return passed("the driver WinNat is installed")


def _resolver(facts: Facts, _wanted: Wanted) -> Outcome:
    services = facts.known("services").section("services")
    if "dnscache" not in services.data:
        return failed("the service Dnscache is missing")
    row = services.section("dnscache")
    if row.text("start_mode") == "Disabled":
        return failed("the service Dnscache is disabled")
    return passed(f"the service Dnscache is {row.text('state').lower()}")


def _compartment(facts: Facts, _wanted: Wanted) -> Outcome:
    flag = facts.known("services").section("hns_state").data.get(_COMPARTMENT)
    if flag is None:
        return passed(f"{_COMPARTMENT} is not set; wincnode install sets it to 1")
    said = f"{_COMPARTMENT} is {flag}"
    return passed(said) if flag == "1" else failed(said)


def _filters(facts: Facts, _wanted: Wanted) -> Outcome:
    if wrong := _drivers(facts, "wcifs", "bindflt"):
        return failed(", ".join(wrong), because=("feat.containers",))
    return passed("the drivers wcifs and bindflt are installed")


def _running(facts: Facts, *names: str) -> list[str]:
    """Say which services do not run."""
    services = facts.known("services").section("services")
    wrong = []
    for name in names:
        row = services.data.get(name.lower())
        state = services.section(name.lower()).text("state") if row is not None else "missing"
        if state != "Running":
            wrong.append(f"the service {name} is {state.lower()}")
    return wrong


def _time(facts: Facts, _wanted: Wanted) -> Outcome:
    if wrong := _running(facts, "W32Time"):
        return failed(wrong[0])
    return passed("the service W32Time runs")


def _firewall(facts: Facts, _wanted: Wanted) -> Outcome:
    if wrong := _running(facts, "BFE", "mpssvc"):
        return failed(", ".join(wrong))
    return passed("the services BFE and mpssvc run")


_ALTITUDES = "https://learn.microsoft.com/windows-hardware/drivers/ifs/allocated-altitudes"

CHECKS = (
    Check(
        id="svc.hns.stable",
        title="HNS has not crashed of late",
        severity=Severity.WARNING,
        proves="Pods keep their endpoints, which a restart of HNS loses.",
        remedy="Install the current cumulative update; after a crash drain the node and reboot it.",
        source="microsoft/Windows-Containers#278; Azure/AgentBaker:staging/cse/windows/"
        "hnsremediator.ps1@06836ee2",
        needs=("services", "platform"),
        run=_stable,
    ),
    Check(
        id="svc.hns.state",
        title="The switches of HNS are known",
        severity=Severity.INFO,
        proves="It is known how HNS differs from its defaults.",
        remedy="Delete what nobody wants: reg delete HKLM\\SYSTEM\\CurrentControlSet\\Services\\"
        "hns\\State /v NAME, then reboot.",
        source="Azure/AgentBaker:vhdbuilder/packer/windows/windows_settings.json@06836ee2; "
        "openshift/windows-machine-config-operator:docs/byoh-instance-pre-requisites.md",
        needs=("services",),
        run=_state,
    ),
    Check(
        id="svc.vfp",
        title="The switch extension of containers is installed",
        severity=Severity.WARNING,
        proves="HNS can carry policies, overlay networks and load balancers.",
        remedy="Install the feature Containers (wincnode install) and reboot.",
        source="Azure/AgentBaker:vhdbuilder/packer/windows/windows_settings.json@06836ee2; "
        "Siemens-Healthineers/K2s (vfp.module.psm1)",
        needs=("platform",),
        uses=("features", "hns"),
        run=_vfp,
    ),
    Check(
        id="svc.winnat",
        title="The driver of NAT can start",
        severity=Severity.WARNING,
        proves="HNS can translate addresses: pods reach what is outside the cluster, and networks "
        "of type NAT can be made.",
        remedy="Install the feature Containers (wincnode install) and reboot; sc.exe config WinNat "
        "start= demand where it is disabled.",
        source="https://learn.microsoft.com/virtualization/hyper-v-on-windows/user-guide/"
        "setup-nat-network",
        needs=("platform",),
        run=_winnat,
    ),
    Check(
        id="svc.dns",
        title="The node's resolver can run",
        severity=Severity.WARNING,
        proves="Names of pods of each network compartment are looked up by the DNS client.",
        remedy="reg add HKLM\\SYSTEM\\CurrentControlSet\\Services\\Dnscache /v Start /t REG_DWORD "
        "/d 2 /f, then reboot.",
        source="https://learn.microsoft.com/windows-server/security/windows-services/"
        "security-guidelines-for-disabling-system-services-in-windows-server (Do not disable)",
        needs=("services",),
        run=_resolver,
    ),
    Check(
        id="svc.hns.compartments",
        title="Pods have name spaces of their compartments",
        severity=Severity.INFO,
        proves="Pods reach SMB shares by their names, which gMSA needs.",
        remedy="reg add HKLM\\SYSTEM\\CurrentControlSet\\Services\\hns\\State /v "
        "EnableCompartmentNamespace /t REG_DWORD /d 1 /f, then make the pods anew.",
        source="https://kubernetes.io/docs/tasks/configure-pod-container/configure-gmsa/; "
        "Azure/AgentBaker:vhdbuilder/packer/windows/windows_settings.json@06836ee2",
        needs=("services",),
        run=_compartment,
    ),
    Check(
        id="svc.filters",
        title="Filters of containers' files are installed",
        severity=Severity.WARNING,
        proves="Layers can be joined to one file system, and folders be mounted.",
        remedy="Install the feature Containers (wincnode install) and reboot; sc.exe config NAME "
        "start= auto where one is disabled.",
        source=_ALTITUDES,
        needs=("platform",),
        run=_filters,
    ),
    Check(
        id="svc.time",
        title="The time service runs",
        severity=Severity.WARNING,
        proves="The clock is kept right.",
        remedy="sc.exe config W32Time start= auto, then Start-Service -Name W32Time.",
        source="https://learn.microsoft.com/windows-server/networking/windows-time-service/"
        "windows-time-service-tools-and-settings",
        needs=("services",),
        run=_time,
    ),
    Check(
        id="svc.bfe",
        title="The firewall's services run",
        severity=Severity.ERROR,
        proves="HNS and kube-proxy can set rules of the firewall.",
        remedy="sc.exe config BFE start= auto, sc.exe config mpssvc start= auto, then reboot; turn "
        "the firewall off by its profiles, never by its services.",
        source="https://learn.microsoft.com/windows/security/operating-system-security/"
        "network-security/windows-firewall/",
        needs=("services",),
        run=_firewall,
    ),
)
