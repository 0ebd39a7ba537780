"""Who may confirm a change of the network, and who is taken for whom.

Each case gets an engine and a folder.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from guard_cases import NAME, named, texts
from guarded import (
    EXTERNAL,
    guarded_node,
    leftovers,
    linked,
    of_guard,
    started,
    wire_of,
)
from nodes import base

from wincnode import runner
from wincnode.errors import RunFailed
from wincnode.events import GuardWaiting
from wincnode.lab.faults import Faults, parse_fault
from wincnode.lab.windows import firewall


def confirmed_for_another(engine: str, folder: Path) -> None:
    """A word for an ended run, for one that never was, or for none at all moves nothing."""
    with guarded_node(folder, engine) as node:
        with started(node, within_s=600) as first:
            first.waits()
            (first.folder / "cancel").touch()
            first.put_back()
        with started(node, within_s=600) as run:
            run.waits()
            wrong = ((first.id, "too late"), ("0" * 32, "No change"), (r"..\runs", "No change"))
            for id, words in wrong:
                with pytest.raises(RunFailed, match=words), linked(node) as link:
                    list(runner.confirm(link, node="web-1", run=id))
            assert not (run.folder / "verdict").exists()
            with linked(node) as link:
                list(runner.confirm(link, node="web-1", run=run.id))
            assert of_guard(run.end())[-2:] == ["GuardConfirmed", "ok"]
        with pytest.raises(RunFailed, match="No change"), linked(node) as link:
            list(runner.confirm(link, node="web-1"))


def clone(engine: str, folder: Path) -> None:
    """A copy of the machine with its MachineGuid is told apart by its name, and asked nothing."""
    with (
        guarded_node(folder / "one", engine) as node,
        guarded_node(folder / "two", "model", name="web-2") as other,
    ):

        def where() -> tuple[str, int]:
            moved = node.machine.hns.bound() and (base(node) / "guard").exists()
            copy = moved and other.server.requests.count("Command") < 1
            return "127.0.0.1", other.port if copy else node.port

        with named(where), started(node, address=NAME) as run:
            events = run.end()

        assert of_guard(events) == ["GuardWaiting", "GuardConfirmed", "ok"], texts(events)
        assert "another machine answers under this name" in texts(events)
        assert not base(other).exists()


def twin(engine: str, folder: Path) -> None:
    """Whoever has nothing to confirm is another one; the node is asked again once it answers."""
    with (
        guarded_node(folder / "one", engine) as node,
        guarded_node(folder / "two", "model") as other,
    ):
        waiting: list[bool] = []

        def where() -> tuple[str, int]:
            # Who it is, whether it confirms, and what became of the run.
            asked = other.server.requests.count("Command")
            return "127.0.0.1", other.port if waiting and asked < 3 else node.port

        with named(where), started(node, address=NAME) as run:
            run.until(GuardWaiting)
            waiting.append(True)
            events = run.end()

        assert of_guard(events) == ["GuardWaiting", "GuardConfirmed", "ok"], texts(events)
        assert other.server.requests.count("Command") >= 3
        assert not base(other).exists()


def refused_at_first(engine: str, folder: Path) -> None:
    """Behind a new switch a domain logon may fail for a while; twice it is asked for again."""
    with guarded_node(folder, engine) as node, started(node) as run:
        run.until(GuardWaiting)
        node.server.faults = parse_fault("deny")
        heal = threading.Timer(0.5, lambda: setattr(node.server, "faults", Faults()))
        heal.start()
        events = run.end()
        heal.join()
        assert of_guard(events) == ["GuardWaiting", "GuardConfirmed", "ok"], texts(events)


def mute(engine: str, folder: Path) -> None:
    """A shell that ends without a word, as one that has no memory, is asked to confirm again."""
    with guarded_node(folder, engine) as node, started(node) as run:
        run.until(GuardWaiting)
        node.server.faults = parse_fault("early-exit")
        asked = len(node.server.requests)

        def heal(_number: int) -> None:
            if node.server.requests[asked:].count("Command") > 2:
                node.server.faults = Faults()

        node.server.on_reply.append(heal)
        events = run.end()
        assert of_guard(events) == ["GuardWaiting", "GuardConfirmed", "ok"], texts(events)


def followed(engine: str, folder: Path) -> None:
    """Who attaches to a run that waits has reached the node, and confirms."""
    with guarded_node(folder, engine) as node, started(node, within_s=600) as run:
        run.waits()
        with linked(node) as link:
            events = list(runner.follow(link, run=run.id, node="web-1"))
        assert of_guard(events) == ["GuardWaiting", "GuardConfirmed", "ok"]


def scoped_client(engine: str, folder: Path) -> None:
    """A client by a link-local address is let in without the scope, which no rule takes."""
    with guarded_node(folder, engine) as node:
        row = {"State": "Established", "LocalPort": node.port, "LocalAddress": "fe80::1"}
        node.machine.network["NetTCPConnection"].append(
            {**row, "RemoteAddress": "fe80::7%4", "OwningProcess": 4}
        )
        with started(node, within_s=600) as run:
            run.waits()
            rule = str(node.machine.registry.data(firewall.RULES, "wincnode-guard"))
            assert "|RA6=fe80::7|" in rule
            (run.folder / "cancel").touch()
            run.put_back()


def nobody(engine: str, folder: Path) -> None:
    """Where no client is known that could come back, nothing is changed."""
    with guarded_node(folder, engine) as node, linked(node) as link:
        run, wire = wire_of(EXTERNAL, within_s=3, port=1, clients=())
        events = list(runner.detached(link, run=run, plan=wire))
        assert "The guard knows no client that could come back." in texts(events)
        assert of_guard(events) == ["failed"]
        assert not node.machine.hns.documents("network")
        assert not leftovers(node)


CASES: tuple[Callable[[str, Path], None], ...] = (
    confirmed_for_another,
    clone,
    twin,
    mute,
    followed,
    scoped_client,
    refused_at_first,
    nobody,
)
