"""Questions and changes, in schema 2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from wincnode.hcs.documents.container import Layer
from wincnode.hcs.documents.fields import wire
from wincnode.hcs.references import Ref

# How a guest of the utility VM sees the shares of its host.
# Source: microsoft/hcsshim:internal/uvm/vsmb.go@7c9ff7f4
GUEST_SHARES = "\\\\?\\VMSMB\\VSMB-{dcc079ae-60ba-4d07-847c-3493609c0870}\\"
SHARES_PATH = "VirtualMachine/Devices/VirtualSmb/Shares"


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceQuery:
    """A question to the service; `property_queries` asks by name with settings."""

    struct: ClassVar[str] = "Service_PropertyQuery"
    property_types: tuple[str, ...] | None = wire("PropertyTypes", "2.1")
    property_queries: Mapping[str, Mapping[str, Any]] | None = wire("PropertyQueries", "2.5")


@dataclass(frozen=True, kw_only=True, slots=True)
class PropertyQuery:
    """A question about one system; an empty one asks for what every system has."""

    struct: ClassVar[str] = "System_PropertyQuery"
    property_types: (
        tuple[
            Literal[
                "Memory",
                "Statistics",
                "ProcessList",
                "TerminateOnLastHandleClosed",
                "SharedMemoryRegion",
                "GuestConnection",
            ],
            ...,
        ]
        | None
    ) = wire("PropertyTypes", "2.1")


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemQuery:
    """Which systems are meant."""

    ids: tuple[str, ...] | None = wire("Ids", "2.1")
    names: tuple[str, ...] | None = wire("Names", "2.1")
    types: tuple[Literal["Container", "VirtualMachine"], ...] | None = wire("Types", "2.1")
    owners: tuple[str, ...] | None = wire("Owners", "2.1")


@dataclass(frozen=True, kw_only=True, slots=True)
class MappedVirtualDisk:
    """Where a guest shows a disk of its machine."""

    container_path: str | None = wire("ContainerPath", "2.1")
    lun: int | None = wire("Lun", "2.1")


@dataclass(frozen=True, kw_only=True, slots=True)
class CombinedLayers:
    """What a guest lays over each other as a container's drive."""

    container_root_path: str | None = wire("ContainerRootPath", "2.0")
    layers: tuple[Layer, ...] | Ref | None = wire("Layers", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class GuestRequest:
    """What the guest does about a change of its machine."""

    struct: ClassVar[str] = "GuestModifySettingRequest"
    resource_type: Literal["MappedVirtualDisk", "CombinedLayers"] | None = wire(
        "ResourceType", "2.1"
    )
    request_type: Literal["Add", "Remove", "Update"] | None = wire("RequestType", "2.1")
    settings: MappedVirtualDisk | CombinedLayers | None = wire("Settings", "2.1")


@dataclass(frozen=True, kw_only=True, slots=True)
class ModifyRequest:
    """A change of a running system.

    Args: resource_path: such as VirtualMachine/Devices/VirtualSmb/Shares.
    """

    struct: ClassVar[str] = "ModifySettingRequest"
    resource_path: str | None = wire("ResourcePath", "2.1")
    request_type: Literal["Add", "Remove", "Update"] | None = wire("RequestType", "2.0")
    settings: Any | None = wire("Settings", "2.0")
    guest_request: GuestRequest | None = wire("GuestRequest", "2.1")


def scsi_path(controller: str, lun: int) -> str:
    """Give the resource of one disk of a machine."""
    return f"VirtualMachine/Devices/Scsi/{controller}/Attachments/{lun}"
