"""The machine: processors, memory, disk, file system, BitLocker, clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed, unknown
from wincnode.facts import FactMissing, Facts, Section

_GIB = 1 << 30
# Win32_ComputerSystem of a virtual machine of Hyper-V, also on Azure.
_HYPERV_GUEST = ("Microsoft Corporation", "Virtual Machine")
_FIXED = 3  # Win32_LogicalDisk.DriveType
_SKEW_S = 300  # Kerberos' own limit; certificates not yet valid come sooner
_SKEW_WARNING_S = 30
# A servercore image is 2.5 GB compressed and grows to twice that:
# docker-library/repo-info:repos/golang/remote/windowsservercore-ltsc2025.md
_LEAST_FREE_BYTES = 10 * _GIB
# kubernetes.io/docs/concepts/windows/intro asks for 50 GB or more.
_ADVISED_SIZE_BYTES = 50 * 10**9
# imagefs.available of kubernetes/kubernetes:pkg/kubelet/apis/config/v1beta1/defaults_others.go
_EVICTION = 0.15
# What unlocks a system drive without anybody there: the TPM, or a server of Network Unlock.
# Source: learn.microsoft.com/windows/win32/secprov, "GetKeyProtectors method"
_BY_ITSELF = {1, 9}
_PROTECTORS = {
    2: "a startup key",
    4: "a PIN",
    5: "a startup key",
    6: "a PIN and a startup key",
    8: "a passphrase",
}


def _cpu(facts: Facts, _wanted: Wanted) -> Outcome:
    count = facts.known("hardware").number("logical_processors")
    if count < 2:
        return failed(f"{count} logical processor, at least 2 are needed")
    if count < 4:
        return failed(f"{count} logical processors, 4 are advised", severity=Severity.WARNING)
    return passed(f"{count} logical processors")


def _memory(facts: Facts, _wanted: Wanted) -> Outcome:
    size = facts.known("hardware").number("memory_bytes")
    shown = f"{size / _GIB:.1f} GiB of memory"
    # Firmware keeps a few megabytes of the nominal size for itself.
    if size < 4 * _GIB * 0.95:
        return failed(f"{shown}, at least 4 are needed")
    if size < 8 * _GIB * 0.95:
        return failed(f"{shown}, 8 are advised", severity=Severity.WARNING)
    return passed(shown)


def _volume(facts: Facts, wanted: Wanted) -> Section | None:
    """Give the volume of the runtime's data."""
    volumes = facts.known("disks").rows("volumes")
    named = (row for row in volumes if row.text("drive").upper() == wanted.drive.upper())
    return next(named, None)


def _disk(facts: Facts, wanted: Wanted) -> Outcome:
    volume = _volume(facts, wanted)
    if volume is None:
        raise FactMissing(f"there is no volume {wanted.drive}")
    size, free = volume.number("size_bytes"), volume.number("free_bytes")
    shown = f"{wanted.drive} has {free / _GIB:.0f} GiB free of {size / _GIB:.0f}"
    if free < _LEAST_FREE_BYTES:
        return failed(f"{shown}; {_LEAST_FREE_BYTES / _GIB:.0f} are needed for one base image")
    if free < _EVICTION * size:
        text = f"{shown}; below {_EVICTION:.0%} the kubelet deletes images and evicts pods"
        return failed(text, severity=Severity.WARNING)
    if size < _ADVISED_SIZE_BYTES * 0.95:
        return failed(f"{shown}; 50 in all are advised", severity=Severity.WARNING)
    return passed(shown)


def _file_system(facts: Facts, wanted: Wanted) -> Outcome:
    volume = _volume(facts, wanted)
    if volume is None:
        return failed(f"there is no volume {wanted.drive}")
    system, kind = volume.text("file_system"), volume.number("drive_type")
    if system != "NTFS":
        return failed(f"{wanted.drive} is {system or 'not formatted'}")
    if kind != _FIXED:
        return failed(f"{wanted.drive} is a removable drive")
    return passed(f"{wanted.drive} is a fixed NTFS volume")


def _bitlocker(facts: Facts, _wanted: Wanted) -> Outcome:
    value = facts.known("policy").setting("fdv_deny_write")
    if value:
        return failed(f"FDVDenyWriteAccess is {value}")
    return passed("volumes without BitLocker may be written to")


def _boot(facts: Facts, _wanted: Wanted) -> Outcome:
    startup = facts.known("startup")
    if startup.value("bitlocker") is None:
        return passed("the system drive has no BitLocker")
    drive = startup.section("bitlocker")
    if drive.number("protection") != 1:
        return passed("BitLocker does not protect the system drive, or is suspended")
    found = drive.value("protectors")
    if not isinstance(found, list) or not found:
        return unknown("what unlocks the system drive could not be read")
    if _BY_ITSELF & set(found):
        return passed("BitLocker's system drive is unlocked by itself")
    asked = sorted({_PROTECTORS.get(number, f"protector {number}") for number in found})
    return failed(f"BitLocker asks for {' or '.join(asked)} before Windows starts")


