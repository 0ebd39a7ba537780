"""Parts of Windows that do not do theirs while a network is guarded, HNS before all.

Each case gets an engine and a folder.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from guard_adapter_cases import further_adapter, gone
from guard_cases import texts
from guarded import (
    DOCUMENT,
    EXTERNAL,
    GATE,
    events_of,
    guarded_node,
    held,
    is_as_before,
    leftovers,
    linked,
    of_guard,
    reverted,
    started,
    until,
)
from nodes import base

from wincnode import runner
from wincnode.events import GuardWaiting, StepStarted
from wincnode.lab.windows import firewall
from wincnode.lab.windows.cmdlets import call


def hns_off(engine: str, folder: Path) -> None:
    """HNS that is off has not lost its networks: it is started, and asked until it answers."""
    with guarded_node(folder, engine, static=False) as node:
        before, services = held(node.machine), node.machine.services
        with started(node, within_s=600) as run:
            run.waits()
            index = node.machine.network.get("NetAdapter")[-1]["InterfaceIndex"]
            metric = {"InterfaceIndex": index, "AddressFamily": "IPv4", "InterfaceMetric": 42}
            call(node.machine, "Set-NetIPInterface", metric)
            services.change("hns", {"StartMode": "Disabled"})
            services.stop("hns")
            run.dies()
            until(lambda: bool(run.told()))
            assert [text for text in run.told()[0]["left"] if text.startswith("networks: ")]
            assert run.state() == "finished"
            services.change("hns", {"StartMode": "Manual"})
            node.machine.reboot()
            run.put_back()
        assert is_as_before(node, before)


def hns_never_there(engine: str, folder: Path) -> None:
    """HNS that was off before made nothing, so that nothing waits for it to come."""
    with guarded_node(folder, engine) as node:
        before = held(node.machine)
        node.machine.services.change("hns", {"StartMode": "Disabled"})
        events = events_of(node)
        assert of_guard(events) == ["GuardReverted", "failed"]
        assert reverted(events).left == ()
        assert is_as_before(node, before)


def hns_mute(engine: str, folder: Path) -> None:
    """Of HNS that does not say what it has nothing is changed."""
    with guarded_node(folder, engine) as node:
        before = held(node.machine)
        node.machine.hns.faults.add("hns-stopped")
        events = events_of(node)
        assert of_guard(events) == ["failed"]
        assert not [event for event in events if isinstance(event, StepStarted)]
        assert "HcnEnumerateNetworks gave 0x803b0020." in texts(events)
        assert is_as_before(node, before)


def refused_as_it_is_put_back(engine: str, folder: Path) -> None:
    """A network that HNS does not make again at once is made a minute later."""
    absent = replace(EXTERNAL, want={"state": "absent"})
    with guarded_node(folder, engine) as node:
        id = node.machine.hns.create("network", "", json.loads(json.dumps(DOCUMENT)))
        before = held(node.machine)
        with started(node, absent, within_s=600) as run:
            run.waits()
            node.machine.hns.faults.add("hns-refused")
            run.dies()
            until(lambda: bool(run.told()))
            assert run.told()[0]["left"][0].startswith("network External: ")
            node.machine.hns.faults.clear()
            node.machine.clock.advance(61)
            run.put_back()
        assert [row["ID"] for row in node.machine.hns.documents("network")] == [id]
        assert held(node.machine) == before
        assert not leftovers(node)


def adapters_unread(engine: str, folder: Path) -> None:
    """Adapters of which Windows tells nothing keep no network, and are asked again."""
    with guarded_node(folder, engine) as node:
        before = held(node.machine)
        with started(node, GATE, EXTERNAL) as run:
            run.until(StepStarted)
            node.machine.denied.add("Get-DnsClientServerAddress")
            node.machine.path(r"C:\gate").touch()
            until(lambda: bool(run.told()))
            (told,) = run.told()
            node.machine.denied.clear()
            node.machine.clock.advance(61)
            run.put_back()
        assert (told["reason"], told["left"]) == (
            "Access is denied.",
            ["adapters: Access is denied."],
        )
        assert is_as_before(node, before)


def public_as_it_is_put_back(engine: str, folder: Path) -> None:
    """A domain's network that is Public after all keeps a door, which the manifest has."""
    with guarded_node(folder, engine, "profile-public") as node:
        network = node.machine.network
        (row,) = network["NetConnectionProfile"]
        row["NetworkCategory"] = "DomainAuthenticated"
        with started(node, within_s=600) as run:
            run.waits()
            (row,) = network["NetConnectionProfile"]
            del row["Was"]  # what the lab would call it once it is back
            node.machine.denied.add("New-NetFirewallRule")
            (run.folder / "cancel").touch()
            until(lambda: bool(run.told()))
            # Until that door can be made, the guard's is left open.
            assert run.told()[0]["left"] == ["firewall: Access is denied."]
            assert "wincnode-guard" in node.machine.registry.values(firewall.RULES)
            node.machine.denied.clear()
            node.machine.clock.advance(61)
            run.put_back()
        assert network.category() == "Public"
        assert leftovers(node) == ["wincnode-winrm"]
        manifest = json.loads((base(node) / "manifest.json").read_text())
        owned = [row for row in manifest["entries"] if row["kind"] == "firewall_rule"]
        assert [row["key"] for row in owned] == [{"name": "wincnode-winrm"}]
        with linked(node) as link:
            assert runner.list_runs(link, node="web-1")


def unnamed_as_it_is_confirmed(engine: str, folder: Path) -> None:
    """A network that Windows has yet to name, or an adapter that is gone, keeps a door, too."""
    with guarded_node(folder, engine) as node:
        network = node.machine.network
        further_adapter(node, "Storage", 9)
        row = {**network["NetConnectionProfile"][0], "InterfaceIndex": 9}
        network["NetConnectionProfile"] = [*network["NetConnectionProfile"], row]
        with started(node) as run:
            run.until(GuardWaiting)
            network.forget("NetConnectionProfile", lambda _row: False)
            gone(node, 9)
            # Nobody reaches the node by its address.
            network["NetAdapter"] = network["NetAdapter"]
            events = run.end()
        assert of_guard(events) == ["GuardWaiting", "GuardConfirmed", "ok"], texts(events)
        assert "of vEthernet (Ethernet), Storage" in texts(events)
        assert leftovers(node) == ["wincnode-winrm"]


def domain_found(engine: str, folder: Path) -> None:
    """A network that Windows has found to be a domain's is left so, though it was Public."""
    with guarded_node(folder, engine, speed=20) as node:
        network = node.machine.network
        (row,) = network["NetConnectionProfile"]
        row["NetworkCategory"] = "Public"
        with started(node, within_s=600) as run:
            run.waits()
            (row,) = network["NetConnectionProfile"]
            row["NetworkCategory"] = "DomainAuthenticated"
            (run.folder / "cancel").touch()
            until(lambda: bool(run.told()))
            assert run.told()[0]["left"] == []
            run.put_back()
        assert network.category() == "DomainAuthenticated"
        assert not leftovers(node)


CASES: tuple[Callable[[str, Path], None], ...] = (
    hns_off,
    hns_never_there,
    hns_mute,
    refused_as_it_is_put_back,
    adapters_unread,
    public_as_it_is_put_back,
    unnamed_as_it_is_confirmed,
    domain_found,
)
