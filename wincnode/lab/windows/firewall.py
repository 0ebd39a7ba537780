"""Rules of Windows Defender Firewall as Windows keeps them: a text for each in the registry.

Source of the form: learn.microsoft.com/openspecs/windows_protocols/ms-gpfas (2.2.2).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from wincnode.lab.windows.registry import Registry, Value

RULES = (
    r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules"
)
NUMBERS = {"tcp": "6", "udp": "17"}  # IANA protocol numbers


def add(registry: Registry, bound: Mapping[str, Any]) -> bool:
    """Make a rule from the parameters of New-NetFirewallRule; False where its name is taken."""
    name = str(bound["Name"])
    if registry.get(RULES, name) is not None:
        return False
    registry.set(RULES, name, Value(kind="String", data=text_of(bound)))
    return True


def remove(registry: Registry, name: str) -> bool:
    """Remove a rule by its name; False where there is none."""
    there = registry.get(RULES, name) is not None
    registry.delete_value(RULES, name)
    return there


def text_of(bound: Mapping[str, Any]) -> str:
    """Give the text that Windows keeps for a rule."""
    protocol = str(bound.get("Protocol", "Any"))
    fields = [
        ("Action", str(bound.get("Action", "Allow"))),
        ("Active", str(bound.get("Enabled", "True")).upper()),
        ("Dir", str(bound.get("Direction", "Inbound")).removesuffix("bound")),
    ]
    if protocol.lower() != "any":
        fields.append(("Protocol", NUMBERS.get(protocol.lower(), protocol)))
    fields += [("Profile", row) for row in _listed(bound.get("Profile"))]
    fields += [
        ("LPort2_10" if "-" in row else "LPort", row) for row in _listed(bound.get("LocalPort"))
    ]
    fields += [_remote(row) for row in _listed(bound.get("RemoteAddress"))]
    fields.append(("Name", str(bound["DisplayName"])))
    return "v2.30|" + "".join(f"{name}={value}|" for name, value in fields)


def allows(text: str, profile: str, client: str, ports: Collection[int]) -> bool:
    """Tell whether a rule lets a client in to one of the ports in a profile, over TCP."""
    fields: dict[str, list[str]] = {}
    for part in text.split("|"):
        name, _, value = part.partition("=")
        fields.setdefault(name, []).append(value)
    wanted = {"Action": "Allow", "Active": "TRUE", "Dir": "In"}
    if any(fields.get(name) != [value] for name, value in wanted.items()):
        return False
    spans = [row.split("-") for row in (*fields.get("LPort", ()), *fields.get("LPort2_10", ()))]
    far = (*fields.get("RA4", ()), *fields.get("RA6", ()))
    return (
        fields.get("Protocol", ["6"]) == ["6"]
        and profile in fields.get("Profile", [profile])
        and (not spans or any(int(a[0]) <= port <= int(a[-1]) for a in spans for port in ports))
        and (not far or any(_is_in(client, row) for row in far))
    )


def _is_in(client: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(client) in ipaddress.ip_network(network, strict=False)
    except ValueError:  # a word or a range, which no rule of WinRM has here
        return False


def _listed(value: object) -> list[str]:
    rows = [value] if isinstance(value, str) else value
    if not isinstance(rows, Sequence):
        return []
    return [str(row) for row in rows if str(row).lower() != "any"]


def _remote(address: str) -> tuple[str, str]:
    """Write an address or a network; an IPv4 network is kept with its mask."""
    try:
        network = ipaddress.ip_network(address, strict=False)
    except ValueError:  # a word such as LocalSubnet, or a range
        return "RA4", address
    if network.version == 6:
        return "RA6", address
    return "RA4", f"{network.network_address}/{network.netmask}" if "/" in address else address
