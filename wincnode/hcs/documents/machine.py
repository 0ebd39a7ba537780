"""What a virtual machine is made of, in schema 2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from wincnode.hcs.documents.container import RegistryChanges
from wincnode.hcs.documents.devices import Devices
from wincnode.hcs.documents.fields import wire
from wincnode.hcs.references import Text

# Its field came between two releases: `osversion.Build() >= 18286`.
_KERNEL_BUILD = 18286
_KERNEL_SOURCE = "microsoft/hcsshim:internal/uvm/create_lcow.go@v0.8.6"


@dataclass(frozen=True, kw_only=True, slots=True)
class UefiBootEntry:
    """What the firmware starts."""

    device_type: Literal["ScsiDrive", "VmbFs", "Network", "File"] | None = wire("DeviceType", "2.1")
    device_path: str | None = wire("DevicePath", "2.1")
    disk_number: int | None = wire("DiskNumber", "2.1")
    optional_data: str | None = wire("OptionalData", "2.1")
    vmb_fs_root_path: str | None = wire("VmbFsRootPath", "2.1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Uefi:
    """The firmware; without anything to start it stays in its menu."""

    boot_this: UefiBootEntry | None = wire("BootThis", "2.0")
    secure_boot_template_id: str | None = wire("SecureBootTemplateId", "2.0")
    apply_secure_boot_template: Literal["Skip", "Apply"] | None = wire(
        "ApplySecureBootTemplate", "2.3"
    )
    stop_on_boot_failure: bool | None = wire("StopOnBootFailure", "2.2")


@dataclass(frozen=True, kw_only=True, slots=True)
class LinuxKernelDirect:
    """A Linux kernel that is started without firmware."""

    kernel_file_path: Text | None = wire(
        "KernelFilePath", "2.2", build=_KERNEL_BUILD, source=_KERNEL_SOURCE
    )
    init_rd_path: Text | None = wire(
        "InitRdPath", "2.2", build=_KERNEL_BUILD, source=_KERNEL_SOURCE
    )
    kernel_cmd_line: str | None = wire(
        "KernelCmdLine", "2.2", build=_KERNEL_BUILD, source=_KERNEL_SOURCE
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Chipset:
    """How the machine starts: by firmware or by a kernel."""

    uefi: Uefi | None = wire("Uefi", "2.0")
    use_utc: bool | None = wire("UseUtc", "2.1")
    linux_kernel_direct: LinuxKernelDirect | None = wire(
        "LinuxKernelDirect", "2.2", build=_KERNEL_BUILD, source=_KERNEL_SOURCE
    )
    enable_hibernation: bool | None = wire("EnableHibernation", "2.5")


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineMemory:
    """Its memory, in MB and even; overcommitted it is backed by the page file."""

    struct: ClassVar[str] = "VirtualMachine_Memory"
    size_in_mb: int | None = wire("SizeInMB", "2.1")
    allow_overcommit: bool | None = wire("AllowOvercommit", "2.1")
    enable_hot_hint: bool | None = wire("EnableHotHint", "2.0")
    enable_cold_hint: bool | None = wire("EnableColdHint", "2.0")
    enable_cold_discard_hint: bool | None = wire("EnableColdDiscardHint", "2.2")
    enable_deferred_commit: bool | None = wire("EnableDeferredCommit", "2.1")


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineProcessor:
    """Its processors."""

    struct: ClassVar[str] = "VirtualMachine_Processor"
    count: int | None = wire("Count", "2.0")
    limit: int | None = wire("Limit", "2.1")
    weight: int | None = wire("Weight", "2.1")
    expose_virtualization_extensions: bool | None = wire("ExposeVirtualizationExtensions", "2.0")
    enable_perfmon_pmu: bool | None = wire("EnablePerfmonPmu", "2.2")
    maximum_frequency_mhz: int | None = wire("MaximumFrequencyMHz", "2.4")


@dataclass(frozen=True, kw_only=True, slots=True)
class Topology:
    """Memory and processors."""

    memory: MachineMemory | None = wire("Memory", "2.0")
    processor: MachineProcessor | None = wire("Processor", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class GuestConnection:
    """The service's own bridge to its counterpart in the guest; a start waits for it."""

    use_vsock: bool | None = wire("UseVsock", "2.1")
    use_connected_suspend: bool | None = wire("UseConnectedSuspend", "2.1")
    use_host_time_zone: bool | None = wire("UseHostTimeZone", "2.4")


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualMachine:
    """A virtual machine."""

    stop_on_reset: bool | None = wire("StopOnReset", "2.0")
    chipset: Chipset | None = wire("Chipset", "2.0")
    compute_topology: Topology | None = wire("ComputeTopology", "2.0")
    devices: Devices | None = wire("Devices", "2.0")
    registry_changes: RegistryChanges | None = wire("RegistryChanges", "2.0")
    guest_connection: GuestConnection | None = wire("GuestConnection", "2.1")
