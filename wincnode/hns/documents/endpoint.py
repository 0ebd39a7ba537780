"""Endpoints, the adapters of containers, and namespaces, which hold them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from wincnode.hns.documents.fields import HCSSHIM, Version, hcn
from wincnode.hns.documents.network import Dns, Route
from wincnode.hns.documents.policies import Policy

# Bits of an endpoint's flags; one of another node is known here for its address alone.
# Source: microsoft/hcsshim:hcn/hcnendpoint.go@7c9ff7f4
REMOTE_ENDPOINT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class IpConfig:
    """An address of an endpoint."""

    ip_address: str | None = hcn("IpAddress", struct="IpConfig")
    prefix_length: int | None = hcn("PrefixLength", struct="IpConfig")


@dataclass(frozen=True, kw_only=True, slots=True)
class HostComputeEndpoint:
    """An endpoint of a network.

    Args: host_compute_network: the network's ID. mac_address: as `0E-2A-0A-F4-01-05`.
    """

    name: str | None = hcn("Name", struct="HostComputeEndpoint")
    owner: str | None = hcn("Owner", struct="HostComputeEndpoint")
    host_compute_network: str | None = hcn("HostComputeNetwork", struct="HostComputeEndpoint")
    policies: tuple[Policy, ...] | None = hcn("Policies", struct="HostComputeEndpoint")
    ip_configurations: tuple[IpConfig, ...] | None = hcn(
        "IpConfigurations", struct="HostComputeEndpoint"
    )
    dns: Dns | None = hcn("Dns", struct="HostComputeEndpoint")
    routes: tuple[Route, ...] | None = hcn("Routes", struct="HostComputeEndpoint")
    mac_address: str | None = hcn("MacAddress", struct="HostComputeEndpoint")
    flags: int | None = hcn("Flags", struct="HostComputeEndpoint")
    schema_version: Version | None = hcn("SchemaVersion", struct="HostComputeEndpoint")


@dataclass(frozen=True, kw_only=True, slots=True)
class HostComputeNamespace:
    """A network namespace, which Windows calls a compartment.

    One for process-isolated containers has no type: HNS chooses, and answers with its ID.
    Source: microsoft/hcsshim:hcn/hcnnamespace.go@7c9ff7f4
    """

    owner: str | None = hcn("Owner", struct="HostComputeNamespace")
    type: Literal["Host", "HostDefault", "Guest", "GuestDefault"] | None = hcn(
        "Type", struct="HostComputeNamespace"
    )
    schema_version: Version | None = hcn("SchemaVersion", struct="HostComputeNamespace")


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointId:
    """The endpoint that enters or leaves a namespace."""

    endpoint_id: str | None = hcn("EndpointId", struct="NamespaceEndpointRequest")


@dataclass(frozen=True, kw_only=True, slots=True)
class Policies:
    """The policies that a network or an endpoint gets or loses."""

    policies: tuple[Policy, ...] | None = hcn("Policies", struct="PolicyNetworkRequest")


@dataclass(frozen=True, kw_only=True, slots=True)
class ModifyRequest:
    """A change of a network, an endpoint or a namespace."""

    resource_type: Literal["Policy", "DNS", "Extension", "Port", "Endpoint", "Container"] | None = (
        hcn("ResourceType", source=f"{HCSSHIM.format('hcnnetwork.go')}#ModifyNetworkSettingRequest")
    )
    request_type: Literal["Add", "Remove", "Update", "Refresh"] | None = hcn(
        "RequestType", struct="ModifySettingRequest"
    )
    settings: Any = hcn("Settings", struct="ModifyNetworkSettingRequest")


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """Which objects are meant, and how much of each is told.

    Args: filter: JSON in a text, such as `{"Name":"cbr0"}`.
    """

    schema_version: Version | None = hcn("SchemaVersion", struct="HostComputeQuery")
    flags: int | None = hcn("Flags", struct="HostComputeQuery")
    filter: str | None = hcn("Filter", struct="HostComputeQuery")
