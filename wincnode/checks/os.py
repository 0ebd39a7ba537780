"""The installed Windows: machine type, product, build, edition, support, drive, waiting reboots."""

from __future__ import annotations

import re

from wincnode.builds import load_builds, supported_builds
from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed, unknown
from wincnode.facts import FactMissing, Facts

_AMD64 = 9  # Win32_Processor.Architecture
_CLIENT, _DOMAIN_CONTROLLER = 1, 2  # Win32_OperatingSystem.ProductType
_HOST_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL = 63  # RFC 1123
_ARCHITECTURES = {0: "x86", 5: "ARM", 9: "AMD64", 12: "ARM64"}


def _arch(facts: Facts, _wanted: Wanted) -> Outcome:
    number = facts.known("hardware").number("architecture")
    name = _ARCHITECTURES.get(number, f"architecture {number}")
    return passed(name) if number == _AMD64 else failed(f"the processor is {name}")


def _product(facts: Facts, wanted: Wanted) -> Outcome:
    kind = facts.known("os").number("product_type")
    if kind == _DOMAIN_CONTROLLER:
        return failed("the machine is a domain controller", severity=Severity.WARNING)
    if kind == _CLIENT and not wanted.lab:
        return failed("this is a Windows client")
    return passed("a Windows client, for the lab" if kind == _CLIENT else "Windows Server")


def _build(facts: Facts, wanted: Wanted) -> Outcome:
    number = facts.known("os").number("build")
    builds = load_builds()
    build = builds.get(number)
    name = f"{build.name}, build {number}" if build else f"build {number}, which is not known here"
    if build and build.supported_node == "yes":
        return passed(name)
    if build and build.channel == "AC":
        return failed(f"{name}: its support has ended", severity=Severity.WARNING)
    if build and build.channel == "client" and wanted.lab:
        return passed(f"{name}, for the lab")
    supported = ", ".join(f"{row.name} ({row.build})" for row in supported_builds(builds))
    return failed(f"{name}; supported are {supported}")


def _edition(facts: Facts, wanted: Wanted) -> Outcome:
    os = facts.known("os")
    edition = f"{os.text('edition')} (SKU {os.number('sku')})"
    if wanted.hyperv and "Standard" in edition:
        return failed(f"{edition} is licensed for two Hyper-V containers")
    return passed(edition)


def _install_type(facts: Facts, _wanted: Wanted) -> Outcome:
    kind = facts.known("os").text("install_type")
    if kind in ("Server", "Server Core"):
        return passed(kind)
    mild = Severity.INFO if kind == "Client" else None
    return failed(f"the installation is {kind or 'of no named type'}", severity=mild)


def _evaluation(facts: Facts, _wanted: Wanted) -> Outcome:
    edition = facts.known("os").text("edition")
    if edition.endswith("Eval"):
        return failed(f"{edition} shuts down by itself once its days are over")
    return passed(f"{edition} is no evaluation copy")


def _lifecycle(facts: Facts, wanted: Wanted) -> Outcome:
    number = facts.known("os").number("build")
    build = load_builds().get(number)
    if build is None or build.extended_end is None:
        return unknown(f"of build {number} no end of support is known")
    if wanted.today is None:
        return unknown("the day is not known")
    if wanted.today > build.extended_end:
        return failed(f"{build.name} has had no updates since {build.extended_end}")
    if build.mainstream_end and wanted.today > build.mainstream_end:
        text = f"{build.name} gets security updates alone, until {build.extended_end}"
        return failed(text, severity=Severity.INFO)
    return passed(f"{build.name} gets updates until {build.extended_end}")


def _system_drive(facts: Facts, _wanted: Wanted) -> Outcome:
    drive = facts.known("os").text("system_drive")
    if drive.upper() == "C:":
        return passed("Windows is on C:")
    return failed(f"Windows is on {drive or 'an unknown drive'}")


def _reboot(facts: Facts, _wanted: Wanted) -> Outcome:
    reasons = facts.known("os").texts("reboot_reasons")
    if not reasons:
        return passed("no reboot is pending")
    # Installers leave file renames behind that hinder nobody.
    mild = Severity.WARNING if set(reasons) == {"file_rename"} else None
    return failed(f"a reboot is pending for {', '.join(reasons)}", severity=mild)


def _powershell(facts: Facts, _wanted: Wanted) -> Outcome:
    os = facts.known("os")
    version = os.text("powershell")
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if not numbers:
        raise FactMissing(f"os.powershell is no version: {version!r}")
    if (int(numbers[1]), int(numbers[2])) < (5, 1):
        return failed(f"PowerShell is {version}")
    if not os.flag("process_64bit"):
        return failed("PowerShell runs as a 32-bit process")
    return passed(f"PowerShell {version}, 64-bit")


