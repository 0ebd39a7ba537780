"""The kind `firewall_rule`."""

from __future__ import annotations

import ipaddress
from typing import Any

from wincnode.lab.model.host import Found, Host, Values
from wincnode.lab.windows.firewall import NUMBERS, RULES

POLICIES = r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall"
DIRECTIONS = {"In": "Inbound", "Out": "Outbound"}
TEXTS = {"Name": "display_name", "Action": "action"}
LISTS = {
    "Profile": "profile",
    "LPort": "local_port",
    "LPort2_10": "local_port",
    "RA4": "remote_address",
    "RA6": "remote_address",
}


def get(host: Host, key: Values, _want: Values) -> Found:
    """Give a rule as its text in the registry says; group policy may make it void."""
    text = host.machine.registry.data(RULES, key["name"])
    values = {"state": "absent"} if text is None else _read(str(text))
    owned = any(
        host.machine.registry.data(f"{POLICIES}\\{profile}", "AllowLocalPolicyMerge", 1) == 0
        for profile in ("DomainProfile", "PrivateProfile", "PublicProfile")
    )
    return Found(state="policy_owned" if owned else "settled", values=values)


def _read(text: str) -> dict[str, Any]:
    values: dict[str, Any] = {"state": "present", "enabled": False, "protocol": "Any"}
    lists: dict[str, list[str]] = {name: [] for name in LISTS.values()}
    for part in text.split("|"):
        name, _, value = part.partition("=")
        if name in TEXTS:
            values[TEXTS[name]] = value
        elif name in LISTS:
            lists[LISTS[name]].append(_network(value) if name.startswith("RA") else value)
        elif name == "Active":
            values["enabled"] = value.upper() == "TRUE"
        elif name == "Dir":
            values["direction"] = DIRECTIONS.get(value)
        elif name == "Protocol":
            names = {number: protocol.upper() for protocol, number in NUMBERS.items()}
            values["protocol"] = names.get(value, value)
    return values | {name: rows or ["Any"] for name, rows in lists.items()}


def _network(value: str) -> str:
    """Give a network with a mask as one with a prefix; an IPv4 host stands alone."""
    address, _, mask = value.partition("/")
    if "." in mask:
        value = f"{address}/{int(ipaddress.IPv4Address(mask)).bit_count()}".removesuffix("/32")
    return value


def set(host: Host, key: Values, want: Values, found: Found) -> None:
    """Make the rule anew, or remove it."""
    name = key["name"]
    if found.values["state"] == "present":
        host.call("Remove-NetFirewallRule", Name=name)
    if want.get("state") == "absent":
        return
    host.call(
        "New-NetFirewallRule",
        Name=name,
        DisplayName=want.get("display_name") or name,
        Enabled=str(bool(want.get("enabled"))),
        Direction=want["direction"],
        Action=want["action"],
        Protocol=want["protocol"],
        LocalPort=want.get("local_port") or ["Any"],
        RemoteAddress=want.get("remote_address") or ["Any"],
        Profile=want.get("profile") or "Any",
    )
