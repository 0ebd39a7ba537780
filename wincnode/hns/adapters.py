"""Which adapter of a node an external network is made on, and why that one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

# What Windows calls the host's own port of a virtual switch on the adapter X.
# Source: microsoft/SDN:Kubernetes/windows/helper.psm1@242fb0c3
_VIRTUAL = re.compile(r"vEthernet \((?P<adapter>.+)\)")
# Interfaces of a team by LBFO, whatever the team is called.
# Source: https://learn.microsoft.com/windows-server/networking/technologies/nic-teaming
_TEAM = re.compile(r"Microsoft Network Adapter Multiplexor Driver", re.IGNORECASE)
# From this build on no virtual switch is made on such a team.
# Source: the README of microsoft/Convert-LBFO2SET
NO_TEAM_SWITCHES = 20348


@dataclass(frozen=True, kw_only=True, slots=True)
class Adapter:
    """An adapter as the node tells of it.

    Args:
        physical: Windows takes it for hardware, as it does a virtual machine's own adapters.
        metric: of its default route; None where it has none.
    """

    name: str
    description: str = ""
    physical: bool = True
    up: bool = True
    addresses: tuple[str, ...] = ()
    metric: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Switch:
    """An external virtual switch on an adapter of that description.

    HNS gives a switch the name of its network.
    """

    name: str
    adapter: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """What the choice depends on.

    Args:
        networks: names of HNS's networks; None where they are not known.
        asked: name of an adapter that somebody asks for. address: the node's own, if it is known.
    """

    adapters: tuple[Adapter, ...]
    switches: tuple[Switch, ...] = ()
    networks: frozenset[str] | None = frozenset()
    build: int = 0
    asked: str = ""
    address: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The adapter, or none, with what speaks for it.

    Args:
        adapter: name of the physical one; empty where none fits.
        because: why it is this one, or why it is none. bound: its virtual one, where a switch of
            HNS is made on it already. others: names of those that it is not, each with its reason.
    """

    adapter: str
    because: str
    bound: str = ""
    others: tuple[tuple[str, str], ...] = ()

    def lines(self) -> Iterator[str]:
        """Say it, a line for each adapter."""
        yield f"adapter {self.adapter}: {self.because}" if self.adapter else self.because
        yield from (f"not {name}: {why}" for name, why in self.others)


def choose(node: Node) -> Choice:
    """Choose the adapter: the one asked for, else that of the node's address, else of its route."""
    if node.asked:
        return _asked(node)
    refused = {row.name: _unfit(row, node) for row in node.adapters}
    fit = [row for row in node.adapters if not refused[row.name]]
    why = {name: text for name, text in refused.items() if text}
    if node.address:
        by_address = [row for row in fit if _has(row, node.address)]
        if by_address:
            return _chosen(by_address[0], f"it has the node's address {node.address}", node, why)
    routed = [row for row in fit if row.metric is not None]
    why |= {row.name: "it has no default route" for row in fit if row.metric is None}
    if not routed:
        return Choice(adapter="", because=_none(node), others=tuple(why.items()))
    if len(routed) == 1:
        return _chosen(routed[0], "it alone has a usable default route", node, why)
    return _of_several(routed, node, why)


def _of_several(routed: list[Adapter], node: Node, why: dict[str, str]) -> Choice:
    """Choose by the metrics of routes, where these differ."""
    lowest = min(row.metric or 0 for row in routed)
    best = [row for row in routed if (row.metric or 0) == lowest]
    why |= {
        row.name: f"its default route has the metric {row.metric}, not {lowest}"
        for row in routed
        if row not in best
    }
    if len(best) == 1:
        text = f"its default route has the lowest metric, {lowest}"
        return _chosen(best[0], text, node, why)
    names = ", ".join(row.name for row in best)
    because = (
        f"several adapters have a default route of the metric {lowest}: {names}; name one in the"
        " inventory (network.adapter, or adapter of the node), or give the node's node_ip"
    )
    return Choice(adapter="", because=because, others=tuple(why.items()))


def _asked(node: Node) -> Choice:
    wanted = (_physical_name(node.asked, node.adapters) or node.asked).lower()
    row = next((row for row in node.adapters if row.name.lower() == wanted), None)
    if row is None:
        names = ", ".join(row.name for row in node.adapters) or "none"
        because = f"there is no adapter {node.asked!r:.80}; the node has {names}"
        return Choice(adapter="", because=because)
    bound = _virtual_of(row, node.adapters)
    if text := _unusable(row, node, bound is not None):
        return Choice(adapter="", because=f"{row.name} was asked for, but {text}")
    return Choice(adapter=row.name, because="it was asked for", bound=bound.name if bound else "")


def _unfit(row: Adapter, node: Node) -> str:
    """Say why an adapter cannot carry a network; empty where it can, itself or by its port."""
    if _physical_name(row.name, node.adapters):
        return _no_address(row)
    if not row.physical and not _TEAM.search(row.description):
        return "it is virtual"
    if (bound := _virtual_of(row, node.adapters)) is not None:
        return f"{bound.name} is its port"
    return _unusable(row, node, bound=False) or _no_address(row)


def _no_address(row: Adapter) -> str:
    if not row.up:
        return "it is down"
    good = [text for text in row.addresses if not ip_address(text).is_link_local]
    return "" if good else "it has no address"


def _unusable(row: Adapter, node: Node, bound: bool) -> str:
    """Say why no switch can be made on an adapter, or is to be."""
    if not row.up:
        return "it is down"
    if _TEAM.search(row.description) and node.build >= NO_TEAM_SWITCHES:
        return (
            f"it is a team by LBFO, on which build {node.build} makes no switch; use Switch"
            " Embedded Teaming"
        )
    if bound and node.networks is None:
        return ""
    held = next((one for one in node.switches if one.adapter == row.description), None)
    if held is None or held.name in (node.networks or ()):
        return ""
    return f"the switch {held.name}, which is none of HNS's, holds it"


def _chosen(row: Adapter, because: str, node: Node, why: dict[str, str]) -> Choice:
    """Give the choice, the physical adapter for its virtual one."""
    physical = _physical_name(row.name, node.adapters)
    others = {name: text for name, text in why.items() if name not in {row.name, physical}}
    if not physical:
        return Choice(adapter=row.name, because=because, others=tuple(others.items()))
    under = next(one for one in node.adapters if one.name == physical)
    if text := _unusable(under, node, bound=True):
        return Choice(adapter="", because=f"{physical} is not usable: {text}")
    because = f"{because}, by its port {row.name}"
    return Choice(adapter=physical, because=because, bound=row.name, others=tuple(others.items()))


def _physical_name(name: str, adapters: Iterable[Adapter]) -> str:
    """Give the adapter that a port of a switch is named after; empty where it is no such port."""
    found = _VIRTUAL.fullmatch(name)
    names = {row.name.lower(): row.name for row in adapters}
    return names.get(found["adapter"].lower(), "") if found else ""


def _virtual_of(row: Adapter, adapters: Iterable[Adapter]) -> Adapter | None:
    """Give the port of the switch that is made on an adapter."""
    wanted = f"vethernet ({row.name.lower()})"
    return next((one for one in adapters if one.name.lower() == wanted), None)


def _has(row: Adapter, address: str) -> bool:
    return any(ip_address(text) == ip_address(address) for text in row.addresses)


def _none(node: Node) -> str:
    if not node.adapters:
        return "the node tells of no adapter"
    return "no adapter is up, has an address and a default route, and is free"
