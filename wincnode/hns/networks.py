"""What a network is to be, the mistakes that HNS would refuse it for, and its document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from types import MappingProxyType

from wincnode.hns.documents.fields import STAMP
from wincnode.hns.documents.network import (
    EXTERNAL,
    Dns,
    HostComputeNetwork,
    Ipam,
    MacPool,
    MacRange,
    Route,
    Type,
)
from wincnode.hns.documents.network import Subnet as SubnetDocument
from wincnode.hns.documents.policies import (
    NetAdapterName,
    Policy,
    Vlan,
    Vsid,
    VxlanPort,
    policy,
)

OWNER = "wincnode"
# At least 4096, at most 24 bits: flannel-io/flannel:pkg/backend/vxlan/vxlan_windows.go@cdf76059;
# RFC 7348, section 5
FIRST_VSID, LAST_VSID = 4096, 2**24 - 1
# IEEE 802.1Q: 0 is no VLAN and 4095 is reserved.
LAST_VLAN = 4094
VXLAN_PORT = 4789
# Bit of a network's flags: #NetworkFlags of the schema, in its order; the numbers of those around
# it are in microsoft/hcsshim:hcn/hcnnetwork.go@7c9ff7f4.
ENABLE_PERSISTENT = 16
_MAC = "[0-9A-F]{2}(-[0-9A-F]{2}){5}"
MAC_RANGE = f"{_MAC} {_MAC}"
ALL: Mapping[int, str] = MappingProxyType({4: "0.0.0.0/0", 6: "::/0"})
Mistake = tuple[str, str]  # field, what is wrong with it


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """A route of a subnet beside that to its gateway."""

    prefix: str
    next_hop: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Subnet:
    """Addresses of a network's endpoints.

    Args: vsid: of an overlay; others call it VNI. vlan: tag of its frames; 0 is none.
    """

    prefix: str
    gateway: str = ""
    vsid: int = 0
    vlan: int = 0
    routes: tuple[Way, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """A network that is wanted.

    Args:
        adapter: what an external network is made on; empty where it is still to be chosen.
        mac_ranges: first and last hardware address of endpoints, with a space between.
        vxlan_port: of an overlay; 0 is Windows' own, 4789.
    """

    name: str
    type: Type
    adapter: str = ""
    subnets: tuple[Subnet, ...] = ()
    dns_servers: tuple[str, ...] = ()
    dns_suffix: str = ""
    dns_search: tuple[str, ...] = ()
    mac_ranges: tuple[str, ...] = ()
    vxlan_port: int = 0

    @property
    def external(self) -> bool:
        """Tell whether it is made on an adapter, whose address moves."""
        return self.type in EXTERNAL

    def on(self, adapter: str) -> Network:
        """Give the network on an adapter, where it takes one."""
        return replace(self, adapter=adapter) if self.external else self


def mistakes(network: Network) -> Iterator[Mistake]:
    """Say what HNS would refuse, or take for something else.

    Source: the rules of types are those of learn.microsoft.com/virtualization/windowscontainers/
    container-networking/network-drivers-topologies; routes are held to microsoft/hcsshim:
    hcn/hcnnetwork.go@7c9ff7f4, which refuses the same before it calls HNS.
    """
    if network.adapter and not network.external:
        yield "adapter", f"{network.type} is made on no adapter"
    if network.vxlan_port and network.type != "Overlay":
        yield "vxlan_port", f"{network.type} carries no VXLAN"
    if network.type == "Private" and network.subnets:
        yield "subnets", "Private connects containers by their hardware addresses alone"
    if network.type in {"L2Bridge", "L2Tunnel", "Overlay", "Internal"} and not network.subnets:
        yield "subnets", f"missing; {network.type} takes at least one"
    if network.type == "NAT" and len(network.subnets) > 1:
        # learn.microsoft.com/virtualization/hyper-v-on-windows/user-guide/setup-nat-network
        yield "subnets", "has several; WinNAT takes one prefix"
    for number, subnet in enumerate(network.subnets):
        for field, problem in _subnet_mistakes(network.type, subnet):
            yield f"subnets[{number}].{field}", problem
    yield from _shared(network)
    yield from _names_and_addresses(network)


def _subnet_mistakes(type_: Type, subnet: Subnet) -> Iterator[Mistake]:
    prefix = _prefix(subnet.prefix)
    if prefix is None:
        yield "prefix", f"is {subnet.prefix!r:.80}; it takes a network such as 10.244.0.0/24"
        return
    if not subnet.gateway:
        yield "gateway", "missing; HNS takes a default route for each subnet"
    elif not _inside(subnet.gateway, prefix):
        yield "gateway", f"{subnet.gateway} is no address of {subnet.prefix}"
    for way in subnet.routes:
        target = _prefix(way.prefix)
        if target is None or target.version != prefix.version:
            yield "routes", f"{way.prefix!r:.80} is no network of the subnet's family"
        elif not _inside(way.next_hop, prefix):
            yield "routes", f"the next hop {way.next_hop} is no address of {subnet.prefix}"
    yield from _isolation(type_, subnet)


def _isolation(type_: Type, subnet: Subnet) -> Iterator[Mistake]:
    if type_ == "Overlay" and not FIRST_VSID <= subnet.vsid <= LAST_VSID:
        what = f"is {subnet.vsid}" if subnet.vsid else "missing"
        yield "vsid", f"{what}; Overlay takes a number from {FIRST_VSID} to {LAST_VSID}"
    if type_ != "Overlay" and subnet.vsid:
        yield "vsid", f"{type_} has no virtual subnets"
    if subnet.vlan and type_ not in {"Transparent", "L2Bridge"}:
        yield "vlan", f"{type_} tags no frames"
    elif not 0 <= subnet.vlan <= LAST_VLAN:
        yield "vlan", f"is {subnet.vlan}; it takes a number up to {LAST_VLAN}"


def _shared(network: Network) -> Iterator[Mistake]:
    """Refuse what two subnets of one network cannot both have."""
    seen: list[IPv4Network | IPv6Network] = []
    for number, subnet in enumerate(network.subnets):
        prefix = _prefix(subnet.prefix)
        if prefix is None:
            continue
        if other := next((one for one in seen if overlap(one, prefix)), None):
            yield f"subnets[{number}].prefix", f"{prefix} overlaps {other}"
        seen.append(prefix)


def _names_and_addresses(network: Network) -> Iterator[Mistake]:
    for text in network.dns_servers:
        if not _is_address(text):
            yield "dns_servers", f"{text!r:.80} is no address"
    for text in network.mac_ranges:
        first, _, last = text.partition(" ")
        if not re.fullmatch(MAC_RANGE, text) or first > last:
            yield (
                "mac_ranges",
                f"{text!r:.80} is no range such as 00-15-5D-52-C0-00 00-15-5D-52-CF-FF",
            )


def overlap(one: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    """Tell whether two networks of one family have addresses in common."""
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return one.overlaps(other)
    if isinstance(one, IPv6Network) and isinstance(other, IPv6Network):
        return one.overlaps(other)
    return False


def _prefix(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text) if "/" in text else None
    except ValueError:
        return None


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False


def _inside(text: str, prefix: IPv4Network | IPv6Network) -> bool:
    return _is_address(text) and ip_address(text) in prefix


def document(network: Network) -> HostComputeNetwork:
    """Give the document of a network that has no mistakes; HNS chooses its ID.

    Source: the form is that of flannel (pkg/backend/vxlan/device_windows.go@cdf76059) and of the
    plugins of containerd (microsoft/windows-container-networking:network). With the flag 16 in
    place of flannel's 8: what has neither is lost at a reboot of Server 2019 (moby/moby#38358).
    """
    return HostComputeNetwork(
        name=network.name,
        owner=OWNER,
        type=network.type,
        policies=tuple(_policies(network)) or None,
        mac_pool=_mac_pool(network),
        dns=_dns(network),
        ipams=_ipams(network),
        flags=ENABLE_PERSISTENT,
        schema_version=STAMP,
    )


def _policies(network: Network) -> Iterator[Policy]:
    if network.adapter:
        yield policy(NetAdapterName(network_adapter_name=network.adapter))
    if network.vxlan_port not in {0, VXLAN_PORT}:
        yield policy(VxlanPort(port=network.vxlan_port))


def _mac_pool(network: Network) -> MacPool | None:
    pairs = [text.split(" ") for text in network.mac_ranges]
    ranges = tuple(MacRange(start_mac_address=a, end_mac_address=b) for a, b in pairs)
    return MacPool(ranges=ranges) if ranges else None


def _dns(network: Network) -> Dns | None:
    if not (network.dns_servers or network.dns_suffix or network.dns_search):
        return None
    return Dns(
        domain=network.dns_suffix or None,
        search=network.dns_search or None,
        server_list=network.dns_servers or None,
    )


def _ipams(network: Network) -> tuple[Ipam, ...] | None:
    if network.subnets:
        rows = tuple(_subnet(subnet) for subnet in network.subnets)
        return (Ipam(type="Static", subnets=rows),)
    # Containers of a transparent network without subnets ask the DHCP server of the outside.
    return (Ipam(type="Dhcp"),) if network.type == "Transparent" else None


def _subnet(subnet: Subnet) -> SubnetDocument:
    version = ip_network(subnet.prefix).version
    routes = [Route(next_hop=subnet.gateway, destination_prefix=ALL[version])]
    routes += [Route(next_hop=way.next_hop, destination_prefix=way.prefix) for way in subnet.routes]
    isolation = [Vsid(isolation_id=subnet.vsid)] if subnet.vsid else []
    tags = [Vlan(isolation_id=subnet.vlan)] if subnet.vlan else []
    policies = tuple(policy(row) for row in (*isolation, *tags))
    return SubnetDocument(
        ip_address_prefix=subnet.prefix, policies=policies or None, routes=tuple(routes)
    )
