"""A node whose network is changed under a guard: the plan, the machine, and what must be there again."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compute_double import libraries
from nodes import base, settings
from winps import winps

from wincnode import runner
from wincnode.events import (
    Event,
    Finished,
    GuardConfirmed,
    GuardReverted,
    GuardWaiting,
    StepStarted,
)
from wincnode.lab import nodes
from wincnode.lab.faults import Faults, parse_fault
from wincnode.lab.model import ModelEngine
from wincnode.lab.nodes import LabNode, Wish
from wincnode.lab.windows import firewall
from wincnode.lab.windows.machine import Machine
from wincnode.plan import Guard, Plan, Step, to_wire
from wincnode.transport.shell import WinrmTransport

METADATA = {
    "AddressFamily": "IPv4",
    "DestinationPrefix": "169.254.169.254/32",
    "NextHop": "192.168.50.1",
    "InterfaceIndex": 4,
    "RouteMetric": 5,
}
DOCUMENT = {
    "Name": "External",
    "Type": "L2Bridge",
    "Owner": "wincnode",
    "SchemaVersion": {"Major": 2, "Minor": 0},
    "Flags": 16,
    "Ipams": [
        {
            "Type": "Static",
            "Subnets": [
                {
                    "IpAddressPrefix": "192.168.255.0/30",
                    "Routes": [{"NextHop": "192.168.255.1", "DestinationPrefix": "0.0.0.0/0"}],
                }
            ],
        }
    ],
    "Policies": [{"Type": "NetAdapterName", "Settings": {"NetworkAdapterName": "Ethernet"}}],
}
EXTERNAL = Step(
    id="1-external",
    kind="hns_network",
    title="external network",
    key={"name": "External"},
    want={"state": "present", "type": "L2Bridge", "document": json.dumps(DOCUMENT)},
    timeout_s=60,
)
FAILING = Step(
    id="2-never",
    kind="wait_for",
    title="a file that never comes",
    key={"subject": "file", "name": r"C:\never"},
    want={"state": "present"},
    timeout_s=1,
)
# Lets a test do something on the node between the guard's note and the change.
GATE = Step(
    id="0-gate",
    kind="wait_for",
    title="a file that the test makes",
    key={"subject": "file", "name": r"C:\gate"},
    want={"state": "present"},
    timeout_s=60,
)
# What a machine holds of its network, by which it is the same as before.
HELD = (
    *("NetAdapter", "NetIPAddress", "NetRoute", "NetIPInterface", "NetConnectionProfile"),
    "DnsClientServerAddress",
)
VIRTUAL = "vEthernet (Ethernet)"
# How long a node is waited for that puts its network back.
PATIENCE_S = 300


def set_by_hand(machine: Machine) -> None:
    """Give the machine an address, DNS servers, a metric, an MTU and routes that a person set."""
    network = machine.network
    for row in network["NetIPAddress"]:
        if row["PrefixOrigin"] == "Dhcp":
            row["PrefixOrigin"] = "Manual"
    for row in network["NetIPInterface"]:
        if (row["InterfaceIndex"], row["AddressFamily"]) == (4, "IPv4"):
            row |= {"Dhcp": "Disabled", "NlMtu": 1400}
            row |= {"InterfaceMetric": 7, "AutomaticMetric": "Disabled"}
    network.set_dns(4, ["10.0.0.53", "10.0.0.54"])
    network["NetRoute"] = [*network["NetRoute"], dict(METADATA)]


def held(machine: Machine) -> Mapping[str, Any]:
    """Give what the machine's network is, in an order of its own."""
    ours = {"Was", "InterfaceAlias", "Persistent"}
    return {
        what: sorted(
            json.dumps({name: row[name] for name in sorted(row.keys() - ours)})
            for row in machine.network.get(what)
        )
        for what in HELD
    }


@contextmanager
def guarded_node(
    folder: Path,
    engine: str,
    *faults: str,
    static: bool = True,
    name: str = "web-1",
    speed: float = 4.0,
    profile: str = "ws2022",
) -> Iterator[LabNode]:
    """Start a node with what is to go wrong; `speed` is the model's, scripts have clocks of ours."""
    chosen = [parse_fault(fault) for fault in faults]
    wrong = Faults(
        network=tuple(row for fault in chosen for row in fault.network),
        link_lost_s=max((fault.link_lost_s for fault in chosen), default=0.0),
    )
    wish = Wish(
        profile=profile,
        faults=wrong,
        powershell=Path(winps()) if engine == "powershell" else None,
        compute=libraries() if engine == "powershell" else None,
        speed=speed if engine == "model" else 1,
    )
    with nodes.lab_node(name, wish, folder) as node:
        if static:
            set_by_hand(node.machine)
        yield node


def wire_of(
    *steps: Step, within_s: int, port: int, clients: tuple[str, ...] = ("127.0.0.1",)
) -> tuple[str, dict[str, Any]]:
    """Give a run's id and its plan."""
    run = runner.new_run()
    guard = Guard(confirm_within_s=within_s, clients=clients, port=port)
    plan = Plan(node="web-1", steps=steps, guard=guard)
    return run, to_wire(plan, run=run, mode="apply", who=runner.who("network apply"))


