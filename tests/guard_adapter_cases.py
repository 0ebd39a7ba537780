"""Which of a node's adapters a guard looks after, and how much of each.

Each case gets an engine and a folder.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from guard_cases import only, texts
from guarded import (
    DOCUMENT,
    EXTERNAL,
    GATE,
    METADATA,
    events_of,
    guarded_node,
    held,
    is_as_before,
    of_guard,
    started,
    until,
)

from wincnode.events import GuardWaiting, StepStarted
from wincnode.lab.nodes import LabNode
from wincnode.lab.windows.cmdlets import call

# Where a network does not say on which adapter it lies, all are looked after.
SOMEWHERE = replace(
    EXTERNAL, want={**EXTERNAL.want, "document": json.dumps({**DOCUMENT, "Policies": []})}
)
INNER = replace(
    EXTERNAL,
    id="0-inner",
    key={"name": "inner"},
    want={
        "state": "present",
        "type": "NAT",
        "document": json.dumps({**DOCUMENT, "Name": "inner", "Type": "NAT", "Policies": []}),
    },
)
CONTAINER = "vEthernet (Container NIC 4f2a)"


def further_adapter(node: LabNode, name: str, index: int, **more: Any) -> None:
    """Give the machine one more adapter, with an address of its own and no way out."""
    network = node.machine.network
    row = {"Name": name, "InterfaceIndex": index, "InterfaceDescription": "Another Adapter"}
    row |= {"MacAddress": f"00-15-5D-01-99-{index:02}", "HardwareInterface": True}
    row |= {"InterfaceOperationalStatus": 1, **more}
    address = {"AddressFamily": "IPv4", "InterfaceIndex": index, "PrefixOrigin": "Manual"}
    address |= {"IPAddress": f"172.20.{index}.1", "PrefixLength": 24}
    link = {"AddressFamily": "IPv4", "InterfaceIndex": index, "NlMtu": 1500, "Dhcp": "Disabled"}
    network["NetIPInterface"] = [*network["NetIPInterface"], link]
    network["NetIPAddress"] = [*network["NetIPAddress"], address]
    network["NetAdapter"] = [*network["NetAdapter"], row]


def gone(node: LabNode, index: int) -> None:
    """Take an adapter away with all that it has."""
    for what in ("NetAdapter", "NetIPAddress", "NetIPInterface", "DnsClientServerAddress"):
        node.machine.network.forget(what, lambda row: row["InterfaceIndex"] != index)


def set_elsewhere(engine: str, folder: Path) -> None:
    """What somebody sets meanwhile on an adapter that the change is not about stays."""
    with guarded_node(folder, engine, "static-lost") as node:
        further_adapter(node, "Storage", 9)
        before = held(node.machine)
        added = {"InterfaceIndex": 9, "IPAddress": "172.20.9.7", "PrefixLength": 24}
        with started(node, INNER, EXTERNAL, within_s=600) as run:
            run.waits()
            call(node.machine, "New-NetIPAddress", added)
            servers = {"InterfaceIndex": 9, "ServerAddresses": ["10.9.9.1"]}
            call(node.machine, "Set-DnsClientServerAddress", servers)
            metric = {"InterfaceIndex": 9, "InterfaceMetric": 42}
            call(node.machine, "Set-NetIPInterface", metric)
            (run.folder / "cancel").touch()
            run.put_back()
            assert run.told()[0]["left"] == []
        after = held(node.machine)
        assert _of(after, 4) == _of(before, 4)
        have = [row["IPAddress"] for row in map(json.loads, _of(after, 9)) if "IPAddress" in row]
        assert sorted(have) == ["172.20.9.1", "172.20.9.7"]
        assert node.machine.network.static_dns(9) == ["10.9.9.1"]
        assert '"InterfaceMetric": 42' in " ".join(_of(after, 9))


def _of(state: Any, index: int) -> list[str]:
    """Give the rows of one adapter."""
    mark = f'"InterfaceIndex": {index},'
    return [row for rows in state.values() for row in rows if mark in row]


def team(engine: str, folder: Path) -> None:
    """What a team has goes to its port, whose MAC the team's members have, too."""
    with guarded_node(folder, engine, profile="ws2019") as node:
        network = node.machine.network
        (row,) = network["NetAdapter"]
        mac = row["MacAddress"]
        row |= {"Name": "Team1", "HardwareInterface": False, "InterfaceGuid": "{TEAM}"}
        row |= {"InterfaceDescription": "Microsoft Network Adapter Multiplexor Driver"}
        members = [
            {**row, "Name": name, "InterfaceIndex": index, "HardwareInterface": True}
            | {"InterfaceDescription": "Intel", "InterfaceGuid": f"{{{name}}}"}
            for index, name in ((7, "NIC1"), (8, "NIC2"))
        ]
        network["NetAdapter"] = [*members, row]
        network.set_dns(4, ["10.0.0.53"])
        on = [{"Type": "NetAdapterName", "Settings": {"NetworkAdapterName": "Team1"}}]
        want = {**EXTERNAL.want, "document": json.dumps({**DOCUMENT, "Policies": on})}
        before = held(node.machine)

        events = events_of(node, replace(EXTERNAL, want=want))

        assert of_guard(events) == ["GuardWaiting", "GuardConfirmed", "ok"], texts(events)
        waiting = only(events, GuardWaiting)
        was = next(row for row in waiting.before if row["name"] == "Team1")
        now = next(row for row in waiting.after if row["name"] == "vEthernet (Team1)")
        same = ("addresses", "dns_set", "routes", "metric", "mtu", "mac")
        assert {name: now[name] for name in same} == {name: was[name] for name in same}
        assert now["mac"] == mac
        assert len(held(node.machine)["NetIPAddress"]) == len(before["NetIPAddress"])


