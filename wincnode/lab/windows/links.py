"""Cmdlets that list links, switches, networks of HNS and ranges of ports, over a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wincnode.lab.windows.ports import DYNAMIC

if TYPE_CHECKING:
    from wincnode.lab.windows.machine import Machine

# Each with the parameter that chooses among its rows.
CMDLETS: Mapping[str, str] = {
    "Get-HnsEndpoint": "",
    "Get-HnsNamespace": "",
    "Get-HnsNetwork": "",
    "Get-HnsPolicyList": "",
    "Get-NetAdapterChecksumOffload": "",
    "Get-NetAdapterEncapsulatedPacketTaskOffload": "",
    "Get-NetNat": "",
    "Get-NetNatStaticMapping": "",
    "Get-NetTCPSetting": "",
    "Get-NetUDPSetting": "",
    "Get-VMSwitch": "SwitchType",
    "Get-VMSwitchExtension": "VMSwitchName",
}


def answer(cmdlet: str, machine: Machine, bound: Mapping[str, Any]) -> list[Any]:
    """Give the rows of a machine's profile; ranges of ports are those that netsh.exe changes."""
    if cmdlet in {"Get-NetTCPSetting", "Get-NetUDPSetting"}:
        return _dynamic(cmdlet, machine)
    by = CMDLETS[cmdlet]
    asked = bound.get(by)
    wanted = asked if isinstance(asked, list) else [asked]
    rows = [*machine.network.get(cmdlet.removeprefix("Get-"), [])]
    if cmdlet == "Get-HnsNetwork":
        rows += [_as_v1(row) for row in machine.hns.documents("network")]
    # An object names its switch by another property than the parameter that asks for it.
    field = "SwitchName" if by == "VMSwitchName" else by
    return [dict(row) for row in rows if asked is None or row.get(field) in wanted]


def _as_v1(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give a network of HNS as its cmdlets do, which speak the older API.

    Source: microsoft/hcsshim:internal/hns/hnsnetwork.go@7c9ff7f4
    """
    subnets = [subnet for ipam in document.get("Ipams", ()) for subnet in ipam.get("Subnets", ())]
    return {
        "Name": document["Name"],
        "Type": document.get("Type", "NAT"),
        "Subnets": [{"AddressPrefix": subnet["IpAddressPrefix"]} for subnet in subnets],
    }


def _dynamic(cmdlet: str, machine: Machine) -> list[Any]:
    protocol = "tcp" if "TCP" in cmdlet else "udp"
    start, count = machine.ports.dynamic.get(("ipv4", protocol), DYNAMIC)
    row = {"DynamicPortRangeStartPort": start, "DynamicPortRangeNumberOfPorts": count}
    if protocol == "udp":
        return [row]
    # The setting Automatic has no range of its own.
    return [dict.fromkeys(row, None) | {"SettingName": "Automatic"}, row]
