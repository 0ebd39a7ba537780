"""Networks of the Host Network Service that nodes are to have, as the inventory names them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wincnode.hns.documents.network import TYPES
from wincnode.hns.networks import FIRST_VSID, LAST_VLAN, LAST_VSID, MAC_RANGE, Mistake, Network, Way
from wincnode.hns.networks import Subnet as HnsSubnet
from wincnode.hns.networks import mistakes as mistakes_of
from wincnode.inventory.fields import entry

_ADDRESS = r"([0-9]{1,3}(\.[0-9]{1,3}){3}|(?=.{2,45}$)[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)"
_PREFIX = rf"{_ADDRESS}/[0-9]{{1,3}}"
# The name of an adapter: NUL to US and lone surrogates cannot stand in YAML as such.
ADAPTER = r"^[^\x00-\x1f\x7f\ud800-\udfff]{1,256}$"
ADAPTER_FORM = "at most 256 printable characters"
# Of these are the names that CNIs give: cbr0, flannel.4096, External, Calico, nat.
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
# An adapter that is bound to a new switch is away for some seconds at least.
SHORTEST_S, LONGEST_S = 15, 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Subnet:
    """Addresses of a network's endpoints."""

    prefix: str = entry(
        "text",
        "Addresses, such as `10.244.0.0/24`.",
        default="",
        pattern=f"^{_PREFIX}$",
        form="a network such as 10.244.0.0/24",
    )
    gateway: str = entry(
        "text",
        "Next hop of the default route, an address of the prefix.",
        default="",
        pattern=f"^{_ADDRESS}$",
        form="an address such as 10.244.0.1",
    )
    vsid: int | None = entry(
        "number",
        "Overlay: the virtual subnet, which others call VNI.",
        minimum=FIRST_VSID,
        maximum=LAST_VSID,
    )
    vlan: int | None = entry(
        "number",
        "L2Bridge and Transparent: the VLAN of its frames.",
        minimum=1,
        maximum=LAST_VLAN,
    )
    routes: tuple[str, ...] = entry(
        "texts",
        "Further routes, such as `10.8.0.0/16 10.244.0.9`: a network and its next hop.",
        default=(),
        pattern=f"^{_PREFIX} {_ADDRESS}$",
        form="a network and an address with a space between",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class HnsNetwork:
    """A network that each node is to have, beside that of the cluster."""

    name: str = entry(
        "text",
        "Name of the network.",
        default="",
        pattern=NAME,
        form="at most 63 letters, digits, `.`, `_` and `-`",
    )
    type: str = entry(
        "text",
        "How it carries packets; all from `L2Bridge` on are made on an adapter.",
        default="",
        allowed=TYPES,
    )
    adapter: str | None = entry(
        "text",
        "Adapter that it is made on; that of the node by default.",
        pattern=ADAPTER,
        form=ADAPTER_FORM,
    )
    subnets: tuple[Subnet, ...] = entry(
        "subnets", "Addresses of its endpoints, each an own row.", default=()
    )
    dns_servers: tuple[str, ...] = entry(
        "texts",
        "Name servers of its endpoints.",
        default=(),
        pattern=f"^{_ADDRESS}$",
        form="an address such as 10.96.0.10",
    )
    dns_suffix: str | None = entry(
        "text",
        "DNS suffix of its endpoints.",
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$",
        form="a DNS name such as cluster.local",
    )
    dns_search: tuple[str, ...] = entry(
        "texts",
        "DNS suffixes that are tried in turn.",
        default=(),
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$",
        form="a DNS name such as svc.cluster.local",
    )
    mac_ranges: tuple[str, ...] = entry(
        "texts",
        "Hardware addresses of its endpoints, such as `00-15-5D-52-C0-00 00-15-5D-52-CF-FF`.",
        default=(),
        pattern=f"^{MAC_RANGE}$",
        form="two hardware addresses such as 00-15-5D-52-C0-00 with a space between",
    )
    vxlan_port: int | None = entry(
        "number",
        "Overlay: its UDP port where it is not 4789.",
        minimum=1,
        maximum=65535,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeNetwork:
    """What HNS makes on the nodes before pods do: docs/network.md explains it."""

    adapter: str | None = entry(
        "text",
        "Adapter that carries the pods; chosen by the default route if none.",
        pattern=ADAPTER,
        form=ADAPTER_FORM,
    )
    external: bool = entry(
        "flag",
        "Make the external network that the cluster's CNI expects before a node joins, inside the "
        "guard.",
        default=True,
    )
    confirm_within_s: int = entry(
        "number",
        "Seconds in which wincnode must have come back to a node whose adapter moved, before the "
        "node puts everything back.",
        default=120,
        minimum=SHORTEST_S,
        maximum=LONGEST_S,
    )
    networks: tuple[HnsNetwork, ...] = entry(
        "networks", "Further networks of the nodes, each an own row.", default=()
    )


def network_of(row: HnsNetwork) -> Network:
    """Give the network that a row asks for."""
    return Network(
        name=row.name,
        type=next((one for one in TYPES if one == row.type), "NAT"),
        adapter=row.adapter or "",
        subnets=tuple(_subnet(subnet) for subnet in row.subnets),
        dns_servers=row.dns_servers,
        dns_suffix=row.dns_suffix or "",
        dns_search=row.dns_search,
        mac_ranges=row.mac_ranges,
        vxlan_port=row.vxlan_port or 0,
    )


def _subnet(row: Subnet) -> HnsSubnet:
    pairs = [text.split(" ") for text in row.routes]
    routes = tuple(Way(prefix=prefix, next_hop=hop) for prefix, hop in pairs)
    return HnsSubnet(
        prefix=row.prefix,
        gateway=row.gateway,
        vsid=row.vsid or 0,
        vlan=row.vlan or 0,
        routes=routes,
    )


def network_problems(row: HnsNetwork) -> Iterator[Mistake]:
    """Say which fields are missing or do not go together."""
    missing = [name for name in ("name", "type") if not getattr(row, name)]
    yield from ((name, "missing") for name in missing)
    if not missing:
        yield from mistakes_of(network_of(row))
