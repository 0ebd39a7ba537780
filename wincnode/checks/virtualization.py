"""What the machine offers to a hypervisor, and what a platform beneath it does to networks."""

from __future__ import annotations

from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed, unknown
from wincnode.facts import Facts, Section

_GIB = 1 << 30
_AUTO = 1  # HypervisorLaunchAuto
_VIRTUAL = (
    # Manufacturer and Model of Win32_ComputerSystem on virtual machines; several have their names
    # from systemd/systemd:src/basic/virt.c (dmi_vendor_table).
    *("virtual machine", "vmware", "qemu", "kvm", "xen", "virtualbox", "amazon ec2"),
    *("google compute engine", "openstack", "kubevirt", "nutanix", "bhyve", "parallels"),
)


def _is_virtual(hardware: Section) -> bool:
    shown = f"{hardware.text('manufacturer')} {hardware.text('model')}".lower()
    return any(word in shown for word in _VIRTUAL)


def _present(facts: Facts, wanted: Wanted) -> Outcome:
    hardware = facts.known("hardware")
    if hardware.flag("hypervisor_present"):
        return passed("a hypervisor runs, here or beneath this machine")
    if not wanted.hyperv:
        return passed("no hypervisor runs, and none is wanted")
    because = ("feat.hyperv", "virt.vt", "virt.launch")
    return failed("no hypervisor runs", because=because)


def _flag(facts: Facts, wanted: Wanted, name: str, what: str) -> Outcome:
    """Judge a flag of the processor, which a hypervisor that runs may hide."""
    hardware = facts.known("hardware")
    if hardware.flag(name):
        return passed(f"the processor has {what}")
    severity = Severity.ERROR if wanted.hyperv else None
    if not hardware.flag("hypervisor_present"):
        return failed(f"the processor has no {what}, or its firmware hides it", severity=severity)
    if not wanted.hyperv:
        return passed("not wanted; a hypervisor runs, which hides the processor's flags")
    if _is_virtual(hardware):
        return passed("a hypervisor beneath this machine hides it; virt.nested judges that")
    return passed(f"the machine's own hypervisor runs, which needs {what}")


def _vt(facts: Facts, wanted: Wanted) -> Outcome:
    return _flag(facts, wanted, "virtualization_enabled", "virtualization (VT-x or AMD-V)")


def _slat(facts: Facts, wanted: Wanted) -> Outcome:
    return _flag(facts, wanted, "second_level_paging", "second level address translation")


def _launch(facts: Facts, wanted: Wanted) -> Outcome:
    if not wanted.hyperv:
        return passed("not wanted")
    launch = facts.known("platform").setting("hypervisor_launch")
    if launch == _AUTO:
        return passed("hypervisorlaunchtype is Auto")
    if launch is None:
        because = ("feat.hyperv",)
        return failed("the boot entry has no hypervisorlaunchtype", because=because)
    return failed(f"hypervisorlaunchtype is {launch}, not Auto")


def _nested(facts: Facts, wanted: Wanted) -> Outcome:
    hardware = facts.known("hardware")
    if not wanted.hyperv:
        return passed("not wanted")
    if not _is_virtual(hardware):
        return passed("the machine is no virtual one")
    memory, processors = hardware.number("memory_bytes"), hardware.number("logical_processors")
    if memory < 4 * _GIB * 0.95 or processors < 2:
        text = f"{memory / _GIB:.1f} GiB and {processors} processors; 4 and 2 are needed"
        return failed(text, because=("sys.mem", "sys.cpu"))
    if hardware.flag("virtualization_enabled"):
        return passed("virtualization is passed through to this virtual machine")
    return unknown("whether virtualization is passed through cannot be told from within")


def _platform(facts: Facts, wanted: Wanted) -> Outcome:
    maker = facts.known("hardware").text("manufacturer")
    model = facts.known("hardware").text("model")
    if "vmware" in maker.lower() and wanted.overlay:
        return failed(f"{maker}: where NSX is in use, it takes UDP port 4789 from VXLAN")
    return passed(f"{maker} {model}")


_REQUIREMENTS = (
    "https://learn.microsoft.com/virtualization/windowscontainers/deploy-containers/"
    "system-requirements"
)
_PROCESSOR = "https://learn.microsoft.com/windows/win32/cimwin32prov/win32-processor"

CHECKS = (
    Check(
        id="virt.present",
        title="A hypervisor runs where it is wanted",
        severity=Severity.INFO,
        proves="The role Hyper-V has started its hypervisor.",
        remedy="Install-WindowsFeature -Name Hyper-V, then reboot; bcdedit /set "
        "hypervisorlaunchtype auto.",
        source="https://learn.microsoft.com/windows/win32/cimwin32prov/win32-computersystem",
        needs=("hardware",),
        run=_present,
    ),
    Check(
        id="virt.vt",
        title="The processor can virtualize",
        severity=Severity.WARNING,
        proves="The hypervisor of Windows can start.",
        remedy="Turn on VT-x or AMD-V in the firmware; for a virtual machine on Hyper-V: "
        "Set-VMProcessor -VMName NAME -ExposeVirtualizationExtensions $true.",
        source=_PROCESSOR,
        needs=("hardware",),
        run=_vt,
    ),
    Check(
        id="virt.slat",
        title="The processor has second level address translation",
        severity=Severity.WARNING,
        proves="The hypervisor of Windows Server 2016 and later can start.",
        remedy="Use a machine with such a processor (EPT or RVI), or process isolation.",
        source=_PROCESSOR,
        needs=("hardware",),
        run=_slat,
    ),
    Check(
        id="virt.launch",
        title="The hypervisor is started with Windows",
        severity=Severity.WARNING,
        proves="After a reboot the hypervisor runs.",
        remedy="bcdedit /set hypervisorlaunchtype auto, then reboot.",
        source="https://learn.microsoft.com/previous-versions/windows/desktop/bcd/"
        "bcdosloaderelementtypes; https://learn.microsoft.com/windows-hardware/drivers/devtest/"
        "bcdedit--set",
        needs=("platform",),
        run=_launch,
    ),
    Check(
        id="virt.nested",
        title="A virtual machine can nest others",
        severity=Severity.ERROR,
        proves="Hyper-V-isolated containers have processors, memory and virtualization.",
        remedy="Give the virtual machine 4 GiB of static memory and 2 processors, and on its host "
        "Set-VMProcessor -VMName NAME -ExposeVirtualizationExtensions $true.",
        source=_REQUIREMENTS,
        needs=("hardware",),
        run=_nested,
    ),
    Check(
        id="virt.platform",
        title="The platform leaves VXLAN its port",
        severity=Severity.WARNING,
        proves="Packets of an overlay network are not taken by the network beneath.",
        remedy="Let NSX use another port than 4789, or a network without VXLAN (cluster.cni.mode: "
        "host-gw); --ignore virt.platform where there is no NSX.",
        source="MicrosoftDocs/Virtualization-Documentation:virtualization/windowscontainers/"
        "kubernetes/common-problems.md@77e0742a; openshift/windows-machine-config-operator:docs/"
        "vsphere-prerequisites.md@0be4b9cc",
        needs=("hardware",),
        run=_platform,
    ),
)
