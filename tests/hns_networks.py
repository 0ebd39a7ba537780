"""Networks of each type for tests, as a playbook has them, and plans of them on lab nodes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nodes import linked

from wincnode import runner
from wincnode.events import Event, ProgramFinished, StepFinished
from wincnode.lab.nodes import LabNode
from wincnode.node.kinds import all_kinds, split
from wincnode.plan import Mode, Plan, Step, to_wire

PREFIX, GATEWAY = "10.244.1.0/24", "10.244.1.1"
MACS = "00-15-5D-52-C0-00 00-15-5D-52-CF-FF"
ON_ADAPTER = ("L2Bridge", "L2Tunnel", "Overlay", "Transparent")
TYPES = ("NAT", "Internal", "Private", *ON_ADAPTER)


def document(name: str, type: str, prefix: str = PREFIX, **members: Any) -> dict[str, Any]:
    """Give a network as HNS takes it."""
    subnet: dict[str, Any] = {
        "IpAddressPrefix": prefix,
        "Routes": [
            {"NextHop": prefix.replace("0/24", "1"), "DestinationPrefix": "0.0.0.0/0"},
        ],
    }
    if type == "Overlay":
        subnet["Policies"] = [{"Type": "VSID", "Settings": {"IsolationId": 4096}}]
    on = [{"Type": "NetAdapterName", "Settings": {"NetworkAdapterName": "Ethernet"}}]
    return {
        "Name": name,
        "Owner": "wincnode",
        "Type": type,
        **({"Policies": on} if type in ON_ADAPTER else {}),
        **({} if type == "Private" else {"Ipams": [{"Type": "Static", "Subnets": [subnet]}]}),
        **({"MacPool": {"Ranges": [_range(MACS)]}} if type == "Private" else {}),
        "Flags": 16,
        "SchemaVersion": {"Major": 2, "Minor": 0},
        **members,
    }


def _range(text: str) -> dict[str, str]:
    first, _, last = text.partition(" ")
    return {"StartMacAddress": first, "EndMacAddress": last}


def fields(name: str, type: str, prefix: str = PREFIX, **members: Any) -> dict[str, Any]:
    """Give a network as a playbook's step has it."""
    found = document(name, type, prefix, **members)
    return {
        "name": name,
        "type": type,
        **({"adapter": "ethernet"} if type in ON_ADAPTER else {}),
        **({} if type == "Private" else {"prefixes": [prefix]}),
        **({} if type == "Private" else {"gateways": [prefix.replace("0/24", "1")]}),
        **({"mac_ranges": [MACS]} if type == "Private" else {}),
        **({"vsids": ["4096"]} if type == "Overlay" else {}),
        **({"dns_servers": found["Dns"]["ServerList"]} if "Dns" in found else {}),
        "document": json.dumps(found),
    }


def step(values: Mapping[str, Any], *, kind: str = "hns_network", timeout_s: int = 120) -> Step:
    """Give a step of a plan."""
    key, want = split(all_kinds()[kind], values)
    return Step(
        id=str(values.get("name", kind)),
        kind=kind,
        title="network",
        key=key,
        want=want,
        timeout_s=timeout_s,
    )


def ran(node: LabNode, mode: Mode, steps: Sequence[Step]) -> list[Event]:
    """Run a plan apart from the connection; to look needs no such run."""
    run = runner.new_run()
    who = {"operator": "ada"}
    plan = to_wire(Plan(node="web-1", steps=tuple(steps)), run=run, mode=mode, who=who)
    begin = runner.detached if mode == "apply" else runner.attached
    with linked(node) as link:
        return list(begin(link, run=run, plan=plan))


def ended(node: LabNode, mode: Mode, *steps: Step) -> list[StepFinished]:
    """Give how steps ended."""
    return [event for event in ran(node, mode, steps) if isinstance(event, StepFinished)]


def outcomes(node: LabNode, mode: Mode, *steps: Step) -> list[str]:
    """List how steps ended."""
    return [event.outcome for event in ended(node, mode, *steps)]


def facts(node: LabNode) -> Any:
    """Give what HNS told of itself."""
    events = ran(node, "apply", [step({}, kind="hns_facts")])
    return next(event.result for event in events if isinstance(event, ProgramFinished))
