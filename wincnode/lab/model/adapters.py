"""What adapters have, what of it is different, and how it is put back: as adapters.ps1 does it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from wincnode.lab.model.failures import ERRORS
from wincnode.lab.model.host import Host
from wincnode.lab.windows.net_rows import DEFAULT_ROUTES

Adapter: TypeAlias = Mapping[str, Any]
SETTABLE = ("Public", "Private")


def read(host: Host) -> list[Adapter]:
    """Give what each adapter has, but for what Windows makes of it."""
    links = host.call("Get-NetIPInterface", AddressFamily=["IPv4"])
    addresses = host.call("Get-NetIPAddress")
    routes = host.call("Get-NetRoute")
    kept = {_way(row) for row in host.call("Get-NetRoute", PolicyStore="PersistentStore")}
    profiles = host.call("Get-NetConnectionProfile")
    servers = host.call("Get-DnsClientServerAddress")
    found: list[Adapter] = []
    for adapter in host.call("Get-NetAdapter"):
        index = adapter["InterfaceIndex"]
        link: Adapter = next(iter(_of(links, index)), {})
        category = [row["NetworkCategory"] for row in _of(profiles, index)]
        automatic = link.get("AutomaticMetric", "Enabled") == "Enabled"
        found.append(
            {
                "name": adapter["Name"],
                "index": index,
                "mac": adapter["MacAddress"],
                "physical": adapter["HardwareInterface"],
                "dhcp": link["Dhcp"] == "Enabled" if link else None,
                "metric": 0 if automatic else link["InterfaceMetric"],
                "mtu": link.get("NlMtu", 0),
                "category": category[-1] if category else "",
                "addresses": [
                    {
                        "address": row["IPAddress"],
                        "prefix_length": row["PrefixLength"],
                        "origin": row["PrefixOrigin"],
                    }
                    for row in _of(addresses, index)
                    if row["PrefixOrigin"] in {"Manual", "Dhcp"}
                ],
                "routes": [
                    {
                        "destination": row["DestinationPrefix"],
                        "next_hop": row["NextHop"],
                        "metric": row["RouteMetric"],
                        "persistent": _way(row) in kept,
                    }
                    for row in _of(routes, index)
                    if row["Protocol"] == "NetMgmt"
                ],
                "dns": [one for row in _of(servers, index) for one in row["ServerAddresses"]],
                "dns_set": host.machine.network.static_dns(index),
            }
        )
    return found


def heir(was: Adapter, before: Sequence[Adapter], now: Sequence[Adapter]) -> Adapter | None:
    """Give the adapter that has taken over from one, or itself; None where neither is there."""
    known = {row["name"] for row in before}
    new = [row for row in now if not row["physical"] and row["name"] not in known]
    port = (row for row in new if row["name"] == _port(was["name"]))
    # The members of a team have its MAC, and no address.
    inherits = was["physical"] and was["mac"] and was["addresses"]
    twin = (row for row in new if inherits and row["mac"] == was["mac"])
    same = (row for row in now if row["name"] == was["name"])
    # With the last network of a switch its port goes, and what it had is the adapter's again.
    below = (row for row in now if row["physical"] and was["name"] == _port(row["name"]))
    return next((row for rows in (port, twin, same, below) for row in rows), None)


def moved(before: Sequence[Adapter], now: Sequence[Adapter]) -> Iterator[str]:
    """Give the names of adapters that another one has taken over from."""
    for was in before:
        row = heir(was, before, now)
        if row and row["name"] != was["name"]:
            yield was["name"]


def noted(
    before: Sequence[Adapter], now: Sequence[Adapter], touched: Collection[str]
) -> list[Adapter]:
    """Give those that were noted and are touched, but for adapters below a port that is gone.

    These become what the port was. Args: touched: adapters by name; "" or none stand for all.
    """
    gone = {row["name"] for row in before} - {row["name"] for row in now}
    mine = {*touched, *map(_port, touched)}
    return [
        row
        for row in before
        if _port(row["name"]) not in gone and (not touched or "" in touched or row["name"] in mine)
    ]


def _port(name: str) -> str:
    return f"vEthernet ({name})"


def compare(was: Adapter, now: Adapter | None, *, exactly: bool) -> Iterator[str]:
    """Say what is different; DHCP's own addresses may change."""
    if now is None:
        yield from _lost(was)
        return
    have, had = ({row["address"] for row in side["addresses"]} for side in (now, was))
    yield from (f"address {row['address']}" for row in _manual(was) if row["address"] not in have)
    if exactly:
        further = (row["address"] for row in _manual(now) if row["address"] not in had)
        yield from (f"further address {address}" for address in further)
    if was["dhcp"] not in {None, now["dhcp"]}:
        yield "DHCP"
    if exactly and was["dhcp"] and had and not have:
        yield "address of DHCP"
    for row in _missing_routes(was, now):
        # Further routes may come with a lease, too, and another lease has others.
        leased = "leased " if was["dhcp"] and not row["persistent"] else ""
        yield f"{leased}route to {row['destination']}"
    if was["dns_set"] != now["dns_set"]:
        yield "DNS servers"
    if was["metric"] != now["metric"]:
        yield "metric"
    if was["mtu"] not in {0, now["mtu"]}:
        yield "MTU"
    if exactly and _category_is_another(was, now):
        yield "category of the network"


