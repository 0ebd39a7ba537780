"""Rows of a machine's network: what profiles leave out, and what follows from addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from uuid import NAMESPACE_DNS, uuid5

Row: TypeAlias = dict[str, Any]
Rows: TypeAlias = dict[str, list[Row]]
DEFAULT_ROUTES = ("0.0.0.0/0", "::/0")
MULTICAST = "224.0.0.0/4"
# What Windows gives an adapter whose link has 10 Gbit/s and more:
# learn.microsoft.com/troubleshoot/windows-server/networking/automatic-metric-for-ipv4-routes
METRIC, MTU = 15, 1500


def complete(rows: Rows, *, static_dns: Callable[[int], list[str]]) -> None:
    """Fill in what profiles leave out."""
    leased = {
        row["InterfaceIndex"]
        for row in rows.get("NetIPAddress", [])
        if row.get("PrefixOrigin") == "Dhcp"
    }
    for row in rows.get("NetIPInterface", []):
        dhcp = "Enabled" if row["InterfaceIndex"] in leased else "Disabled"
        row.setdefault("Dhcp", dhcp)
        row.setdefault("InterfaceMetric", METRIC)
        row.setdefault("AutomaticMetric", "Enabled")
    own = {
        (row["InterfaceIndex"], prefix)
        for row in rows.get("NetIPAddress", [])
        if row.get("AddressFamily") == "IPv4"
        for prefix in prefixes_of(row)
    }
    for row in rows.get("NetRoute", []):
        local = (row["InterfaceIndex"], row["DestinationPrefix"]) in own
        local = local or row["DestinationPrefix"] == MULTICAST
        row.setdefault("Protocol", "Local" if local else "NetMgmt")
    for row in rows.get("NetTCPConnection", []):
        # Lab machines are reached from their host.
        far = "127.0.0.1" if row.get("State") == "Established" else "0.0.0.0"
        row.setdefault("RemoteAddress", far)
    dns = rows.setdefault("DnsClientServerAddress", [])
    there = {row["InterfaceIndex"] for row in dns}
    for adapter in rows.setdefault("NetAdapter", []):
        adapter.setdefault("InterfaceGuid", guid(adapter["Name"]))
        index = adapter["InterfaceIndex"]
        if index not in there:
            name, servers = adapter["Name"], static_dns(index) or dhcp_dns(rows, index)
            row = {"InterfaceIndex": index, "InterfaceAlias": name, "AddressFamily": 2}
            dns.append({**row, "ServerAddresses": servers})


def takes_a_switch(row: Mapping[str, Any]) -> bool:
    """Tell whether an adapter can be put under a switch: hardware, and a team of it by LBFO.

    Source: learn.microsoft.com/windows-server/networking/technologies/nic-teaming (its driver)
    """
    team = "Multiplexor" in str(row.get("InterfaceDescription", ""))
    return bool(row.get("HardwareInterface")) or team


def guid(name: str) -> str:
    """Give an adapter's id: its name's, so that both engines of a test have the same."""
    return f"{{{str(uuid5(NAMESPACE_DNS, name)).upper()}}}"


def prefixes_of(row: Mapping[str, Any]) -> tuple[str, str]:
    """Give the destinations that an address brings: its network, and itself."""
    network = ipaddress.ip_interface(f"{row['IPAddress']}/{row['PrefixLength']}").network
    return str(network), f"{row['IPAddress']}/32"


def local_route(index: int, prefix: str) -> Row:
    """Give a route that Windows makes for an adapter's address."""
    row = {"AddressFamily": "IPv4", "DestinationPrefix": prefix, "NextHop": "0.0.0.0"}
    return {**row, "InterfaceIndex": index, "RouteMetric": 256, "Protocol": "Local"}


def dhcp_dns(rows: Rows, index: int) -> list[str]:
    """Give the DNS server that DHCP names: the gateway."""
    return [
        str(row["NextHop"])
        for row in rows.get("NetRoute", [])
        if row["InterfaceIndex"] == index and row["DestinationPrefix"] == "0.0.0.0/0"
    ][:1]
