"""What servers of DNS say of a simulated machine."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from wincnode.lab.windows import naming

if TYPE_CHECKING:
    from wincnode.lab.windows.machine import Machine


def answer(machine: Machine, name: str, kind: str) -> list[dict[str, Any]]:
    """Give the records of a name; without ones of the profile, its own name and address are known.

    A profile's are rows of `DnsName`: Name, Type, and IPAddress or NameHost.
    """
    rows = machine.network["DnsName"] if "DnsName" in machine.network else _own(machine)
    return [
        dict(row)
        for row in rows
        if row["Name"].lower() == name.lower() and row["Type"].lower() == kind.lower()
    ]


def _own(machine: Machine) -> list[Mapping[str, Any]]:
    read = machine.registry.data
    host, domain = read(naming.TCPIP, "Hostname", ""), read(naming.TCPIP, "Domain", "")
    name = f"{host}.{domain}" if domain else host
    addresses = [
        row["IPAddress"]
        for row in machine.network.get("NetIPAddress", [])
        if row["AddressFamily"] == "IPv4" and not ip_address(row["IPAddress"]).is_loopback
    ]
    back: list[Mapping[str, Any]] = [
        {"Name": row, "Type": "PTR", "NameHost": name} for row in addresses
    ]
    return [*({"Name": name, "Type": "A", "IPAddress": row} for row in addresses), *back]
