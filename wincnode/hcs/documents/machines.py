"""The virtual machines that wincnode makes: one with nothing in it, and utility VMs.

Sizes are those of microsoft/hcsshim where it has them: internal/uvm/create.go@7c9ff7f4.
"""

from __future__ import annotations

import ntpath

from wincnode.hcs.documents.container import (
    HvSocketSystemConfig,
    Layer,
    RegistryChanges,
    RegistryKey,
    RegistryValue,
)
from wincnode.hcs.documents.devices import (
    Attachment,
    Devices,
    HvSocket,
    Plan9,
    Scsi,
    VirtualPMemController,
    VirtualPMemDevice,
    VirtualSmb,
    VirtualSmbShare,
    VirtualSmbShareOptions,
)
from wincnode.hcs.documents.machine import (
    Chipset,
    GuestConnection,
    LinuxKernelDirect,
    MachineMemory,
    MachineProcessor,
    Topology,
    Uefi,
    UefiBootEntry,
    VirtualMachine,
)
from wincnode.hcs.documents.requests import (
    GUEST_SHARES,
    SHARES_PATH,
    CombinedLayers,
    GuestRequest,
    MappedVirtualDisk,
    ModifyRequest,
    scsi_path,
)
from wincnode.hcs.documents.system import SCHEMA, ComputeSystem
from wincnode.hcs.program import OWNER
from wincnode.hcs.references import Ref, Text

# Firmware alone needs little, and a machine of 256 MB leaves a small node its memory.
PROBE_MB = 256
UTILITY_MB = 1024
# From this build on Windows starts a Linux kernel without firmware.
KERNEL_DIRECT_BUILD = 18286
# Administrators and the system may reach the guest.
_SOCKETS = "D:P(A;;FA;;;SY)(A;;FA;;;BA)"
# Any name would do; hcsshim's has the number that the guest sees.
# Source: microsoft/hcsshim:internal/protocol/guestrequest/types.go@7c9ff7f4 (ScsiControllerGuids)
CONTROLLER = "df6d0690-79e5-55b6-a5ec-c1e2f77f580a"
# Source: microsoft/hcsshim:internal/uvm/create_lcow.go@7c9ff7f4
_PMEM_COUNT = 64
_PMEM_BYTES = 4 * 1024**3


def _machine(machine: VirtualMachine) -> ComputeSystem:
    return ComputeSystem(
        owner=OWNER,
        schema_version=SCHEMA,
        should_terminate_on_last_handle_closed=True,
        virtual_machine=machine,
    )


def _topology(*, memory_mb: int, processors: int, hot_hint: bool | None = None) -> Topology:
    memory = MachineMemory(size_in_mb=memory_mb, allow_overcommit=True, enable_hot_hint=hot_hint)
    return Topology(memory=memory, processor=MachineProcessor(count=processors))


def _sockets() -> HvSocket:
    return HvSocket(
        hv_socket_config=HvSocketSystemConfig(default_bind_security_descriptor=_SOCKETS)
    )


def empty_machine() -> ComputeSystem:
    """Describe a machine with firmware and nothing to start: it runs where a hypervisor does.

    Without a GuestConnection it counts as started once it is switched on. The controller without
    disks is there because no shipped program makes a machine without any device.
    Source: learn.microsoft.com/virtualization/api/hcs/schemareference#VirtualMachine,
    learn.microsoft.com/virtualization/api/hcs/schemasample; that 1809 takes it is inferred.
    """
    return _machine(
        VirtualMachine(
            stop_on_reset=True,
            chipset=Chipset(uefi=Uefi()),
            compute_topology=_topology(memory_mb=PROBE_MB, processors=1),
            devices=Devices(scsi={"0": Scsi()}),
        )
    )


def utility_machine(*, files: Text, disk: Text) -> ComputeSystem:
    r"""Describe the machine that hosts Windows containers.

    Args: files: `UtilityVM\Files` of the image. disk: a copy of its SystemTemplate.vhdx.
    Source: microsoft/hcsshim:internal/uvm/create_wcow.go@7c9ff7f4; GuestConnection as @v0.8.6
    """
    share = VirtualSmbShareOptions(
        read_only=True,
        share_read=True,
        cache_io=True,
        take_backup_privilege=True,
        pseudo_oplocks=True,
    )
    compartments = RegistryValue(
        key=RegistryKey(hive="System", name="CurrentControlSet\\Services\\gns"),
        name="EnableCompartmentNamespace",
        type="DWord",
        dword_value=1,
    )
    boot = UefiBootEntry(device_type="VmbFs", device_path="\\EFI\\Microsoft\\Boot\\bootmgfw.efi")
    system = Attachment(type="VirtualDisk", path=disk)
    return _machine(
        VirtualMachine(
            stop_on_reset=True,
            chipset=Chipset(uefi=Uefi(boot_this=boot)),
            registry_changes=RegistryChanges(add_values=(compartments,)),
            compute_topology=_topology(memory_mb=UTILITY_MB, processors=2, hot_hint=True),
            guest_connection=GuestConnection(),
            devices=Devices(
                scsi={CONTROLLER: Scsi(attachments={"0": system})},
                hv_socket=_sockets(),
                virtual_smb=VirtualSmb(
                    direct_file_mapping_in_mb=1024,
                    shares=(VirtualSmbShare(name="os", path=files, options=share),),
                ),
            ),
        )
    )


