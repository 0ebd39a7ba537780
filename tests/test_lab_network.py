"""The lab's adapters change with HNS and with cmdlets, and decide who reaches the node."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from guarded import DOCUMENT, METADATA, VIRTUAL, held, set_by_hand

from wincnode.lab.model import ModelEngine, guard
from wincnode.lab.model.host import Host
from wincnode.lab.windows import firewall, triggers
from wincnode.lab.windows.clock import Clock
from wincnode.lab.windows.cmdlets import CmdletError, call
from wincnode.lab.windows.machine import Machine, Task
from wincnode.lab.windows.profiles import load_profile

INDEX, NEW = 4, 5


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A server with an address that a person set, whose clock stands still."""
    made = Machine(load_profile("ws2022"), tmp_path, computer="WEB-1", clock=Clock(speed=1e-6))
    set_by_hand(made)
    return made


def bind(machine: Machine) -> str:
    """Make an external network; gives its id."""
    return machine.hns.create("network", "", json.loads(json.dumps(DOCUMENT)))


def prefixes(machine: Machine, index: int) -> set[str]:
    rows = machine.network.get("NetRoute")
    return {row["DestinationPrefix"] for row in rows if row["InterfaceIndex"] == index}


def test_an_adapter_that_dhcp_does_not_answer_has_its_address_again_afterwards(
    tmp_path: Path,
) -> None:
    """HNS tells no address either, and nobody reaches the node meanwhile."""
    made = Machine(load_profile("ws2022"), tmp_path, computer="WEB-1", clock=Clock(speed=1e-6))
    before = held(made)
    made.network.suffer({"address-lost"})
    id = bind(made)
    made.network.sync()

    for _ in range(4):
        told = made.hns.query("network", id)

    assert "ProviderAddress" not in {row["Type"] for row in told["Policies"]}
    assert made.network.physical() == {"Ethernet": "169.254.21.50"}
    assert not made.network.lets_in("127.0.0.1", 5985)
    made.hns.delete("network", id)
    assert held(made) == before
    assert made.network.lets_in("127.0.0.1", 5985)


def test_settings_go_to_the_virtual_adapter_and_come_back(machine: Machine) -> None:
    """All but the metric, the MTU and the route of the metadata, as on Windows."""
    before = prefixes(machine, INDEX)
    id = bind(machine)

    assert machine.network.physical() == {"Ethernet": "192.168.50.21"}
    assert prefixes(machine, INDEX) == set()
    assert before - prefixes(machine, NEW) == {METADATA["DestinationPrefix"]}
    (link,) = call(
        machine, "Get-NetIPInterface", {"InterfaceIndex": [NEW], "AddressFamily": ["IPv4"]}
    )
    assert (link["NlMtu"], link["InterfaceMetric"]) == (1500, 15)
    (dns,) = call(machine, "Get-DnsClientServerAddress", {"InterfaceIndex": [NEW]})
    assert dns["ServerAddresses"] == ["10.0.0.53", "10.0.0.54"]

    machine.hns.delete("network", id)
    assert [row["Name"] for row in machine.network.get("NetAdapter")] == ["Ethernet"]
    assert before - prefixes(machine, INDEX) == {METADATA["DestinationPrefix"]}


def test_what_was_set_by_hand_can_be_lost_and_set_again(machine: Machine) -> None:
    """The node answers at its own address alone."""
    before = held(machine)
    machine.network.suffer(["static-lost"])
    id = bind(machine)
    assert not machine.network.lets_in("127.0.0.1", 40000)

    call(
        machine,
        "New-NetIPAddress",
        {"InterfaceIndex": NEW, "IPAddress": "192.168.50.21", "PrefixLength": 24},
    )
    assert machine.network.lets_in("127.0.0.1", 40000)
    assert "192.168.50.0/24" in prefixes(machine, NEW)

    machine.network.faults.clear()
    machine.hns.delete("network", id)
    route = {"DestinationPrefix": "0.0.0.0/0", "NextHop": "192.168.50.1", "RouteMetric": 0}
    metadata = {name: METADATA[name] for name in route}
    for row in (route, metadata):
        call(machine, "New-NetRoute", {"InterfaceIndex": INDEX, **row})
    link = {"InterfaceIndex": [INDEX], "AddressFamily": ["IPv4"]}
    call(machine, "Set-NetIPInterface", {**link, "InterfaceMetric": 7, "NlMtuBytes": 1400})
    call(
        machine,
        "Set-DnsClientServerAddress",
        {"InterfaceIndex": [INDEX], "ServerAddresses": ["10.0.0.53", "10.0.0.54"]},
    )
    assert held(machine) == before


