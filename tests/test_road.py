"""The whole road: wincnode, a real WS-Management server, a real PowerShell engine."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from client import EACH_KIND, Desk, desk, outcomes
from nodes import lab_node, linked

from wincnode import runner
from wincnode.events import FactsRead, Finished, Hello
from wincnode.facts import FURTHER, SECTIONS
from wincnode.lab.nodes import LabNode
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.registry import Value


@pytest.fixture
def node(tmp_path: Path) -> Iterator[LabNode]:
    with lab_node(tmp_path / "node") as running:
        yield running


@pytest.fixture
def here(node: LabNode, tmp_path: Path) -> Desk:
    return desk(tmp_path, node, EACH_KIND)


def test_a_preflight_costs_twelve_requests_and_leaves_no_trace(node: LabNode) -> None:
    """One process reads every section; no file and no registry value is written."""
    machine = node.machine
    sections = (*SECTIONS, *FURTHER, "connectivity")
    before = sorted(machine.drive.rglob("*")), machine.registry.snapshot()

    with linked(node) as link:
        events = list(runner.read_facts(link, node="web-1", sections=sections))

    assert [type(event) for event in events if not isinstance(event, FactsRead)] == [
        Hello,
        Finished,
    ]
    assert [event.section for event in events if isinstance(event, FactsRead)] == list(sections)
    assert node.server.http_requests <= 12, node.server.requests
    assert (sorted(machine.drive.rglob("*")), machine.registry.snapshot()) == before


def open_to_all(machine: Machine) -> None:
    """Take the access list of the folder away, so that it has the drive's."""
    folder = machine.path(r"C:\k")
    for name in os.listxattr(folder):
        os.removexattr(folder, name)


def drift(machine: Machine) -> None:
    """Undo every second step by hand."""
    open_to_all(machine)
    level = Value(kind="DWord", data=2)
    machine.registry.set(r"HKLM\SOFTWARE\wincnode", "Level", level)
    machine.services.start("Spooler")


def test_apply_shows_makes_leaves_alone_and_repairs(node: LabNode, here: Desk) -> None:
    """Drift is found by looking, not by remembering, whatever its kind; the rest is left alone."""
    shown = here.apply("--check")
    untouched = not node.machine.path(r"C:\k").exists()

    assert untouched
    assert outcomes(shown) == ["would_change"] * 7
    # What was waited for is there by then.
    assert outcomes(here.apply()) == [*["changed"] * 6, "ok"]
    assert node.machine.path(r"C:\k\note.txt").read_text() == "web-1"
    # tests/acceptance/test_conformance.py has a drift of each kind.
    drift(node.machine)
    assert outcomes(here.apply()) == [*["changed", "ok"] * 3, "ok"]


def test_a_run_is_listed_and_can_be_followed_again(tmp_path: Path) -> None:
    """A second operator sees whose run it was, and the same steps."""
    # What the scripts list and follow is shown in tests/acceptance/test_detached_runs.py.
    with lab_node(tmp_path / "node", engine="model") as node:
        here = desk(tmp_path, node, EACH_KIND)
        first = here.apply()
        listed = here.run("runs", "web-1").stdout.split()
        again = here.run("attach", "web-1", listed[0][:8], "-o", "json")
        missing = here.run("attach", "web-1", "ffffffffffff")

    assert listed[1] == "finished"
    assert json.loads(again.stdout)["nodes"][0]["steps"] == first["steps"]
    assert missing.returncode == 2
    assert "no run ffffffffffff" in missing.stderr


def test_an_apply_of_25_steps_stays_within_its_budget(tmp_path: Path) -> None:
    """20 HTTP requests and one for each started 20 seconds of work; 200,000 bytes of upload."""
    folders = "".join(f"  - directory:\n      path: C:\\d{number}\n" for number in range(25))
    # What goes to the node is the same, whoever reads it there.
    with lab_node(tmp_path / "node", engine="model") as node:
        here = desk(tmp_path, node, f"name: folders\nsteps:\n{folders}")
        began = time.monotonic()

        report = here.apply()

        budget = 20 + math.ceil((time.monotonic() - began) / 20)
        assert len(report["steps"]) == 25
        assert node.server.http_requests <= budget, node.server.requests
        # The scripts that read the facts of all checks are a third of them.
        assert node.server.bytes_in <= 150_000, node.server.bytes_in
