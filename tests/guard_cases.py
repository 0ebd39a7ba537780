"""What a guard promises, whichever engine the node has; each case gets an engine and a folder."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from guarded import (
    DOCUMENT,
    EXTERNAL,
    FAILING,
    METADATA,
    VIRTUAL,
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
    wire_of,
)
from nodes import base

from wincnode import runner
from wincnode.errors import NodeLocked, NodeUnreachable, RunFailed
from wincnode.events import Event, Finished, GuardWaiting, Launched, Log, StepStarted
from wincnode.lab.windows import firewall
from wincnode.lab.windows.cmdlets import call
from wincnode.lab.windows.registry import Value

NAME = "web-1.lab.example"
CRYPTOGRAPHY = r"HKLM\SOFTWARE\Microsoft\Cryptography"


def only(events: list[Event], kind: type[Event]) -> Any:
    (event,) = [row for row in events if isinstance(row, kind)]
    return event


def texts(events: list[Event]) -> str:
    return " ".join(event.text for event in events if isinstance(event, Log))


@contextmanager
def named(where: Callable[[], tuple[str, int]]) -> Iterator[None]:
    """Let the node's name lead where the function says: the one thing that no loopback has."""
    real = socket.getaddrinfo

    def answer(host: Any, *rest: Any, **more: Any) -> Any:
        if host != NAME:
            return real(host, *rest, **more)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", where())]

    with mock.patch("socket.getaddrinfo", answer):
        yield


def confirmed(engine: str, folder: Path) -> None:
    """Address, DNS servers, routes, metric and MTU are the virtual adapter's, and nothing is left.

    The same plan again changes nothing, so that nobody has to confirm.
    """
    with guarded_node(folder, engine, "static-lost") as node:
        # The node itself sees who is connected to the port of its WinRM.
        events = events_of(node, port=5986)
        again = events_of(node)

        assert of_guard(events) == ["GuardWaiting", "GuardConfirmed", "ok"]
        waiting = only(events, GuardWaiting)
        (before,) = waiting.before
        after = next(row for row in waiting.after if row["name"] == VIRTUAL)
        same = ("addresses", "dns", "dns_set", "routes", "metric", "mtu", "category", "dhcp", "mac")
        assert {name: after[name] for name in same} == {name: before[name] for name in same}
        assert {row["destination"] for row in after["routes"]} == {
            "0.0.0.0/0",
            METADATA["DestinationPrefix"],
        }
        assert not leftovers(node)
        assert of_guard(again) == ["ok"]


def lost_for_ever(engine: str, folder: Path) -> None:
    """The node is back as it was, and the run has failed, with the reason."""
    with guarded_node(folder, engine, "link-lost", "static-lost") as node:
        before = held(node.machine)

        events = events_of(node, within_s=3)

        assert of_guard(events) == ["GuardWaiting", "GuardReverted", "failed"]
        assert reverted(events).reason == "No client came back and confirmed within 3 s."
        assert reverted(events).left == ()
        assert reverted(events).after == only(events, GuardWaiting).before
        assert is_as_before(node, before)


def lost_for_a_while(engine: str, folder: Path) -> None:
    """Who comes back within the limit confirms, and the run ends well."""
    with guarded_node(folder, engine, "link-lost=6") as node:
        events = events_of(node)
        assert node.server.requests.count("Create") > 1
    assert of_guard(events) == ["GuardWaiting", "GuardConfirmed", "ok"]


def client_killed(engine: str, folder: Path) -> None:
    """A client that is gone confirms nothing."""
    with guarded_node(folder, engine) as node:
        before = held(node.machine)
        with started(node, within_s=3) as run:
            run.waits()
            run.put_back()
            assert [row["type"] for row in run.journal()][-2:] == ["guard_reverted", "finished"]
        assert is_as_before(node, before)


def address_changed(engine: str, folder: Path) -> None:
    """The name is asked again, the machine is the same one, and the run ends well."""
    with guarded_node(folder, engine, "address-changed", static=False) as node:
        with (
            named(lambda: (node.server.address, node.port)),
            started(node, address=NAME) as run,
        ):
            events = run.end()

        assert of_guard(events) == ["GuardWaiting", "GuardConfirmed", "ok"]
        assert node.server.address == "127.0.0.2"
        (address,) = only(events, GuardWaiting).after[-1]["addresses"]
        assert address["address"] == "192.168.50.71"