@pytest.mark.parametrize(
    ("cmdlet", "bound", "says"),
    [
        ("New-NetIPAddress", {"IPAddress": "192.168.50.21", "PrefixLength": 24}, "already exists"),
        ("New-NetIPAddress", {"InterfaceIndex": 99, "IPAddress": "10.1.1.1"}, "No MSFT"),
        ("New-NetRoute", {"DestinationPrefix": "0.0.0.0/0", "NextHop": "192.168.50.1"}, "exists"),
        ("Remove-NetIPAddress", {"IPAddress": ["10.9.9.9"]}, "No MSFT_NetIPAddress"),
        ("Remove-NetRoute", {"DestinationPrefix": ["10.9.0.0/16"]}, "No MSFT_NetRoute"),
        ("Set-NetIPInterface", {"InterfaceIndex": [99], "Dhcp": "Enabled"}, "No MSFT"),
        ("Set-NetConnectionProfile", {"NetworkCategory": "DomainAuthenticated"}, "Unable to set"),
        ("Set-DnsClientServerAddress", {"InterfaceIndex": [99]}, "No MSFT"),
    ],
)
def test_a_cmdlet_refuses_what_windows_refuses(
    cmdlet: str, bound: dict[str, Any], says: str, machine: Machine
) -> None:
    """Nothing is changed then."""
    before = held(machine)
    with pytest.raises(CmdletError) as caught:
        call(machine, cmdlet, {"InterfaceIndex": INDEX, **bound})
    assert says in caught.value.message
    assert held(machine) == before


def test_a_link_is_lost_for_so_long_on_the_clock_of_the_node(machine: Machine) -> None:
    """From the moment on when the adapter is put under a switch."""
    machine.network.suffer([], lost_s=90)
    assert machine.network.lets_in("127.0.0.1", 40000)
    bind(machine)
    assert not machine.network.lets_in("127.0.0.1", 40000)
    machine.clock.advance(89)
    assert not machine.network.lets_in("127.0.0.1", 40000)
    machine.clock.advance(2)
    assert machine.network.lets_in("127.0.0.1", 40000)


def test_a_public_network_lets_in_whom_a_rule_names(machine: Machine) -> None:
    """By profile, port and address; its category cannot be changed meanwhile."""
    machine.network.suffer(["profile-public"])
    assert machine.network.lets_in("10.0.0.5", 40000)
    bind(machine)
    assert not machine.network.lets_in("10.0.0.5", 40000)
    rule = {"Name": "door", "DisplayName": "door", "Protocol": "TCP", "Direction": "Inbound"}
    rule |= {"LocalPort": ["40000"], "RemoteAddress": ["10.0.0.5"], "Profile": ["Any"]}
    firewall.add(machine.registry, rule)
    assert machine.network.lets_in("10.0.0.5", 40000)
    assert not machine.network.lets_in("10.0.0.6", 40000)
    assert not machine.network.lets_in("10.0.0.5", 40001)
    private = {"InterfaceIndex": [NEW], "NetworkCategory": "Private"}
    with pytest.raises(CmdletError) as caught:
        call(machine, "Set-NetConnectionProfile", private)
    assert "Network List Manager Policies" in caught.value.message


def test_a_task_starts_with_the_machine_and_at_its_times(machine: Machine) -> None:
    """Each minute from a time on, until it is unregistered."""
    ran = threading.Semaphore(0)
    machine.start_task = lambda _task: ran.release()
    soon = datetime.now(UTC) + timedelta(seconds=60)
    rows = (
        {"AtStartup": True},
        {"At": f"/Date({soon.timestamp() * 1000:.0f})/", "RepetitionInterval": "00:01:00"},
    )
    task = Task(
        path="\\",
        name="t",
        execute="powershell.exe",
        argument="",
        folder="C:\\",
        triggers=tuple(triggers.of(row) for row in rows),
    )
    machine.tasks["\\t"] = task
    triggers.follow(machine, "\\t", task)

    machine.reboot()
    assert ran.acquire(timeout=5)
    for _ in range(2):
        assert not ran.acquire(timeout=0.1)
        machine.clock.advance(61)
        assert ran.acquire(timeout=5)
    del machine.tasks["\\t"]
    machine.clock.advance(61)
    assert not ran.acquire(timeout=0.2)
    machine.gone.set()


def test_who_decides_first_has_decided(machine: Machine) -> None:
    """A client that confirms at the very moment of the deadline is in time, or is told that it is not."""
    host = Host(machine)
    with ModelEngine(machine):
        for number in range(50):
            folder = rf"C:\runs\{number}"
            host.disk.make_folder(folder)
            said: list[tuple[str, str]] = []
            start = threading.Barrier(2)

            def decide(
                word: str,
                folder: str = folder,
                said: list[tuple[str, str]] = said,
                start: threading.Barrier = start,
            ) -> None:
                start.wait()
                said.append((word, guard.set_verdict(host, folder, word)))

            both = [
                threading.Thread(target=decide, args=(row,)) for row in ("confirmed", "reverted")
            ]
            for thread in both:
                thread.start()
            for thread in both:
                thread.join()
            assert len({word for _, word in said}) == 1
            assert said[0][1] in {"confirmed", "reverted"}
    assert VIRTUAL not in {row["Name"] for row in machine.network.get("NetAdapter")}