def add_share(name: str, folder: Text) -> ModifyRequest:
    """Show a folder of the host to the guest, read-only.

    Source: microsoft/hcsshim:internal/uvm/vsmb.go@7c9ff7f4 (DefaultVSMBOptions)
    """
    options = VirtualSmbShareOptions(
        read_only=True,
        share_read=True,
        cache_io=True,
        pseudo_oplocks=True,
        take_backup_privilege=True,
    )
    share = VirtualSmbShare(name=name, path=folder, options=options)
    return ModifyRequest(request_type="Add", resource_path=SHARES_PATH, settings=share)


def add_scratch(disk: Text, *, lun: int, guest_path: str) -> ModifyRequest:
    """Give the guest a disk, and have it shown at a path there.

    Source: microsoft/hcsshim:internal/uvm/scsi/backend.go@7c9ff7f4
    """
    return ModifyRequest(
        request_type="Add",
        resource_path=scsi_path(CONTROLLER, lun),
        settings=Attachment(type="VirtualDisk", path=disk),
        guest_request=GuestRequest(
            resource_type="MappedVirtualDisk",
            request_type="Add",
            settings=MappedVirtualDisk(container_path=guest_path, lun=lun),
        ),
    )


def combine(guest_path: str, layers: tuple[Layer, ...] | Ref) -> ModifyRequest:
    """Have the guest lay layers over each other, on a disk that is shown at a path.

    Source: microsoft/hcsshim:internal/uvm/combine_layers.go@7c9ff7f4
    """
    return ModifyRequest(
        guest_request=GuestRequest(
            resource_type="CombinedLayers",
            request_type="Add",
            settings=CombinedLayers(container_root_path=guest_path, layers=layers),
        )
    )


def guest_layer(layer_id: Text, share: str) -> Layer:
    """Give a shared layer as the guest sees it."""
    return Layer(id=layer_id, path=GUEST_SHARES + share)


def linux_machine(*, kernel: str, rootfs: str, build: int) -> ComputeSystem:
    """Describe the machine that hosts Linux containers.

    Args:
        kernel: a file vmlinux. rootfs: an initrd, or a disk where its name ends with .vhd.
        build: before 18286 the kernel is started by firmware, and lies beside the initrd.
    Source: microsoft/hcsshim:internal/uvm/create_lcow.go@v0.8.6, with its own GuestConnection
    """
    disk = rootfs.lower().endswith(".vhd")
    line = _command_line(disk=disk)
    if build >= KERNEL_DIRECT_BUILD:
        direct = LinuxKernelDirect(
            kernel_file_path=kernel, init_rd_path=None if disk else rootfs, kernel_cmd_line=line
        )
        chipset = Chipset(linux_kernel_direct=direct)
    else:
        initrd = "" if disk else f"initrd=\\{ntpath.basename(rootfs)} "
        boot = UefiBootEntry(
            device_type="VmbFs",
            device_path="\\" + ntpath.basename(kernel),
            vmb_fs_root_path=ntpath.dirname(kernel),
            optional_data=initrd + line,
        )
        chipset = Chipset(uefi=Uefi(boot_this=boot))
    memory = VirtualPMemController(
        maximum_count=_PMEM_COUNT,
        maximum_size_bytes=_PMEM_BYTES,
        devices={"0": VirtualPMemDevice(host_path=rootfs, read_only=True, image_format="Vhd1")},
    )
    return _machine(
        VirtualMachine(
            stop_on_reset=True,
            chipset=chipset,
            compute_topology=_topology(memory_mb=UTILITY_MB, processors=2),
            guest_connection=GuestConnection(use_vsock=True, use_connected_suspend=True),
            devices=Devices(
                scsi={"0": Scsi()},
                plan9=Plan9(),
                hv_socket=_sockets(),
                virtual_p_mem=memory if disk else None,
            ),
        )
    )


def _command_line(*, disk: bool) -> str:
    parts = [
        "root=/dev/pmem0 ro rootwait init=/init" if disk else "",
        "initcall_blacklist=virtio_vsock_init 8250_core.nr_uarts=0",
        "panic=-1 quiet pci=off nr_cpus=2 brd.rd_nr=0 pmtmr=0",
        "-- -e 1 /bin/vsockexec -e 109 /bin/gcs -v4 -log-format json -loglevel info",
    ]
    return " ".join(part for part in parts if part)