def containers_come_and_go(engine: str, folder: Path) -> None:
    """The port of a container, or of a network that is removed, is nothing that a node lost."""
    with guarded_node(folder, engine) as node:
        further_adapter(node, CONTAINER, 9, HardwareInterface=False)
        with started(node, GATE, EXTERNAL) as run:
            run.until(StepStarted)
            gone(node, 9)
            # Nobody reaches the node by its address.
            node.machine.network["NetAdapter"] = node.machine.network["NetAdapter"]
            node.machine.path(r"C:\gate").touch()
            events = run.end()
        assert of_guard(events) == ["GuardWaiting", "GuardConfirmed", "ok"], texts(events)


def container_gone_as_it_is_put_back(engine: str, folder: Path) -> None:
    """Such a port does not hold a node up that goes back."""
    with guarded_node(folder, engine, "static-lost") as node:
        before = held(node.machine)
        further_adapter(node, CONTAINER, 9, HardwareInterface=False)
        with started(node, SOMEWHERE, within_s=600) as run:
            run.waits()
            gone(node, 9)
            (run.folder / "cancel").touch()
            run.put_back()
            assert run.told()[0]["left"] == []
        assert is_as_before(node, before)


def ipv6(engine: str, folder: Path) -> None:
    """An address and a way out of IPv6 that were set by hand come along, and go back."""
    with guarded_node(folder, engine, "link-lost", "static-lost") as node:
        network = node.machine.network
        address = {"AddressFamily": "IPv6", "InterfaceIndex": 4, "PrefixOrigin": "Manual"}
        address |= {"IPAddress": "fd00::21", "PrefixLength": 64}
        way = {"AddressFamily": "IPv6", "InterfaceIndex": 4, "RouteMetric": 256}
        way |= {"DestinationPrefix": "::/0", "NextHop": "fd00::1"}
        network["NetIPAddress"] = [*network["NetIPAddress"], address]
        network["NetRoute"] = [*network["NetRoute"], way]
        for link in network["NetIPInterface"]:
            link["Dhcp"] = "Disabled"
        before = held(node.machine)

        events = events_of(node, within_s=3)

        after = only(events, GuardWaiting).after[-1]
        assert "fd00::21" in [row["address"] for row in after["addresses"]]
        assert "::/0" in [row["destination"] for row in after["routes"]]
        assert is_as_before(node, before)


def leased_route(engine: str, folder: Path) -> None:
    """A route that came with a lease is the lease's: one that cannot be had is told, no more."""
    with guarded_node(folder, engine, static=False) as node:
        network = node.machine.network
        network["NetRoute"] = [*network["NetRoute"], {**METADATA, "Persistent": False}]
        node.machine.denied.add("New-NetRoute")
        events = events_of(node)
        assert of_guard(events) == ["GuardWaiting", "GuardConfirmed", "ok"], texts(events)
        assert "Not brought over: Ethernet: leased route to 169.254.169.254/32" in texts(events)


def nothing_can_be_set(engine: str, folder: Path) -> None:
    """Each thing that a node cannot be given back is named, and given once that can be done."""
    others: tuple[tuple[str, dict[str, Any]], ...] = (
        ("Remove-NetIPAddress", {"IPAddress": "192.168.50.21"}),
        ("New-NetIPAddress", {"IPAddress": "10.9.9.9", "PrefixLength": 24}),
        ("Set-NetIPInterface", {"AddressFamily": "IPv4", "Dhcp": "Enabled"}),
        ("Set-DnsClientServerAddress", {"ServerAddresses": ["10.9.9.1"]}),
        ("Set-NetConnectionProfile", {"NetworkCategory": "Public"}),
    )
    with guarded_node(folder, engine, speed=20) as node:
        machine = node.machine
        before = held(machine)
        with started(node, SOMEWHERE, within_s=600) as run:
            run.waits()
            index = machine.network.get("NetAdapter")[-1]["InterfaceIndex"]
            for cmdlet, bound in others:
                call(machine, cmdlet, {"InterfaceIndex": index, **bound})
            refused = {cmdlet for cmdlet, _ in others} | {"New-NetRoute"}
            machine.denied |= refused
            (run.folder / "cancel").touch()
            until(lambda: bool(run.told()))
            left = run.told()[0]["left"]
            machine.denied -= refused
            machine.clock.advance(61)
            run.put_back()
        assert left == [
            "Ethernet: address 192.168.50.21",
            "Ethernet: further address 10.9.9.9",
            "Ethernet: DHCP",
            "Ethernet: route to 169.254.169.254/32",
            "Ethernet: DNS servers",
            "Ethernet: metric",
            "Ethernet: MTU",
            "Ethernet: category of the network",
            "Access is denied.",
        ]
        assert is_as_before(node, before)


CASES: tuple[Callable[[str, Path], None], ...] = (
    set_elsewhere,
    team,
    containers_come_and_go,
    container_gone_as_it_is_put_back,
    ipv6,
    leased_route,
    nothing_can_be_set,
)
