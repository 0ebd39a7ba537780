"""Reboots between runs: only from another boot is a node back."""

from __future__ import annotations

import fcntl
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from journeys import QUICK, boot, reboots_twice
from nodes import ENGINES, base, lab_node, linked

from wincnode import runner
from wincnode.commands.reboots import Patience, Reboots, reboot
from wincnode.errors import NodeLocked, NodeRefused, NodeUnreachable
from wincnode.events import Log
from wincnode.lab import nodes
from wincnode.lab.faults import Faults
from wincnode.lab.nodes import Wish
from wincnode.lab.windows import programs


def test_a_node_is_back_once_it_answers_from_another_boot(tmp_path: Path) -> None:
    """It reboots by shutdown.exe, and by a task of SYSTEM where that is denied."""
    reboots_twice(tmp_path, "model")


def test_a_node_that_still_answers_from_its_old_boot_is_not_back(tmp_path: Path) -> None:
    """WinRM answers for a while after the order to reboot; the wait ends with its own error."""
    with lab_node(tmp_path, engine="model") as node, linked(node) as link:
        patience = Patience(first_s=0.05, pause_s=0.1, timeout_s=0.5)
        with pytest.raises(NodeUnreachable, match="not back") as caught:
            list(reboot(link, node="web-1", boot=boot(link), patience=patience))

    assert caught.value.id == "node.not-back"


@pytest.mark.parametrize("later", [1, 2, 3, 4])
@pytest.mark.parametrize("lost", ["drop_before", "drop_at_request"])
def test_an_order_to_reboot_that_is_lost_is_given_again(
    lost: str, later: int, tmp_path: Path
) -> None:
    """Before the node has it, or as the node answers: it boots once, whichever is lost."""
    wish = Wish(profile="ws2022", speed=20)
    with nodes.lab_node("web-1", wish, tmp_path) as node, linked(node) as link:
        before = boot(link)
        node.server.faults = Faults(**{lost: len(node.server.requests) + later})
        list(reboot(link, node="web-1", boot=before, patience=QUICK))

        assert int(boot(link)) == int(before) + 1


def test_a_node_that_a_run_holds_does_not_reboot(tmp_path: Path) -> None:
    """The reboot of one operator never ends the run of another."""
    with lab_node(tmp_path) as node, linked(node) as link:
        base(node).mkdir()
        with (base(node) / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with pytest.raises(NodeLocked):
                list(runner.reboot(link, node="web-1"))


def test_a_node_that_lets_nobody_in_for_a_while_is_asked_again(tmp_path: Path) -> None:
    """A member of a domain may need a moment until it has found its domain."""
    wish = Wish(profile="ws2022", speed=20)
    patience = replace(QUICK, logon_pause_s=0.5)
    with nodes.lab_node("web-1", wish, tmp_path) as node, linked(node) as link:
        before = boot(link)
        events = reboot(link, node="web-1", boot=before, patience=patience)
        assert isinstance(next(events), Log)
        node.server.faults = Faults(refuse_auth=True)
        heal = threading.Timer(0.8, lambda: setattr(node.server, "faults", Faults()))
        heal.start()
        list(events)
        heal.join()

        assert boot(link) != before


@pytest.mark.parametrize("engine", ENGINES)
def test_a_node_that_cannot_reboot_says_so(engine: str, tmp_path: Path) -> None:
    """The code of shutdown.exe is told."""
    with lab_node(tmp_path, engine=engine) as node, linked(node) as link:
        node.machine.programs["shutdown"] = lambda *_: programs.Ended(code=21)
        with pytest.raises(NodeRefused, match=r"shutdown.exe ended with 21") as caught:
            list(runner.reboot(link, node="web-1"))

    assert caught.value.id == "node.reboot"


def test_no_more_nodes_than_allowed_are_down_at_once() -> None:
    """The places are shared by the fleet's threads."""
    places = Reboots("if-needed", at_once=2).places

    assert [places.acquire(blocking=False) for _ in range(3)] == [True, True, False]