def another_machine(engine: str, folder: Path) -> None:
    """A machine that has got the name is told apart, asked to confirm nothing, and left alone."""
    with (
        guarded_node(folder / "one", engine) as node,
        guarded_node(folder / "two", "model", name="web-2") as other,
    ):
        other.machine.registry.set(
            CRYPTOGRAPHY, "MachineGuid", Value(kind="String", data="another")
        )
        before = held(node.machine)
        guard = base(node) / "guard"

        def where() -> tuple[str, int]:
            moved = node.machine.hns.bound() and guard.exists()
            return "127.0.0.1", other.port if moved else node.port

        with named(where), started(node, within_s=8, address=NAME) as run:
            run.until(GuardWaiting)
            events = run.end()

        assert of_guard(events) == ["GuardWaiting", "GuardReverted", "failed"]
        assert "another machine answers under this name" in texts(events)
        assert other.server.requests.count("Command") >= 1
        assert not base(other).exists()
        assert is_as_before(node, before)


def runner_killed(engine: str, folder: Path) -> None:
    """A minute later the node's task puts the network back, and who follows the run is told so."""
    with guarded_node(folder, engine) as node:
        before = held(node.machine)
        with started(node, within_s=600) as run:
            run.waits()
            run.kill()
            with (run.folder / "journal.jsonl").open("a") as journal:
                journal.write('{"seq":99,"type":"finished","outc')
            with linked(node) as link:
                (listed,) = runner.list_runs(link, node="web-1")
            node.machine.clock.advance(61)
            run.put_back()
            events = run.end()

        assert listed.state == "waiting"
        assert of_guard(events) == ["GuardWaiting", "GuardReverted", "failed"]
        assert reverted(events).reason == "The run ended before a client confirmed."
        assert is_as_before(node, before)


def rebooted(engine: str, folder: Path) -> None:
    """A node that starts anew puts its network back, as nobody can confirm what was cut off."""
    with guarded_node(folder, engine) as node:
        before = held(node.machine)
        with started(node, within_s=600) as run:
            run.waits()
            node.machine.reboot()
            run.put_back()
            assert [row["type"] for row in run.journal()][-2:] == ["guard_reverted", "finished"]
        assert is_as_before(node, before)


def confirmed_by_hand_for_a_dead_runner(engine: str, folder: Path) -> None:
    """What is confirmed stays confirmed, though the runner died before it saw it."""
    with guarded_node(folder, engine) as node, started(node, within_s=600) as run:
        run.waits()
        run.kill()
        with linked(node) as link:
            said = list(runner.confirm(link, node="web-1"))
        node.machine.clock.advance(61)
        events = run.end()

        assert run.id in texts(said)
        assert of_guard(events)[-2:] == ["GuardConfirmed", "ok"]
        assert node.machine.hns.bound()
        assert not leftovers(node)


def public_with_our_rule(engine: str, folder: Path) -> None:
    """The client is let in while it is to confirm, and afterwards, as the network stays public."""
    with guarded_node(folder, engine, "profile-public") as node:
        events = events_of(node)

        assert of_guard(events) == ["GuardWaiting", "GuardConfirmed", "ok"]
        assert "wincnode-winrm lets 127.0.0.1 in" in texts(events)
        assert leftovers(node) == ["wincnode-winrm"]
        manifest = json.loads((base(node) / "manifest.json").read_text())
        owned = [row for row in manifest["entries"] if row["kind"] == "firewall_rule"]
        assert [(row["key"], row["before"]) for row in owned] == [
            ({"name": "wincnode-winrm"}, {"state": "absent"})
        ]
        with linked(node) as link:
            assert runner.list_runs(link, node="web-1")


def public_without_our_rule(engine: str, folder: Path) -> None:
    """A rule for another port is none for WinRM: the client is locked out, and the node reverts."""
    with guarded_node(folder, engine, "profile-public") as node:
        before = held(node.machine)

        events = events_of(node, within_s=3, port=1)

        assert of_guard(events) == ["GuardWaiting", "GuardReverted", "failed"]
        assert is_as_before(node, before)