def _host_name(facts: Facts, _wanted: Wanted) -> Outcome:
    name = facts.known("os").text("host_name")
    if len(name) <= _LABEL and _HOST_NAME.fullmatch(name.lower()):
        return passed(name)
    return failed(f"{name!r} cannot be the name of a Kubernetes node")


CHECKS = (
    Check(
        id="os.arch",
        title="Processor is AMD64",
        severity=Severity.ERROR,
        proves="Kubernetes and the base images exist for this processor.",
        remedy="Use a machine with an AMD64 processor.",
        source="kubernetes/kubernetes:hack/lib/golang.sh",
        needs=("hardware",),
        run=_arch,
    ),
    Check(
        id="os.product",
        title="Product is Windows Server",
        severity=Severity.ERROR,
        proves="Kubernetes supports this product as a node.",
        remedy="Use Windows Server, and no domain controller.",
        source="https://learn.microsoft.com/windows/win32/cimwin32prov/win32-operatingsystem",
        needs=("os",),
        run=_product,
    ),
    Check(
        id="os.build",
        title="Windows build is supported",
        severity=Severity.ERROR,
        proves="Kubernetes and the pause image support this build.",
        remedy="Install Windows Server 2019, 2022 or 2025.",
        source="wincnode/data/builds.yaml",
        needs=("os",),
        run=_build,
    ),
    Check(
        id="os.edition",
        title="The edition allows the wanted containers",
        severity=Severity.INFO,
        proves="The license covers as many Hyper-V containers as will run.",
        remedy="Use Datacenter for more than two Hyper-V containers: DISM /Online /Set-Edition:"
        "ServerDatacenter /ProductKey:KEY /AcceptEula; or process isolation.",
        source="MicrosoftDocs/Virtualization-Documentation:virtualization/windowscontainers/about/"
        "faq.yml@77e0742a",
        needs=("os",),
        run=_edition,
    ),
    Check(
        id="os.installtype",
        title="Windows is installed as Server or Server Core",
        severity=Severity.ERROR,
        proves="What Kubernetes needs of Windows is part of the installation.",
        remedy="Install Windows Server, with or without the desktop; Nano Server is an image only.",
        source="https://learn.microsoft.com/windows-server/get-started/getting-started-with-nano-server",
        needs=("os",),
        run=_install_type,
    ),
    Check(
        id="os.eval",
        title="Windows is no evaluation copy",
        severity=Severity.WARNING,
        proves="The machine does not shut down by itself.",
        remedy="DISM /Online /Set-Edition:ServerDatacenter /ProductKey:KEY /AcceptEula, then "
        "reboot.",
        source="https://learn.microsoft.com/windows-server/get-started/upgrade-conversion-options",
        needs=("os",),
        run=_evaluation,
    ),
    Check(
        id="os.lifecycle",
        title="Windows is in support",
        severity=Severity.WARNING,
        proves="Security updates of the host and of its base images go on.",
        remedy="Plan the move to a later Windows Server; wincnode compat tells what runs there.",
        source="wincnode/data/builds.yaml",
        needs=("os",),
        run=_lifecycle,
    ),
    Check(
        id="os.systemdrive",
        title="Windows is on C:",
        severity=Severity.ERROR,
        proves="Process-isolated containers find the host's files where they expect them.",
        remedy="Reinstall Windows on drive C:.",
        source="https://learn.microsoft.com/virtualization/windowscontainers/deploy-containers/"
        "system-requirements",
        needs=("os",),
        run=_system_drive,
    ),
    Check(
        id="os.reboot",
        title="No reboot is pending",
        severity=Severity.ERROR,
        proves="Features and updates are in the state that they report.",
        remedy="Restart-Computer on the node, then run wincnode preflight again.",
        source="ansible-collections/ansible.windows:plugins/modules/setup.ps1@a1e2a842",
        needs=("os",),
        run=_reboot,
    ),
    Check(
        id="sys.ps",
        title="PowerShell is 5.1 and 64-bit",
        severity=Severity.ERROR,
        proves="The node's scripts run, and see the 64-bit registry and System32.",
        remedy="Use the 64-bit WinRM endpoint Microsoft.PowerShell of Windows PowerShell 5.1.",
        source="projectcalico/calico:node/windows-packaging/CalicoWindows/libs/calico/calico.psm1",
        needs=("os",),
        run=_powershell,
    ),
    Check(
        id="host.name",
        title="Host name can be a node's name",
        severity=Severity.ERROR,
        proves="The kubelet can register under the machine's name, in lower case.",
        remedy="Rename the computer (letters, digits, hyphens between them) and reboot.",
        source="kubernetes/kubernetes:staging/src/k8s.io/component-helpers/node/util/hostname.go",
        needs=("os",),
        run=_host_name,
    ),
)
