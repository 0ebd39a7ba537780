"""Windows features and the services that they bring."""

from __future__ import annotations

from wincnode.checks import Check, Outcome, Severity, Verdict, Wanted, failed, passed
from wincnode.facts import FactMissing, Facts

INSTALLED = ("Installed", "Enabled")
_PENDING = ("InstallPending", "EnablePending")
_REMOVED = ("Removed", "DisabledWithPayloadRemoved")


def _state(facts: Facts, *names: str) -> str:
    states = facts.known("features").section("states")
    for name in names:
        if name in states.data:
            return states.text(name)
    raise FactMissing(f"the node did not report the feature {names[0]}")


def _containers(facts: Facts, _wanted: Wanted) -> Outcome:
    state = _state(facts, "Containers")
    if state in INSTALLED:
        return passed("the feature is installed")
    if state in _PENDING:
        return failed("the feature waits for a reboot", because=("os.reboot",))
    return failed(f"the feature is not installed ({state})", because=("feat.payload",))


def _payload(facts: Facts, _wanted: Wanted) -> Outcome:
    state = _state(facts, "Containers")
    if state in _REMOVED:
        return failed("the feature's files were removed from the component store")
    return passed("the feature's files are there")


def _hyperv(facts: Facts, wanted: Wanted) -> Outcome:
    if not wanted.hyperv:
        return passed("not wanted")
    state = _state(facts, "Hyper-V", "Microsoft-Hyper-V")
    if state in INSTALLED:
        return passed("the role is installed")
    if state in _PENDING:
        return failed("the role waits for a reboot", because=("os.reboot",))
    return failed(f"Hyper-V isolation is wanted, the role is not installed ({state})")


def _vmswitch(facts: Facts, wanted: Wanted) -> Outcome:
    state = _state(facts, "Hyper-V-PowerShell", "Microsoft-Hyper-V-Management-PowerShell")
    if state in INSTALLED:
        return passed("the cmdlets for virtual switches are installed")
    if wanted.network == "none":
        return failed(f"the cmdlets for virtual switches are not installed ({state})")
    return passed(f"not needed by {wanted.network or 'the networks that wincnode knows'} ({state})")


def _service(facts: Facts, name: str) -> Outcome:
    because = ("feat.containers",)
    services = facts.known("services").section("services")
    if name not in services.data:
        return failed(f"the service {name} does not exist", because=because)
    mode = services.section(name).text("start_mode")
    if mode == "Disabled":
        return failed(f"the service {name} is disabled")
    return passed(f"the service {name} exists, start mode {mode}")


def _vmcompute(facts: Facts, _wanted: Wanted) -> Outcome:
    outcome = _service(facts, "vmcompute")
    if outcome.verdict is Verdict.FAIL or facts.known("services").flag("vmcompute_dll"):
        return outcome
    return failed("System32\\vmcompute.dll does not exist", because=("feat.containers",))


def _hns(facts: Facts, _wanted: Wanted) -> Outcome:
    return _service(facts, "hns")


_DAEMON = "moby/moby:daemon/daemon_windows.go@b985e231"

CHECKS = (
    Check(
        id="feat.containers",
        title="Feature Containers is installed",
        severity=Severity.ERROR,
        proves="The Host Compute Service, its drivers and HNS are on the node.",
        remedy="Run wincnode install, or Install-WindowsFeature -Name Containers, then reboot.",
        source="MicrosoftDocs/Virtualization-Documentation:windows-server-container-tools/"
        "Debug-ContainerHost/Debug-ContainerHost.ps1@77e0742a",
        needs=("features",),
        run=_containers,
    ),
    Check(
        id="feat.payload",
        title="Files of feature Containers are present",
        severity=Severity.ERROR,
        proves="The feature can be installed without other media.",
        remedy="Install with -Source pointing at the WinSxS folder of matching media, or allow "
        "Windows Update as the source.",
        source="https://learn.microsoft.com/powershell/module/servermanager/get-windowsfeature",
        needs=("features",),
        run=_payload,
    ),
    Check(
        id="feat.hyperv",
        title="Hyper-V is installed where it is wanted",
        severity=Severity.ERROR,
        proves="Hyper-V-isolated containers can start.",
        remedy="Install-WindowsFeature -Name Hyper-V, then reboot; or use process isolation.",
        source="https://learn.microsoft.com/virtualization/windowscontainers/deploy-containers/"
        "system-requirements",
        needs=("features",),
        run=_hyperv,
    ),
    Check(
        id="feat.vmswitch",
        title="Cmdlets for virtual switches are installed where they may be needed",
        severity=Severity.INFO,
        proves="A network of one's own can call Get-VMSwitch and its like.",
        remedy="Install-WindowsFeature -Name Hyper-V-PowerShell; without virtualization in the "
        "processor also DISM /Online /Enable-Feature /FeatureName:Microsoft-Hyper-V /All "
        "/NoRestart and DISM /Online /Disable-Feature /FeatureName:Microsoft-Hyper-V-Online "
        "/NoRestart.",
        source="kubernetes-sigs/image-builder:images/capi/ansible/windows/roles/systemprep/tasks/"
        "main.yml@06dac3c7; microsoft/Windows-Containers#80",
        needs=("features",),
        run=_vmswitch,
    ),
    Check(
        id="svc.vmcompute",
        title="Host Compute Service is usable",
        severity=Severity.ERROR,
        proves="containerd can create compute systems.",
        remedy="Install the feature Containers and reboot; set the service to manual start.",
        source=_DAEMON,
        needs=("services",),
        run=_vmcompute,
    ),
    Check(
        id="svc.hns",
        title="Host Network Service is usable",
        severity=Severity.ERROR,
        proves="CNI plugins can create networks and endpoints.",
        remedy="Install the feature Containers and reboot; set the service to manual start.",
        source=_DAEMON,
        needs=("services",),
        run=_hns,
    ),
)