def step_failed(engine: str, folder: Path) -> None:
    """What was changed before it is put back at once, whoever could be reached."""
    with guarded_node(folder, engine) as node:
        before = held(node.machine)

        events = events_of(node, EXTERNAL, FAILING, within_s=600)

        assert of_guard(events) == ["GuardReverted", "failed"]
        assert reverted(events).reason == "A step failed."
        assert is_as_before(node, before)


def cancelled(engine: str, folder: Path) -> None:
    """Who cancels a run that waits need not wait for its limit."""
    with guarded_node(folder, engine) as node, started(node, within_s=600) as run:
        before = held(node.machine)
        run.waits()
        # The connection goes with the network; on a slow machine before the reply.
        with linked(node) as link, suppress(NodeUnreachable):
            assert "stops" in texts(list(runner.cancel(link, run=run.id, node="web-1")))
        run.put_back()
        assert run.journal()[-1]["outcome"] == "cancelled"
        assert is_as_before(node, before)


def unguarded(engine: str, folder: Path) -> None:
    """Where nothing can guard the change, nothing is changed, and the reason is told."""
    with guarded_node(folder, engine) as node:
        before = held(node.machine)
        node.machine.denied.add("wincnode-guard")
        without_task = events_of(node)
        assert is_as_before(node, before)
        (base(node) / "guard").write_text("a file in its place")
        without_note = events_of(node)
        (base(node) / "guard").unlink()
        assert is_as_before(node, before)
    assert "as nothing could guard it: Access is denied." in texts(without_task)
    for events in (without_task, without_note):
        assert of_guard(events) == ["failed"]
        assert not [event for event in events if isinstance(event, StepStarted)]


def left_half_way(engine: str, folder: Path) -> None:
    """What cannot be put back is named and tried again; the rest is done meanwhile."""
    with guarded_node(folder, engine, "static-lost", speed=20) as node:
        before = held(node.machine)
        with started(node, within_s=600) as run:
            run.waits()
            node.machine.hns.faults.add("hns-stopped")
            (run.folder / "cancel").touch()
            until((run.folder / "verdict").exists)
            events = run.end()
            left = reverted(events).left
            assert any(text.startswith("network") for text in left), left
            # The door stays open, and the address is where it can be reached.
            assert "wincnode-guard" in node.machine.registry.values(firewall.RULES)
            assert node.machine.network.lets_in("127.0.0.1", node.port)
            with pytest.raises(RunFailed, match="too late"), linked(node) as link:
                list(runner.confirm(link, node="web-1", run=run.id))
            with suppress(NodeLocked):  # the node's task may be at it already
                assert "nobody has confirmed it" in texts(events_of(node))
            node.machine.hns.faults.clear()
            node.machine.clock.advance(61)
            run.put_back()
        assert is_as_before(node, before)


def two_clients(engine: str, folder: Path) -> None:
    """One that comes second is refused while the first one's change waits; it may confirm it."""
    with guarded_node(folder, engine) as node, started(node, within_s=600) as run:
        run.waits()
        with linked(node) as link:
            id, wire = wire_of(EXTERNAL, within_s=3, port=node.port)
            with pytest.raises(NodeLocked, match="network apply"):
                list(runner.detached(link, run=id, plan=wire))
            list(runner.confirm(link, node="web-1", run=run.id))
            list(runner.confirm(link, node="web-1", run=run.id))  # twice is once
        assert of_guard(run.end())[-2:] == ["GuardConfirmed", "ok"]


def touched_meanwhile(engine: str, folder: Path) -> None:
    """What others set on the new adapter goes with it; what DHCP gave is DHCP's again."""
    with guarded_node(folder, engine, static=False) as node:
        network = node.machine.network
        network["NetRoute"] = [*network["NetRoute"], {**METADATA, "Persistent": False}]
        before = held(node.machine)
        with started(node, within_s=600) as run:
            run.waits()
            rows = network.get("NetAdapter")
            (index,) = [row["InterfaceIndex"] for row in rows if row["Name"] == VIRTUAL]
            for cmdlet, bound in (
                ("New-NetIPAddress", {"IPAddress": "10.9.9.9", "PrefixLength": 24}),
                ("Set-DnsClientServerAddress", {"ServerAddresses": ["10.9.9.1"]}),
                ("Set-NetConnectionProfile", {"NetworkCategory": "Public"}),
            ):
                call(node.machine, cmdlet, {"InterfaceIndex": index, **bound})
            (run.folder / "cancel").touch()
            run.put_back()
        assert is_as_before(node, before)


