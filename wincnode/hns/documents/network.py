"""A network, with its addresses, name servers and hardware addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wincnode.hns.documents.fields import Version, hcn
from wincnode.hns.documents.policies import Policy

Type = Literal["NAT", "Internal", "Private", "L2Bridge", "L2Tunnel", "Overlay", "Transparent"]
TYPES: tuple[Type, ...] = (
    "NAT",
    "Internal",
    "Private",
    "L2Bridge",
    "L2Tunnel",
    "Overlay",
    "Transparent",
)
# Those that are made on an adapter, whose address moves to a virtual one.
# Source: learn.microsoft.com/virtualization/windowscontainers/container-networking/
# network-drivers-topologies
EXTERNAL: frozenset[str] = frozenset({"L2Bridge", "L2Tunnel", "Overlay", "Transparent"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """Where packets of a subnet go; the default route's next hop is the subnet's gateway."""

    next_hop: str | None = hcn("NextHop", struct="Route")
    destination_prefix: str | None = hcn("DestinationPrefix", struct="Route")
    metric: int | None = hcn("Metric", struct="Route")


@dataclass(frozen=True, kw_only=True, slots=True)
class Subnet:
    """Addresses of endpoints.

    Args: flags: 1 leaves the gateway's address to the node, which is its own gateway then.
    """

    ip_address_prefix: str | None = hcn("IpAddressPrefix", struct="Subnet")
    policies: tuple[Policy, ...] | None = hcn("Policies", struct="Subnet")
    routes: tuple[Route, ...] | None = hcn("Routes", struct="Subnet")
    flags: int | None = hcn("Flags", "2.7", struct="Subnet")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ipam:
    """Where endpoints get their addresses from."""

    type: Literal["Static", "Dhcp"] | None = hcn("Type", struct="Ipam")
    subnets: tuple[Subnet, ...] | None = hcn("Subnets", struct="Ipam")


@dataclass(frozen=True, kw_only=True, slots=True)
class Dns:
    """Name servers and suffixes of endpoints."""

    domain: str | None = hcn("Domain", struct="DNS")
    search: tuple[str, ...] | None = hcn("Search", struct="DNS")
    server_list: tuple[str, ...] | None = hcn("ServerList", struct="DNS")


@dataclass(frozen=True, kw_only=True, slots=True)
class MacRange:
    """Hardware addresses from one to the other, as `00-15-5D-52-C0-00`."""

    start_mac_address: str | None = hcn("StartMacAddress", struct="MacRange")
    end_mac_address: str | None = hcn("EndMacAddress", struct="MacRange")


@dataclass(frozen=True, kw_only=True, slots=True)
class MacPool:
    """Hardware addresses of endpoints."""

    ranges: tuple[MacRange, ...] | None = hcn("Ranges", struct="MacPool")


@dataclass(frozen=True, kw_only=True, slots=True)
class HostComputeNetwork:
    """A network; HNS gives it its ID."""

    name: str | None = hcn("Name", struct="HostComputeNetwork")
    owner: str | None = hcn("Owner", struct="HostComputeNetwork")
    type: Type | None = hcn("Type", struct="HostComputeNetwork")
    policies: tuple[Policy, ...] | None = hcn("Policies", struct="HostComputeNetwork")
    mac_pool: MacPool | None = hcn("MacPool", struct="HostComputeNetwork")
    dns: Dns | None = hcn("Dns", struct="HostComputeNetwork")
    ipams: tuple[Ipam, ...] | None = hcn("Ipams", struct="HostComputeNetwork")
    # Numbers on the wire: microsoft/hcsshim:hcn/hcnnetwork.go@7c9ff7f4
    flags: int | None = hcn("Flags", struct="HostComputeNetwork")
    schema_version: Version | None = hcn("SchemaVersion", struct="HostComputeNetwork")
