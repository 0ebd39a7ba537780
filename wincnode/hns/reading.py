"""What HNS tells: networks and endpoints as values, from documents that are not trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from wincnode.hns.documents.network import EXTERNAL
from wincnode.hns.features import HnsVersion
from wincnode.hns.networks import ALL, OWNER

Value = str | int | list[str]
# More is no answer of an HNS that works.
MOST = 10_000
DEFAULT_ROUTES = frozenset(ALL.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """A network that is there.

    Args:
        fields: what of it can be wanted, as `fields_of` gives it. address: the node's own on it,
            empty as long as HNS has not settled. owned: wincnode made it, as its owner says, or
            the node's list where HNS names none.
    """

    id: str
    name: str
    owner: str
    fields: Mapping[str, Value]
    address: str = ""
    owned: bool = False
    document: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def type(self) -> str:
        """Give its type."""
        return str(self.fields.get("type", ""))

    @property
    def external(self) -> bool:
        """Tell whether it is made on an adapter."""
        return self.type in EXTERNAL


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """An endpoint that is there, with its network's name where that is known."""

    id: str
    name: str
    network: str
    addresses: tuple[str, ...]
    owner: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """All that one node's HNS told; `error` says why it told nothing."""

    version: HnsVersion | None = None
    networks: tuple[Network, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    namespaces: int = 0
    error: str = ""


def reading(answer: Any) -> Reading:
    """Read an answer; what has another form than HNS gives it is left out."""
    if not isinstance(answer, Mapping):
        return Reading(error="the node told nothing of its networks")
    owned = frozenset(_texts(answer.get("owned")))
    networks = tuple(_network(row, owned) for row in _rows(answer.get("networks")))
    names = {row.id.lower(): row.name for row in networks}
    return Reading(
        version=_version(answer.get("version")),
        networks=networks,
        endpoints=tuple(_endpoint(row, names) for row in _rows(answer.get("endpoints"))),
        namespaces=len(list(_rows(answer.get("namespaces")))),
        error=_text(answer.get("error")),
    )


def fields_of(document: Mapping[str, Any]) -> dict[str, Value]:
    """Give what of a network can be wanted, by the names of the step kind's fields.

    What a document does not say is 0, empty, or an empty list. HNS may leave the type of a NAT
    network out: microsoft/hcsshim:hcn/hcnnetwork.go@7c9ff7f4.
    """
    subnets = [
        subnet for ipam in _rows(document.get("Ipams")) for subnet in _rows(ipam.get("Subnets"))
    ]
    policies = [*_rows(document.get("Policies"))]
    dns = _mapping(document.get("Dns"))
    routes = [route for subnet in subnets for route in _rows(subnet.get("Routes"))]
    return {
        "type": _text(document.get("Type")) or "NAT",
        "adapter": _text(_settings(policies, "NetAdapterName").get("NetworkAdapterName")),
        "prefixes": [_text(row.get("IpAddressPrefix")) for row in subnets],
        "gateways": [
            _text(row.get("NextHop"))
            for row in routes
            if _text(row.get("DestinationPrefix")) in DEFAULT_ROUTES
        ],
        "routes": [
            f"{_text(row.get('DestinationPrefix'))} {_text(row.get('NextHop'))}"
            for row in routes
            if _text(row.get("DestinationPrefix")) not in DEFAULT_ROUTES
        ],
        "vsids": [*_isolations(subnets, "VSID")],
        "vlans": [*_isolations(subnets, "VLAN")],
        "vxlan_port": _number(_settings(policies, "VxlanPort").get("Port")),
        "dns_servers": [*_texts(dns.get("ServerList"))],
        "dns_suffix": _text(dns.get("Domain")),
        "dns_search": [*_texts(dns.get("Search"))],
        "mac_ranges": [
            f"{_text(row.get('StartMacAddress'))} {_text(row.get('EndMacAddress'))}"
            for row in _rows(_mapping(document.get("MacPool")).get("Ranges"))
        ],
    }


def _network(row: Mapping[str, Any], owned: frozenset[str]) -> Network:
    name, owner = _text(row.get("Name")), _text(row.get("Owner"))
    address = _settings([*_rows(row.get("Policies"))], "ProviderAddress").get("ProviderAddress")
    return Network(
        id=_text(row.get("ID")),
        name=name,
        owner=owner,
        fields=MappingProxyType(fields_of(row)),
        address=_text(address),
        owned=owner == OWNER if owner else name in owned,
        document=row,
    )


def _endpoint(row: Mapping[str, Any], names: Mapping[str, str]) -> Endpoint:
    of = _text(row.get("HostComputeNetwork"))
    rows = _rows(row.get("IpConfigurations"))
    return Endpoint(
        id=_text(row.get("ID")),
        name=_text(row.get("Name")),
        network=names.get(of.lower(), of),
        addresses=tuple(_text(one.get("IpAddress")) for one in rows),
        owner=_text(row.get("Owner")),
    )


def _isolations(subnets: list[Mapping[str, Any]], type_: str) -> Iterator[str]:
    for subnet in subnets:
        number = _number(_settings([*_rows(subnet.get("Policies"))], type_).get("IsolationId"))
        if number:
            yield str(number)


def _settings(policies: list[Mapping[str, Any]], type_: str) -> Mapping[str, Any]:
    """Give the settings of the first policy of a type."""
    found = (row for row in policies if _text(row.get("Type")).lower() == type_.lower())
    return _mapping(next(found, {}).get("Settings"))


def _version(value: Any) -> HnsVersion | None:
    row = _mapping(value)
    major, minor = row.get("major"), row.get("minor")
    if type(major) is int and type(minor) is int:
        return HnsVersion(major=major, minor=minor)
    return None


def _rows(value: Any) -> Iterator[Mapping[str, Any]]:
    rows = value if isinstance(value, list) else []
    yield from (row for row in rows[:MOST] if isinstance(row, Mapping))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: Any) -> Iterator[str]:
    rows = value if isinstance(value, list) else []
    yield from (row for row in rows[:MOST] if isinstance(row, str))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return value if type(value) is int else 0