def beside_another(engine: str, folder: Path) -> None:
    """The network of somebody else is left alone; a note that an ended run left is none of ours."""
    schema = {"Major": 2, "Minor": 0}
    other = {"Name": "theirs", "Type": "Private", "Owner": "them", "SchemaVersion": schema}
    with guarded_node(folder, engine) as node:
        id = node.machine.hns.create("network", "", other)
        (base(node) / "guard").mkdir(parents=True)
        with started(node, within_s=600) as run:
            run.waits()
            assert len(node.machine.hns.documents("network")) == 2
            (run.folder / "cancel").touch()
            run.put_back()
        (network,) = node.machine.hns.documents("network")
        assert (network["ID"], network["Owner"]) == (id, "them")
        assert not leftovers(node)


def removed_and_put_back(engine: str, folder: Path) -> None:
    """A network that the steps removed is there again, with its id and all that lay on its port."""
    absent = replace(EXTERNAL, want={"state": "absent"})
    with guarded_node(folder, engine) as node:
        id = node.machine.hns.create("network", "", json.loads(json.dumps(DOCUMENT)))
        before = held(node.machine)
        with started(node, absent, within_s=600) as run:
            run.waits()
            assert node.machine.hns.documents("network") == ()
            (run.folder / "cancel").touch()
            run.put_back()
        (network,) = node.machine.hns.documents("network")
        assert (network["ID"], network["Name"]) == (id, "External")
        assert held(node.machine) == before
        assert not leftovers(node)


def not_brought_over(engine: str, folder: Path) -> None:
    """An address that cannot be had on the new adapter is a reason to go back, and is told."""
    taken = {"AddressFamily": "IPv4", "InterfaceIndex": 1, "IPAddress": "192.168.50.21"}
    taken |= {"PrefixLength": 32, "PrefixOrigin": "WellKnown"}
    with guarded_node(folder, engine, "static-lost", speed=20) as node:
        before = held(node.machine)
        node.machine.network["NetIPAddress"].append(taken)
        with started(node, within_s=600) as run:
            run.until(Launched)
            until((run.folder / "journal.jsonl").exists)
            until(lambda: any(row["type"] == "guard_reverted" for row in run.journal()))
            node.machine.network.forget("NetIPAddress", lambda row: row is not taken)
            node.machine.clock.advance(61)
            run.put_back()
            (told,) = [row for row in run.journal() if row["type"] == "guard_reverted"]

        lost = "Ethernet: address 192.168.50.21"
        assert told["reason"] == f"What the node had did not come along: {lost}"
        assert lost in told["left"]
        assert any("already exists" in text for text in told["left"])
        assert is_as_before(node, before)


def attached(engine: str, folder: Path) -> None:
    """A guard needs a run that outlives the connection."""
    with guarded_node(folder, engine) as node, linked(node) as link:
        run, wire = wire_of(EXTERNAL, within_s=3, port=node.port)
        events = list(runner.attached(link, run=run, plan=wire))
        assert "A plan with a guard needs a detached run." in texts(events)
        assert only(events, Finished).outcome == "failed"
        assert not node.machine.hns.documents("network")
        with pytest.raises(RunFailed, match="No change of the network waits"):
            list(runner.confirm(link, node="web-1"))


CASES = (
    *(confirmed, lost_for_ever, lost_for_a_while, client_killed, address_changed),
    *(another_machine, runner_killed, rebooted, confirmed_by_hand_for_a_dead_runner),
    *(public_with_our_rule, public_without_our_rule, step_failed, cancelled, unguarded),
    *(left_half_way, two_clients, touched_meanwhile, beside_another),
    *(removed_and_put_back, not_brought_over, attached),
)