def set_(host: Host, was: Adapter, now: Adapter, problems: list[str], *, exactly: bool) -> None:
    """Give an adapter what one had before; whatever of it fails, the rest is done."""
    for cmdlet, bound in _calls(was, now, exactly=exactly):
        tried(problems.append, host, cmdlet, InterfaceIndex=now["index"], **bound)


def tried(tell: Callable[[str], None], host: Host, cmdlet: str, **bound: Any) -> None:
    """Carry a cmdlet out, and tell why where it fails."""
    try:
        host.call(cmdlet, **bound)
    except ERRORS as error:
        tell(error.message)


def _calls(was: Adapter, now: Adapter, *, exactly: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    have, had = ({row["address"] for row in side["addresses"]} for side in (now, was))
    for row in _manual(now) if exactly else ():
        if row["address"] not in had:
            yield "Remove-NetIPAddress", {"IPAddress": [row["address"]]}
    for row in _manual(was):
        if row["address"] not in have:
            address = {"IPAddress": row["address"], "PrefixLength": row["prefix_length"]}
            yield "New-NetIPAddress", address
    for change in _link_changes(was, now):
        yield "Set-NetIPInterface", {"AddressFamily": ["IPv4"], **change}
    for row in _missing_routes(was, now):
        way = {"DestinationPrefix": row["destination"], "NextHop": row["next_hop"]}
        store = {} if row["persistent"] else {"PolicyStore": "ActiveStore"}
        yield "New-NetRoute", {**way, "RouteMetric": row["metric"], **store}
    if was["dns_set"] != now["dns_set"]:
        servers = {"ServerAddresses": was["dns_set"]}
        none = {"ResetServerAddresses": True}
        yield "Set-DnsClientServerAddress", servers if was["dns_set"] else none
    if _category_is_another(was, now):
        yield "Set-NetConnectionProfile", {"NetworkCategory": was["category"]}


def _link_changes(was: Adapter, now: Adapter) -> Iterator[dict[str, Any]]:
    if was["dhcp"] not in {None, now["dhcp"]}:
        yield {"Dhcp": "Enabled" if was["dhcp"] else "Disabled"}
    if was["metric"] != now["metric"]:
        metric = {"InterfaceMetric": was["metric"]}
        yield metric if was["metric"] else {"AutomaticMetric": "Enabled"}
    if was["mtu"] not in {0, now["mtu"]}:
        yield {"NlMtuBytes": was["mtu"]}


def _category_is_another(was: Adapter, now: Adapter) -> bool:
    """Tell whether it can be set back: of a domain's network nobody can make anything else."""
    settable = was["category"] in SETTABLE and now["category"] != "DomainAuthenticated"
    return settable and was["category"] != now["category"]


def _lost(was: Adapter) -> Iterator[str]:
    """Say that an adapter is gone, unless it was nobody's way out: the port of a container."""
    if was["physical"] or any(row["destination"] in DEFAULT_ROUTES for row in was["routes"]):
        yield f"adapter {was['name']}"


def _manual(adapter: Adapter) -> list[Mapping[str, Any]]:
    return [row for row in adapter["addresses"] if row["origin"] == "Manual"]


def _missing_routes(was: Adapter, now: Adapter) -> list[Mapping[str, Any]]:
    """Give the routes that are gone; the way out of an adapter with DHCP comes with the lease."""
    there = {(row["destination"], row["next_hop"]) for row in now["routes"]}
    return [
        row
        for row in was["routes"]
        if (row["destination"], row["next_hop"]) not in there
        and not (was["dhcp"] and not row["persistent"] and row["destination"] in DEFAULT_ROUTES)
    ]


def _of(rows: Sequence[Mapping[str, Any]], index: int) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["InterfaceIndex"] == index]


def _way(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["DestinationPrefix"], row["NextHop"]