def _both(time: Section, skew_s: float) -> str:
    """Show the time of the node and ours, where it tells one."""
    try:
        there = datetime.fromisoformat(time.text("utc"))
        here = there - timedelta(seconds=skew_s)
    except (FactMissing, OverflowError, ValueError):
        return ""
    return f": {there:%Y-%m-%d %H:%M:%S} UTC there, {here:%Y-%m-%d %H:%M:%S} here"


def _host_keeps_time(facts: Facts) -> bool:
    """Tell whether Hyper-V's provider of time has a host: it is on everywhere, also without one."""
    if not facts.known("time").flag("host_provider"):
        return False
    hardware = facts.known("hardware")
    return (hardware.text("manufacturer"), hardware.text("model")) == _HYPERV_GUEST


def _time(facts: Facts, wanted: Wanted) -> Outcome:
    time = facts.known("time")
    source = time.text("source")
    skew = wanted.skew_s
    because = ("svc.time",)
    if skew is not None and abs(skew) > _SKEW_WARNING_S:
        text = (
            f"the clock is {skew:+.0f} s off{_both(time, skew)}; its source is {source or 'none'}"
        )
        milder = None if abs(skew) > _SKEW_S else Severity.WARNING
        return failed(text, because=because, severity=milder)
    if source in ("", "NoSync") and not _host_keeps_time(facts):
        # Tools of other hypervisors keep clocks right, too, and are not seen here.
        milder = None if skew is None else Severity.WARNING
        return failed("the clock follows no time source", severity=milder)
    off = f"; it is {skew:+.0f} s off" if skew is not None else ""
    return passed(f"the clock follows {'the host' if source in ('', 'NoSync') else source}{off}")


CHECKS = (
    Check(
        id="sys.cpu",
        title="Enough processors",
        severity=Severity.ERROR,
        proves="System services and pods do not starve each other.",
        remedy="Give the machine at least 2 processors, better 4.",
        source="https://docs.rke2.io/install/requirements",
        needs=("hardware",),
        run=_cpu,
    ),
    Check(
        id="sys.mem",
        title="Enough memory",
        severity=Severity.ERROR,
        proves="Windows, the kubelet and a few containers fit.",
        remedy="Give the machine at least 4 GiB of memory, better 8.",
        source="https://docs.rke2.io/install/requirements",
        needs=("hardware",),
        run=_memory,
    ),
    Check(
        id="sys.disk",
        title="Enough room on the runtime's drive",
        severity=Severity.ERROR,
        proves="Base images can be unpacked, and the kubelet does not evict pods at once.",
        remedy="Enlarge the volume: Resize-Partition -DriveLetter C -Size (Get-PartitionSupported"
        "Size -DriveLetter C).SizeMax; or free room: DISM /Online /Cleanup-Image "
        "/StartComponentCleanup.",
        source="https://kubernetes.io/docs/concepts/windows/intro/; kubernetes/kubernetes:pkg/"
        "kubelet/apis/config/v1beta1/defaults_others.go",
        needs=("disks",),
        run=_disk,
    ),
    Check(
        id="sys.fs",
        title="The runtime's drive is a fixed NTFS volume",
        severity=Severity.ERROR,
        proves="The layers of images can be stored there.",
        remedy="Put the runtime's data on a fixed NTFS volume.",
        source="containerd/containerd:plugins/snapshots/windows/windows.go@301026e5",
        needs=("disks",),
        run=_file_system,
    ),
    Check(
        id="sys.bitlocker.fdv",
        title="Drives without BitLocker may be written to",
        severity=Severity.ERROR,
        proves="The virtual disk of a container can be mounted for writing.",
        remedy="Turn off the policy 'Deny write access to fixed drives not protected by "
        "BitLocker' for this machine.",
        source="MicrosoftDocs/Virtualization-Documentation:windows-server-container-tools/"
        "Debug-ContainerHost/Debug-ContainerHost.ps1@77e0742a",
        needs=("policy",),
        run=_bitlocker,
    ),
    Check(
        id="sys.bitlocker.boot",
        title="The machine starts without anybody there",
        severity=Severity.WARNING,
        proves="A node that reboots comes back by itself; wincnode reboots none that would not.",
        remedy="Suspend-BitLocker -MountPoint C: -RebootCount 3, before it reboots; or let the TPM "
        "alone unlock it: Add-BitLockerKeyProtector -MountPoint C: -TpmProtector; or be there.",
        source="learn.microsoft.com/windows/win32/secprov/win32-encryptablevolume; "
        "learn.microsoft.com/windows/win32/secprov/getkeyprotectors-win32-encryptablevolume",
        needs=("startup",),
        run=_boot,
    ),
    Check(
        id="sys.time",
        title="The clock is right and kept so",
        severity=Severity.ERROR,
        proves="Certificates and tokens are valid when the node looks at them.",
        remedy="Set a time source: w32tm /config /manualpeerlist:SERVER /syncfromflags:manual "
        "/update, then w32tm /resync.",
        source="https://learn.microsoft.com/windows-server/networking/windows-time-service/"
        "windows-time-service-tools-and-settings",
        needs=("time",),
        uses=("hardware",),
        run=_time,
    ),
)
