"""What is there against what is wanted: networks that are made, kept, replaced, or another's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Literal

from wincnode.hns import reading as there
from wincnode.hns import steps
from wincnode.hns.networks import Network, overlap
from wincnode.hns.reading import Reading, Value

Action = Literal["create", "keep", "replace", "foreign", "blocked"]
# Fields whose order says nothing.
SETS = frozenset({"prefixes", "gateways", "routes", "vsids", "vlans", "mac_ranges"})
# Windows takes these names without regard to case.
CASELESS = frozenset({"type", "adapter", "dns_suffix"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A field of a network that is not as wanted."""

    field: str
    have: Value
    want: Value


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What becomes of one network.

    Args:
        action: foreign is another's network of the same name that is not as wanted; blocked is
            one that HNS would refuse beside what is there. text: why, for a reader.
    """

    network: Network
    action: Action
    text: str
    differences: tuple[Difference, ...] = ()

    @property
    def moves(self) -> bool:
        """Tell whether an adapter's address moves by it."""
        return self.action in {"create", "replace"} and self.network.external


def plan(wanted: Iterable[Network], now: Reading, *, build: int) -> tuple[Row, ...]:
    """Compare each network that is wanted with what is there; nothing of others is changed."""
    return tuple(_row(network, now, build) for network in wanted)


def _row(network: Network, now: Reading, build: int) -> Row:
    have = next((row for row in now.networks if row.name.lower() == network.name.lower()), None)
    if have is None:
        if clash := next(_clashes(network, now), ""):
            return Row(network=network, action="blocked", text=clash)
        return Row(network=network, action="create", text=f"there is no network {network.name}")
    found = tuple(differences(network, have, build=build))
    whose = "wincnode's" if have.owned else f"{have.owner or 'another program'}'s"
    if not found:
        return Row(network=network, action="keep", text=f"{whose}, as wanted")
    fields = ", ".join(row.field for row in found)
    if have.owned:
        text = f"wincnode's, with another {fields}"
        return Row(network=network, action="replace", text=text, differences=found)
    text = f"{whose}, with another {fields}; wincnode changes its own networks alone"
    return Row(network=network, action="foreign", text=text, differences=found)


def differences(network: Network, have: there.Network, *, build: int) -> Iterator[Difference]:
    """Give the fields that are not as wanted; what is not asked for may be anything.

    Whether every HNS repeats the adapter is not told: one that does not proves nothing.
    """
    want = steps.wanted(network, build=build)
    for field in have.fields:
        if field == "adapter" and not have.fields[field]:
            continue
        if field in want and not _same(field, have.fields[field], want[field]):
            yield Difference(field=field, have=have.fields[field], want=want[field])


def _same(field: str, have: Value, want: Value) -> bool:
    if isinstance(have, list) and isinstance(want, list) and field in SETS:
        return sorted(map(str.lower, have)) == sorted(map(str.lower, want))
    if isinstance(have, str) and isinstance(want, str) and field in CASELESS:
        return have.lower() == want.lower()
    return have == want


def _clashes(network: Network, now: Reading) -> Iterator[str]:
    """Say what HNS would refuse a new network for.

    Source: one internal prefix of NAT a host, learn.microsoft.com/virtualization/
    hyper-v-on-windows/user-guide/setup-nat-network; a VSID belongs to one network of a node, and
    another's prefix would take its packets.
    """
    for row in now.networks:
        if network.type == row.type == "NAT":
            yield f"the network {row.name} is of type NAT, and WinNAT takes one prefix"
        if shared := _shared_vsid(network, row):
            yield f"the network {row.name} has the virtual subnet {shared} already"
        if shared := _shared_prefix(network, row):
            yield f"{shared} of the network {row.name} has addresses of {network.name}"


def _shared_vsid(network: Network, row: there.Network) -> str:
    mine = {str(subnet.vsid) for subnet in network.subnets if subnet.vsid}
    have = row.fields.get("vsids")
    return next((text for text in have if text in mine), "") if isinstance(have, list) else ""


def _shared_prefix(network: Network, row: there.Network) -> str:
    have = row.fields.get("prefixes")
    for text in have if isinstance(have, list) else ():
        try:
            prefix = ip_network(text, strict=False)
        except ValueError:
            continue
        if any(overlap(prefix, ip_network(one.prefix)) for one in network.subnets):
            return text
    return ""
