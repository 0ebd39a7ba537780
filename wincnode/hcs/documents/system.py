"""A compute system as a whole, in schema 2 and in schema 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from wincnode.hcs.documents.container import Container
from wincnode.hcs.documents.fields import wire
from wincnode.hcs.documents.machine import VirtualMachine
from wincnode.hcs.references import Layers, Text

_SCHEMA1 = "microsoft/hcsshim:internal/hcs/schema1/schema1.go@7c9ff7f4"


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A version of the schema."""

    major: int | None = wire("Major", "2.0")
    minor: int | None = wire("Minor", "2.0")


# What containers and machines are stamped with on every build.
# Source: microsoft/hcsshim:internal/schemaversion/schemaversion.go@7c9ff7f4 (SchemaV21)
SCHEMA = Version(major=2, minor=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class HostedSystem:
    """A container in a utility VM."""

    schema_version: Version | None = wire("SchemaVersion", "2.0")
    container: Container | None = wire("Container", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class ComputeSystem:
    """One of a container, a virtual machine, and a container hosted by one."""

    owner: str | None = wire("Owner", "2.0")
    schema_version: Version | None = wire("SchemaVersion", "2.0")
    hosting_system_id: Text | None = wire("HostingSystemId", "2.0")
    hosted_system: HostedSystem | None = wire("HostedSystem", "2.0")
    container: Container | None = wire("Container", "2.0")
    virtual_machine: VirtualMachine | None = wire("VirtualMachine", "2.0")
    should_terminate_on_last_handle_closed: bool | None = wire(
        "ShouldTerminateOnLastHandleClosed", "2.0"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class HvRuntime:
    """The folder UtilityVM that a Hyper-V container of schema 1 boots from."""

    image_path: Text | None = wire("ImagePath", "1.0", source=f"{_SCHEMA1}#HvRuntime")


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerV1:
    """A container of schema 1; for a Hyper-V one, Windows makes the utility VM by itself.

    Args:
        volume_path: of the scratch, without a backslash at its end; without the hypervisor alone.
        layer_folder_path: of the scratch.
    """

    struct: ClassVar[str] = "ContainerConfig"
    system_type: Literal["Container"] | None = wire(
        "SystemType", "1.0", source=f"{_SCHEMA1}#ContainerConfig"
    )
    name: str | None = wire("Name", "1.0", source=f"{_SCHEMA1}#ContainerConfig")
    owner: str | None = wire("Owner", "1.0", source=f"{_SCHEMA1}#ContainerConfig")
    volume_path: Text | None = wire("VolumePath", "1.0", source=f"{_SCHEMA1}#ContainerConfig")
    ignore_flushes_during_boot: bool | None = wire(
        "IgnoreFlushesDuringBoot", "1.0", source=f"{_SCHEMA1}#ContainerConfig"
    )
    layer_folder_path: Text | None = wire(
        "LayerFolderPath", "1.0", source=f"{_SCHEMA1}#ContainerConfig"
    )
    layers: Layers | None = wire("Layers", "1.0", source=f"{_SCHEMA1}#Layer")
    processor_count: int | None = wire(
        "ProcessorCount", "1.0", source=f"{_SCHEMA1}#ContainerConfig"
    )
    memory_maximum_in_mb: int | None = wire(
        "MemoryMaximumInMB", "1.0", source=f"{_SCHEMA1}#ContainerConfig"
    )
    host_name: str | None = wire("HostName", "1.0", source=f"{_SCHEMA1}#ContainerConfig")
    hv_partition: bool | None = wire("HvPartition", "1.0", source=f"{_SCHEMA1}#ContainerConfig")
    hv_runtime: HvRuntime | None = wire("HvRuntime", "1.0", source=f"{_SCHEMA1}#ContainerConfig")
    terminate_on_last_handle_closed: bool | None = wire(
        "TerminateOnLastHandleClosed", "1.0", source=f"{_SCHEMA1}#ContainerConfig"
    )
