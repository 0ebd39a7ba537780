"""Cmdlets that list links, switches, networks of HNS and ranges of ports, over a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wincnode.lab.windows.hns_objects import to_v1
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

OF_HNS: Mapping[str, str] = {"Get-HnsEndpoint": "endpoint", "Get-HnsNamespace": "namespace"}


def answer(cmdlet: str, machine: Machine, bound: Mapping[str, Any]) -> list[Any]:
    """Give the rows of a machine's profile; ranges of ports are those that netsh.exe changes."""
    if cmdlet in {"Get-NetTCPSetting", "Get-NetUDPSetting"}:
        return _dynamic(cmdlet, machine)
    if cmdlet == "Get-HnsNetwork":
        return [to_v1(row) for row in machine.hns.documents("network")]
    by = CMDLETS[cmdlet]
    asked = bound.get(by)
    wanted = asked if isinstance(asked, list) else [asked]
    rows = machine.network.get(cmdlet.removeprefix("Get-"), [])
    made = machine.hns.documents(OF_HNS[cmdlet]) if cmdlet in OF_HNS else ()
    # An object names its switch by another property than the parameter that asks for it.
    field = "SwitchName" if by == "VMSwitchName" else by
    return [dict(row) for row in (*rows, *made) if asked is None or row.get(field) in wanted]


def _dynamic(cmdlet: str, machine: Machine) -> list[Any]:
    protocol = "tcp" if "TCP" in cmdlet else "udp"
    start, count = machine.ports.dynamic.get(("ipv4", protocol), DYNAMIC)
    row = {"DynamicPortRangeStartPort": start, "DynamicPortRangeNumberOfPorts": count}
    if protocol == "udp":
        return [row]
    # The setting Automatic has no range of its own.
    return [dict.fromkeys(row, None) | {"SettingName": "Automatic"}, row]
