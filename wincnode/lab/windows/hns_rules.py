"""What the Host Network Service of a simulated machine refuses a document for.

It is stricter than Windows may be: a member that no schema knows is refused, so that a slip shows.
Sources: learn.microsoft.com/virtualization/api/hcn/hns_schema; .../reference/hcnhresult (codes);
microsoft/hcsshim:hcn/hcnpolicy.go, hcnglobals.go, hcnnetwork.go@7c9ff7f4 (policies, versions).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]
Document: TypeAlias = Mapping[str, Any]
Version: TypeAlias = "tuple[int, int]"

ADAPTER_NOT_FOUND = 0x803B0006
INVALID_NETWORK = 0x803B000A
INVALID_TYPE = 0x803B000B
INVALID_POLICY = 0x803B000D
INVALID_POLICY_TYPE = 0x803B000E
NETWORK_EXISTS = 0x803B0010
POLICY_EXISTS = 0x803B0012
POLICY_NOT_FOUND = 0x803B0008
UNSUPPORTED = 0x803B0015
INVALID_JSON = 0x803B001B
INVALID_IP = 0x803B001E
MANAGER_STOPPED = 0x803B0020
IN_A_NAMESPACE = 0x803B002B
HAS_REFERENCES = 0x803B002C
INVALID_PREFIX = 0x803B0030
INVALID_SUBNET = 0x803B0032
NOT_ATTACHED = 0x803B0034
SUBNET_NOT_FOUND = 0x803B0005
# A namespace has no code of its own: `Element not found`.
MISSING: Mapping[str, int] = {
    "network": 0x803B0001,
    "endpoint": 0x803B0002,
    "namespace": 0x80070490,
}
# What HNS says of a second NAT: docker/for-win#598
INVALID_PARAMETER = 0x80070057
# What ends a call that is given up, and one whose service ends meanwhile: [MS-ERREF] 2.2
TOO_LONG = 0x800705B4
CALL_FAILED = 0x800706BE
# The endpoint mapper knows no service that is not there: [MS-ERREF] 2.2
NOT_REGISTERED = 0x800706D9

# Types by the build that has them first; overlay of 17763 came with KB4489899.
TYPES: Mapping[str, int] = {
    **dict.fromkeys(("NAT", "ICS", "Transparent", "L2Bridge", "L2Tunnel", "Overlay"), 17763),
    **dict.fromkeys(("Private", "Internal"), 17763),
    **dict.fromkeys(("Mirrored", "Infiniband"), 19041),
}
WITH_SUBNETS = ("L2Bridge", "L2Tunnel", "Overlay", "Internal")
# Policies of networks, by the version of HNS that has them first.
POLICIES: Mapping[str, Version] = {
    **dict.fromkeys(("SourceMacAddress", "NetAdapterName", "VSwitchExtension"), (9, 0)),
    **dict.fromkeys(("DrMacAddress", "AutomaticDNS", "InterfaceConstraint"), (9, 0)),
    **dict.fromkeys(("ProviderAddress", "LayerConstraint"), (9, 0)),
    **dict.fromkeys(("RemoteSubnetRoute", "HostRoute"), (9, 2)),
    "VxlanPort": (10, 3),
    "SetPolicy": (13, 0),
    "L4Proxy": (9, 5),
    "NetworkACL": (15, 0),
}
SUBNET_POLICIES = ("VLAN", "VSID")
NETWORK = {
    *("ID", "Owner", "Name", "Type", "Policies", "MacPool", "Dns", "Ipams", "Flags"),
    "SchemaVersion",
}
ENDPOINT = {
    *("ID", "Owner", "Name", "HostComputeNetwork", "HostComputeNamespace", "Policies"),
    *("IpConfigurations", "Dns", "Routes", "MacAddress", "Flags", "SchemaVersion"),
}
NAMESPACE = {"ID", "Owner", "NamespaceId", "NamespaceGuid", "Type", "Resources", "SchemaVersion"}
SPACES = ("Host", "HostDefault", "Guest", "GuestDefault")
# A VXLAN network identifier that Windows takes: flannel-io/flannel
# pkg/backend/vxlan/vxlan_windows.go refuses below; RFC 7348 gives 24 bits.
VSIDS = range(4096, 1 << 24)
VLANS = range(4095)
NOT_PERSISTENT, PERSISTENT = 8, 16
# Builds that lose a network whose flags say nothing: moby/moby#38358 (Server 2019).
KEEPS_FROM = 19041


class HnsError(Exception):
    """What a call of the service ends with: an HRESULT."""

    def __init__(self, code: int) -> None:
        super().__init__(f"0x{code:08x}")
        self.code = code


def network(document: Any, *, build: int, version: Version) -> None:
    """Refuse the document of a network that cannot be made.

    Raises: HnsError.
    """
    _known(document, NETWORK)
    kind = document.get("Type", "")
    if not isinstance(document.get("Name"), str) or not document["Name"]:
        raise HnsError(INVALID_NETWORK)
    if kind not in TYPES or build < TYPES[kind]:
        raise HnsError(INVALID_TYPE)
    for policy in document.get("Policies") or []:
        first = POLICIES.get(policy.get("Type", ""))
        if first is None or version < first:
            raise HnsError(INVALID_POLICY_TYPE)
        if not isinstance(policy.get("Settings"), dict):
            raise HnsError(INVALID_POLICY)
    found = list(subnets(document))
    if kind in WITH_SUBNETS and not found:
        raise HnsError(INVALID_NETWORK)
    for subnet in found:
        _subnet(subnet, kind)


def _subnet(subnet: Row, kind: str) -> None:
    prefix = _prefix(subnet.get("IpAddressPrefix", ""))
    routes = subnet.get("Routes") or []
    if any(not _inside(row.get("NextHop", ""), prefix) for row in routes):
        raise HnsError(INVALID_SUBNET)
    # microsoft/hcsshim:hcn/hcnnetwork.go refuses a subnet without a default route before it calls.
    if not any(row.get("DestinationPrefix") in {"0.0.0.0/0", "::/0"} for row in routes):
        raise HnsError(INVALID_SUBNET)
    marks = {}
    for policy in subnet.get("Policies") or []:
        if policy.get("Type") not in SUBNET_POLICIES:
            raise HnsError(INVALID_POLICY_TYPE)
        marks[policy["Type"]] = policy.get("Settings", {}).get("IsolationId")
    if kind == "Overlay" and "VSID" not in marks:
        raise HnsError(INVALID_NETWORK)
    if marks.get("VSID", VSIDS[0]) not in VSIDS or marks.get("VLAN", 0) not in VLANS:
        raise HnsError(INVALID_POLICY)


def endpoint(document: Any, of: Document, others: Iterable[Document]) -> None:
    """Refuse the document of an endpoint on a network, beside others.

    Raises: HnsError.
    """
    _known(document, ENDPOINT)
    taken = {row["IpAddress"] for other in others for row in other["IpConfigurations"]}
    for row in document.get("IpConfigurations") or []:
        address = row.get("IpAddress", "")
        fitting = [
            item for item in subnets(of) if _inside(address, _prefix(item["IpAddressPrefix"]))
        ]
        if not fitting:
            raise HnsError(SUBNET_NOT_FOUND)
        if address in taken | _reserved(fitting[0]):
            raise HnsError(INVALID_IP)


def free_address(of: Document, others: Iterable[Document]) -> list[Row]:
    """Choose the next free address of a network's first subnet; none where it has no subnet."""
    taken = {row["IpAddress"] for other in others for row in other["IpConfigurations"]}
    for subnet in subnets(of):
        prefix = _prefix(subnet["IpAddressPrefix"])
        for host in prefix.hosts():
            if str(host) not in taken | _reserved(subnet):
                return [{"IpAddress": str(host), "PrefixLength": prefix.prefixlen}]
        raise HnsError(INVALID_IP)
    return []


