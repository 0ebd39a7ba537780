"""The devices of a virtual machine, in schema 2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from wincnode.hcs.documents.container import HvSocketSystemConfig
from wincnode.hcs.documents.fields import wire
from wincnode.hcs.references import Text


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """One disk of a controller."""

    type: Literal["VirtualDisk", "Iso", "PassThru"] | None = wire("Type", "2.0")
    path: Text | None = wire("Path", "2.0")
    caching_mode: Literal["Uncached", "Cached", "ReadOnlyCached"] | None = wire(
        "CachingMode", "2.1"
    )
    read_only: bool | None = wire("ReadOnly", "2.0")
    support_compressed_volumes: bool | None = wire("SupportCompressedVolumes", "2.3")
    always_allow_sparse_files: bool | None = wire("AlwaysAllowSparseFiles", "2.6")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scsi:
    """A controller; its disks have numbers."""

    attachments: Mapping[str, Attachment] | None = wire("Attachments", "2.0")
    disable_interrupt_batching: bool | None = wire("DisableInterruptBatching", "2.4")


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualSmbShareOptions:
    """How a share of the host is opened."""

    read_only: bool | None = wire("ReadOnly", "2.1")
    share_read: bool | None = wire("ShareRead", "2.1")
    cache_io: bool | None = wire("CacheIo", "2.1")
    take_backup_privilege: bool | None = wire("TakeBackupPrivilege", "2.1")
    no_directmap: bool | None = wire("NoDirectmap", "2.1")
    pseudo_oplocks: bool | None = wire("PseudoOplocks", "2.1")
    support_cloud_files: bool | None = wire("SupportCloudFiles", "2.3")


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualSmbShare:
    """A folder of the host in a Windows guest."""

    name: str | None = wire("Name", "2.0")
    path: Text | None = wire("Path", "2.0")
    options: VirtualSmbShareOptions | None = wire("Options", "2.1")


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualSmb:
    """Folders of the host in a Windows guest."""

    shares: tuple[VirtualSmbShare, ...] | None = wire("Shares", "2.1")
    direct_file_mapping_in_mb: int | None = wire("DirectFileMappingInMB", "2.1")


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualPMemDevice:
    """A file of the host as memory of a Linux guest."""

    host_path: Text | None = wire("HostPath", "2.0")
    read_only: bool | None = wire("ReadOnly", "2.0")
    image_format: Literal["Vhdx", "Vhd1"] | None = wire("ImageFormat", "2.0")
    size_bytes: int | None = wire("SizeBytes", "2.2")


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualPMemController:
    """Such files by their numbers."""

    devices: Mapping[str, VirtualPMemDevice] | None = wire("Devices", "2.0")
    maximum_count: int | None = wire("MaximumCount", "2.0")
    maximum_size_bytes: int | None = wire("MaximumSizeBytes", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan9:
    """Folders of the host in a Linux guest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HvSocket:
    """Hyper-V sockets of a virtual machine."""

    struct: ClassVar[str] = "VirtualMachine_HvSocket"
    hv_socket_config: HvSocketSystemConfig | None = wire("HvSocketConfig", "2.1")


@dataclass(frozen=True, kw_only=True, slots=True)
class ComPort:
    """A serial port, as a pipe of the host."""

    named_pipe: str | None = wire("NamedPipe", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Devices:
    """All devices; names of controllers are free."""

    com_ports: Mapping[str, ComPort] | None = wire("ComPorts", "2.1")
    scsi: Mapping[str, Scsi] | None = wire("Scsi", "2.0")
    virtual_p_mem: VirtualPMemController | None = wire("VirtualPMem", "2.0")
    hv_socket: HvSocket | None = wire("HvSocket", "2.1")
    virtual_smb: VirtualSmb | None = wire("VirtualSmb", "2.0")
    plan9: Plan9 | None = wire("Plan9", "2.0")
