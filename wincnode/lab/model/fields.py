"""The names that facts have for properties of Windows' objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COMPUTER = {
    "logical_processors": "NumberOfLogicalProcessors",
    "memory_bytes": "TotalPhysicalMemory",
    "manufacturer": "Manufacturer",
    "model": "Model",
    "domain": "Domain",
    "domain_member": "PartOfDomain",
    "automatic_pagefile": "AutomaticManagedPagefile",
    "hypervisor_present": "HypervisorPresent",
}
PROCESSOR = {
    "architecture": "Architecture",
    "virtualization_enabled": "VirtualizationFirmwareEnabled",
    "monitor_extensions": "VMMonitorModeExtensions",
    "second_level_paging": "SecondLevelAddressTranslationExtensions",
}
SERVICE = {
    "shown": "DisplayName",
    "state": "State",
    "start_mode": "StartMode",
    "account": "StartName",
    "path": "PathName",
}
ADAPTER = {
    "name": "Name",
    "index": "InterfaceIndex",
    "description": "InterfaceDescription",
    "mac": "MacAddress",
    "physical": "HardwareInterface",
}
ADDRESS = {"address": "IPAddress", "prefix_length": "PrefixLength", "origin": "PrefixOrigin"}
ROUTE = {
    "destination": "DestinationPrefix",
    "next_hop": "NextHop",
    "index": "InterfaceIndex",
    "metric": "RouteMetric",
}
PORT = {"port": "LocalPort", "address": "LocalAddress"}
PROFILE = {"index": "InterfaceIndex", "category": "NetworkCategory"}
VOLUME = {
    "drive": "DeviceID",
    "drive_type": "DriveType",
    "file_system": "FileSystem",
    "size_bytes": "Size",
    "free_bytes": "FreeSpace",
}


def renamed(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Give the properties of a row by the names that facts have."""
    return {ours: row[theirs] for ours, theirs in names.items()}