def namespace(document: Any) -> None:
    """Refuse the document of a namespace.

    Raises: HnsError.
    """
    _known(document, NAMESPACE, versions=(0, 2))
    if document.get("Type", "Host") not in SPACES:
        raise HnsError(INVALID_PARAMETER)


def request(kind: str, document: Any) -> str:
    """Read what a request to modify wants: Add, Remove or Update.

    Raises: HnsError.
    """
    if not isinstance(document, dict) or not isinstance(document.get("Settings"), dict):
        raise HnsError(INVALID_JSON)
    wanted = "Endpoint" if kind == "namespace" else "Policy"
    changes = ("Add", "Remove") if kind == "namespace" else ("Add", "Remove", "Update")
    if document.get("ResourceType") != wanted or document.get("RequestType") not in changes:
        raise HnsError(UNSUPPORTED)
    if wanted == "Policy" and not isinstance(document["Settings"].get("Policies"), list):
        raise HnsError(INVALID_JSON)
    return str(document["RequestType"])


def filter_of(query: Document | None) -> Document:
    """Read a query's filter, which is JSON in a text.

    Raises: HnsError.
    """
    if query is None or not query.get("Filter"):
        return {}
    try:
        found = json.loads(query["Filter"])
    except (TypeError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise HnsError(INVALID_JSON)
    return found


def meets(document: Document, wanted: Document) -> bool:
    """Say whether a document has what a filter names; VirtualNetwork is v1's word."""
    names = {"VirtualNetwork": "HostComputeNetwork"}
    return all(
        str(document.get(names.get(name, name), "")).lower() == str(value).lower()
        for name, value in wanted.items()
    )


def subnets(document: Document) -> Iterator[Row]:
    """Give the subnets of a network."""
    for ipam in document.get("Ipams") or []:
        yield from ipam.get("Subnets") or []


def overlaps(made: Document, others: Iterable[Document]) -> bool:
    """Say whether another NAT network has addresses of a new one's.

    Source: learn.microsoft.com/virtualization/windowscontainers/container-networking/advanced
    """
    mine = [_prefix(row["IpAddressPrefix"]) for row in subnets(made)]
    for other in others:
        if other["Type"] != "NAT":
            continue
        theirs = [_prefix(row["IpAddressPrefix"]) for row in subnets(other)]
        if any(a.version == b.version and a.overlaps(b) for a in mine for b in theirs):
            return True
    return False


def adapter(document: Document) -> str:
    """Give the name of the adapter that a network asks for, if it does."""
    for policy in document.get("Policies") or []:
        if policy["Type"] == "NetAdapterName":
            return str(policy["Settings"].get("NetworkAdapterName", ""))
    return ""


def persists(document: Document, build: int) -> bool:
    """Say whether a network outlives a boot."""
    flags = document["Flags"]
    if flags & NOT_PERSISTENT:
        return False
    return bool(flags & PERSISTENT) or build >= KEEPS_FROM


def mac_pool(number: int) -> Row:
    """Give the pool that HNS chooses: it lies in the range of virtual machines, 00-15-5D."""
    start = f"00-15-5D-{number % 256:02X}-"
    return {"Ranges": [{"StartMacAddress": start + "00-00", "EndMacAddress": start + "0F-FF"}]}


def _known(document: Any, members: set[str], versions: tuple[int, ...] = (2,)) -> None:
    if not isinstance(document, dict) or document.keys() - members:
        raise HnsError(INVALID_JSON)
    if document.get("SchemaVersion", {}).get("Major") not in versions:
        raise HnsError(INVALID_JSON)


def _prefix(text: str) -> IPv4Network | IPv6Network:
    if not re.fullmatch(r"[0-9a-fA-F.:]+/\d+", text):
        raise HnsError(INVALID_PREFIX)
    try:
        return ip_network(text)
    except ValueError:
        raise HnsError(INVALID_PREFIX) from None


def _inside(text: str, prefix: IPv4Network | IPv6Network) -> bool:
    try:
        return ip_address(text) in prefix
    except ValueError:
        return False


def _reserved(subnet: Row) -> set[str]:
    prefix = _prefix(subnet["IpAddressPrefix"])
    hops = {row.get("NextHop", "") for row in subnet.get("Routes") or []}
    return hops | {str(prefix.network_address), str(prefix.broadcast_address)}
