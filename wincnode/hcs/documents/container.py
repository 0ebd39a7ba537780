"""What a Windows container is made of, in schema 2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from wincnode.hcs.documents.fields import wire
from wincnode.hcs.references import Layers, Ref, Text

Hive = Literal["System", "Software", "Security", "Sam"]
ValueType = Literal[
    "None", "String", "ExpandedString", "MultiString", "Binary", "DWord", "QWord", "CustomType"
]


@dataclass(frozen=True, kw_only=True, slots=True)
class GuestOs:
    """The container's own Windows."""

    host_name: str | None = wire("HostName", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """One read-only layer."""

    id: Text | None = wire("Id", "2.0")
    path: Text | None = wire("Path", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class StorageQoS:
    """Limits of the disk, a second."""

    iops_maximum: int | None = wire("IopsMaximum", "2.0")
    bandwidth_maximum: int | None = wire("BandwidthMaximum", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Storage:
    """The container's drive C.

    Args:
        layers: the top-most parent first, the base last; without the scratch.
        path: the volume of the scratch, with a backslash at its end.
    """

    layers: tuple[Layer, ...] | Layers | Ref | None = wire("Layers", "2.0")
    path: Text | None = wire("Path", "2.0")
    qos: StorageQoS | None = wire("QoS", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class MappedDirectory:
    """A folder of the host in the container."""

    host_path: str | None = wire("HostPath", "2.0")
    container_path: str | None = wire("ContainerPath", "2.0")
    read_only: bool | None = wire("ReadOnly", "2.0")
    support_cloud_files: bool | None = wire("SupportCloudFiles", "2.3")


@dataclass(frozen=True, kw_only=True, slots=True)
class MappedPipe:
    """A pipe of the host in the container."""

    container_pipe_name: str | None = wire("ContainerPipeName", "2.0")
    host_path: str | None = wire("HostPath", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """The container's memory, in MB."""

    struct: ClassVar[str] = "Container_Memory"
    size_in_mb: int | None = wire("SizeInMB", "2.1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Processor:
    """One of: processors, a share of 0 to 10000, a limit in hundredths of a percent."""

    struct: ClassVar[str] = "Container_Processor"
    count: int | None = wire("Count", "2.0")
    weight: int | None = wire("Weight", "2.0")
    maximum: int | None = wire("Maximum", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Networking:
    """Where the container's network comes from; without it there is none.

    Args: namespace: GUID of the HCN namespace that has the endpoints.
    """

    allow_unqualified_dns_query: bool | None = wire("AllowUnqualifiedDnsQuery", "2.0")
    dns_search_list: str | None = wire("DnsSearchList", "2.0")
    network_shared_container_name: str | None = wire("NetworkSharedContainerName", "2.0")
    namespace: str | None = wire("Namespace", "2.0")
    network_adapters: tuple[str, ...] | None = wire("NetworkAdapters", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryKey:
    """A key of a hive."""

    hive: Hive | None = wire("Hive", "2.0")
    name: str | None = wire("Name", "2.0")
    volatile: bool | None = wire("Volatile", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryValue:
    """A value of a key, with one of the values that its type names."""

    key: RegistryKey | None = wire("Key", "2.0")
    name: str | None = wire("Name", "2.0")
    type: ValueType | None = wire("Type", "2.0")
    string_value: str | None = wire("StringValue", "2.0")
    binary_value: str | None = wire("BinaryValue", "2.0")
    dword_value: int | None = wire("DWordValue", "2.0")
    qword_value: int | None = wire("QWordValue", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryChanges:
    """What is written into a guest's registry as it starts."""

    add_values: tuple[RegistryValue, ...] | None = wire("AddValues", "2.0")
    delete_keys: tuple[RegistryKey, ...] | None = wire("DeleteKeys", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class HvSocketServiceConfig:
    """Who may reach one service over a Hyper-V socket."""

    bind_security_descriptor: str | None = wire("BindSecurityDescriptor", "2.0")
    connect_security_descriptor: str | None = wire("ConnectSecurityDescriptor", "2.0")
    allow_wildcard_binds: bool | None = wire("AllowWildcardBinds", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class HvSocketSystemConfig:
    """Who may reach a system over Hyper-V sockets, as SDDL; by GUID where a service differs."""

    default_bind_security_descriptor: str | None = wire("DefaultBindSecurityDescriptor", "2.0")
    default_connect_security_descriptor: str | None = wire(
        "DefaultConnectSecurityDescriptor", "2.0"
    )
    service_table: Mapping[str, HvSocketServiceConfig] | None = wire("ServiceTable", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerHvSocket:
    """Hyper-V sockets of a container."""

    struct: ClassVar[str] = "Container_HvSocket"
    config: HvSocketSystemConfig | None = wire("Config", "2.0")
    enable_power_shell_direct: bool | None = wire("EnablePowerShellDirect", "2.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """A Windows container."""

    guest_os: GuestOs | None = wire("GuestOs", "2.0")
    storage: Storage | None = wire("Storage", "2.0")
    mapped_directories: tuple[MappedDirectory, ...] | None = wire("MappedDirectories", "2.0")
    mapped_pipes: tuple[MappedPipe, ...] | None = wire("MappedPipes", "2.0")
    memory: Memory | None = wire("Memory", "2.0")
    processor: Processor | None = wire("Processor", "2.0")
    networking: Networking | None = wire("Networking", "2.0")
    hv_socket: ContainerHvSocket | None = wire("HvSocket", "2.0")
    registry_changes: RegistryChanges | None = wire("RegistryChanges", "2.0")