@contextmanager
def linked(node: LabNode, address: str = "127.0.0.1") -> Iterator[WinrmTransport]:
    """Open a connection that gives a lost request up at once."""
    chosen = replace(settings(node), address=address, connect_timeout_s=1)
    link = WinrmTransport(chosen, resend_delays_s=())
    try:
        yield link
    finally:
        link.close()


def until(holds: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@dataclass(kw_only=True)
class Run:
    """A run under a guard: its events, as a client gets them one by one."""

    node: LabNode
    id: str
    events: Iterator[Event]
    seen: list[Event]

    def until(self, kind: type[Event]) -> None:
        """Follow it up to an event."""
        for event in self.events:
            self.seen.append(event)
            if isinstance(event, kind):
                return
        raise AssertionError(self.seen)

    def end(self) -> list[Event]:
        """Follow it to its end; gives all events."""
        self.seen.extend(self.events)
        return self.seen

    @property
    def folder(self) -> Path:
        """Its folder on the node's disk."""
        return base(self.node) / "runs" / self.id

    def journal(self) -> list[dict[str, Any]]:
        """Give what the node has written of it, without half a line at its end."""
        whole, _, _ = (self.folder / "journal.jsonl").read_text().rpartition("\n")
        return [json.loads(row) for row in whole.splitlines()]

    def told(self) -> list[dict[str, Any]]:
        """Give what the node has written of having put its network back."""
        return [row for row in self.journal() if row["type"] == "guard_reverted"]

    def waits(self) -> None:
        """Wait until the node has asked to be confirmed, while the client stands still."""
        self.until(StepStarted)
        until(lambda: self.journal()[-1]["type"] == "guard_waiting")

    def kill(self) -> None:
        """End the runner on the node, without a word."""
        pid = self.journal()[0]["pid"]
        if isinstance(self.node.engine, ModelEngine):
            self.node.engine.kill(pid)
        else:
            os.kill(pid, signal.SIGKILL)

    def dies(self) -> None:
        """End the runner, and let the minute pass after which the node's task looks."""
        self.kill()
        self.node.machine.clock.advance(61)

    def state(self) -> str:
        """Ask the node how its run is."""
        with linked(self.node) as link:
            return next(row.state for row in runner.list_runs(link, node="web-1"))

    def put_back(self) -> None:
        """Wait until the node has ended what it guards."""
        until(lambda: not (self.folder / "guarded").exists())
        until(lambda: self.journal()[-1]["type"] == "finished")
        until(lambda: not self.node.machine.tasks)


@contextmanager
def started(
    node: LabNode,
    *steps: Step,
    within_s: int = 300,
    port: int = 0,
    address: str = "127.0.0.1",
) -> Iterator[Run]:
    """Start a run under a guard."""
    run, wire = wire_of(*(steps or (EXTERNAL,)), within_s=within_s, port=port or node.port)
    with linked(node, address) as link:
        events = runner.detached(link, run=run, plan=wire, logon_pause_s=1)
        yield Run(node=node, id=run, events=events, seen=[])


@contextmanager
def going_back(folder: Path, engine: str, *faults: str) -> Iterator[tuple[LabNode, Run]]:
    """Start a node whose change waits to be confirmed; in the end it is as it was before."""
    with guarded_node(folder, engine, *faults) as node:
        before = held(node.machine)
        with started(node, within_s=600) as run:
            run.waits()
            yield node, run
        assert is_as_before(node, before)


def events_of(node: LabNode, *steps: Step, within_s: int = 300, port: int = 0) -> list[Event]:
    """Run the steps under a guard, and give all events."""
    with started(node, *steps, within_s=within_s, port=port) as run:
        return run.end()


def of_guard(events: list[Event]) -> list[str]:
    """List what the guard said, and how the run ended."""
    kinds = (GuardWaiting, GuardConfirmed, GuardReverted)
    said = [type(event).__name__ for event in events if isinstance(event, kinds)]
    return [*said, *(event.outcome for event in events if isinstance(event, Finished))]


def reverted(events: list[Event]) -> GuardReverted:
    """Give what the node says of having put its network back."""
    (event,) = [row for row in events if isinstance(row, GuardReverted)]
    return event


def is_as_before(node: LabNode, before: Mapping[str, Any]) -> bool:
    """Tell whether nothing is left of a change, nor of its guard."""
    machine = node.machine
    assert held(machine) == before
    assert machine.hns.documents("network") == ()
    assert not leftovers(node)
    return True


def leftovers(node: LabNode) -> list[str]:
    """List what a guard must not leave: its task, its folder, its rule."""
    machine = node.machine
    rules = [row for row in machine.registry.values(firewall.RULES) if row.startswith("wincnode")]
    guard = base(node) / "guard"
    tasks = [task.name for task in machine.tasks.values()]
    return [*tasks, *rules, *(["guard"] if guard.exists() else [])]
