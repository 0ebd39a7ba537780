"""The cases of test_conformance for what a machine is: features, name, plans, time, ports."""

from __future__ import annotations

from collections.abc import Callable

from conformance.case import Case, value
from wincnode.lab.windows import defender, pagefile
from wincnode.lab.windows.machine import Machine

CONTAINERD = r"C:\Program Files\containerd\bin\containerd.exe"


def features(**states: str) -> Callable[[Machine], None]:
    """Put features in."""
    return lambda machine: machine.features.load(states)


CASES = (
    Case(
        id="windows_feature absent",
        kind="windows_feature",
        key={"name": "Web-Server"},
        want={"state": "present", "with": ["Hyper-V-PowerShell"]},
    ),
    Case(
        id="windows_feature present",
        kind="windows_feature",
        key={"name": "Containers"},
        want={"state": "present"},
    ),
    Case(
        id="windows_feature to go",
        kind="windows_feature",
        key={"name": "Fax"},
        want={"state": "absent"},
        before=features(Fax="Installed"),
    ),
    Case(
        id="optional_feature absent",
        kind="optional_feature",
        key={"name": "TelnetClient"},
        want={"state": "enabled", "with": ["TFTP"], "without": ["Microsoft-Hyper-V-Online"]},
        before=features(TelnetClient="Disabled", TFTP="Disabled"),
    ),
    Case(
        id="optional_feature present",
        kind="optional_feature",
        key={"name": "Containers"},
        want={"state": "enabled", "without": ["Microsoft-Hyper-V-Online", "NoSuchPart"]},
    ),
    Case(
        id="optional_feature different",
        kind="optional_feature",
        key={"name": "SMB1Protocol"},
        want={"state": "disabled"},
        before=features(SMB1Protocol="Enabled"),
    ),
    Case(id="hostname present", kind="hostname", key={}, want={"name": "web-1"}),
    Case(
        id="pagefile different",
        kind="pagefile",
        key={"drive": "c:"},
        want={"mode": "fixed", "initial_mb": 1024, "maximum_mb": 4096},
        before=value(pagefile.KEY, "PagingFiles", "MultiString", [r"C:\pagefile.sys 0 0"]),
    ),
    Case(id="pagefile present", kind="pagefile", key={"drive": "E:"}, want={"mode": "none"}),
    Case(id="power_plan different", kind="power_plan", key={}, want={"plan": "balanced"}),
    Case(
        id="time_source different",
        kind="time_source",
        key={},
        want={"type": "ntp", "servers": ["time.example.com", "10.0.0.1"]},
    ),
    Case(
        id="defender_exclusion absent",
        kind="defender_exclusion",
        key={"type": "process", "value": CONTAINERD},
        want={"state": "present"},
    ),
    Case(
        id="defender_exclusion present",
        kind="defender_exclusion",
        key={"type": "path", "value": r"C:\ProgramData\containerd"},
        want={"state": "present"},
        before=value(defender.KEY + r"\Exclusions\Paths", r"c:\programdata\containerd", "DWord", 0),
    ),
    Case(
        id="defender_exclusion to go",
        kind="defender_exclusion",
        key={"type": "extension", "value": ".vhdx"},
        want={"state": "absent"},
        before=value(defender.KEY + r"\Exclusions\Extensions", ".vhdx", "DWord", 0),
    ),
    Case(
        id="port_range different",
        kind="port_range",
        key={"protocol": "tcp", "family": "ipv4"},
        want={"start": 34000, "count": 31536},
    ),
    Case(
        id="port_exclusion absent",
        kind="port_exclusion",
        key={"protocol": "tcp", "family": "ipv4", "start": 30000, "count": 2768},
        want={"state": "present"},
    ),
)
