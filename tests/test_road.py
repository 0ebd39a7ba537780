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
from conformance_cases import ENVIRONMENT, RULES
from nodes import lab_node, linked

from wincnode import assets, runner
from wincnode.events import FactsRead, Finished, Hello
from wincnode.lab.nodes import LabNode
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.registry import Value

SECTIONS = assets.script_names("facts")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[LabNode]:
    with lab_node(tmp_path / "node") as running:
        yield running


@pytest.fixture
def here(node: LabNode, tmp_path: Path) -> Desk:
    return desk(tmp_path, node, EACH_KIND)


def test_facts_are_read_in_one_process_within_twelve_requests(node: LabNode) -> None:
    """A preflight costs at most 12 requests, whatever the number of sections."""
    with linked(node) as link:
        events = list(runner.read_facts(link, node="web-1", sections=SECTIONS))

    assert [type(event) for event in events if not isinstance(event, FactsRead)] == [
        Hello,
        Finished,
    ]
    assert [event.section for event in events if isinstance(event, FactsRead)] == list(SECTIONS)
    assert node.server.http_requests <= 12, node.server.requests


def test_a_preflight_leaves_no_trace(node: LabNode) -> None:
    """Read-only means that no file and no registry value is written."""
    machine = node.machine
    before = sorted(machine.drive.rglob("*")), machine.registry.snapshot()

    with linked(node) as link:
        list(runner.read_facts(link, node="web-1", sections=SECTIONS))

    assert (sorted(machine.drive.rglob("*")), machine.registry.snapshot()) == before


def open_to_all(machine: Machine) -> None:
    """Take the access list of the folder away, so that it has the drive's."""
    folder = machine.path(r"C:\k")
    for name in os.listxattr(folder):
        os.removexattr(folder, name)


DRIFT = (
    open_to_all,
    lambda machine: machine.path(r"C:\k\note.txt").write_text("edited"),
    lambda machine: machine.registry.set(
        r"HKLM\SOFTWARE\wincnode", "Level", Value(kind="DWord", data=2)
    ),
    lambda machine: machine.registry.delete_value(ENVIRONMENT, "KUBE_NODE"),
    lambda machine: machine.services.start("Spooler"),
    lambda machine: machine.registry.set(
        RULES,
        "kubelet",
        Value(
            kind="String",
            data=str(machine.registry.data(RULES, "kubelet")).replace("10250", "10255"),
        ),
    ),
)


def test_apply_shows_makes_leaves_alone_and_repairs(node: LabNode, here: Desk) -> None:
    """Drift of each kind is found by looking, not by remembering; the rest is left alone."""
    shown = here.apply("--check")
    untouched = not node.machine.path(r"C:\k").exists()

    assert untouched
    assert outcomes(shown) == ["would_change"] * 7
    # What was waited for is there by then.
    assert outcomes(here.apply()) == [*["changed"] * 6, "ok"]
    assert node.machine.path(r"C:\k\note.txt").read_text() == "web-1"
    assert outcomes(here.apply()) == ["ok"] * 7
    for changes, wanted in ((DRIFT[::2], "changed ok"), (DRIFT[1::2], "ok changed")):
        for change in changes:
            change(node.machine)
        assert outcomes(here.apply()) == [*(wanted.split() * 3), "ok"]


def test_a_run_is_listed_and_can_be_followed_again(tmp_path: Path) -> None:
    """A second operator sees whose run it was, and the same steps."""
    # What the scripts list and follow is shown in tests/test_node_scripts.py.
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


def test_an_apply_of_25_steps_stays_within_its_budget(node: LabNode, here: Desk) -> None:
    """20 HTTP requests and one for each started 20 seconds of work; 150,000 bytes of upload."""
    folders = "".join(f"  - directory:\n      path: C:\\d{number}\n" for number in range(25))
    here.playbook(f"name: folders\nsteps:\n{folders}")
    began = time.monotonic()

    report = here.apply()

    budget = 20 + math.ceil((time.monotonic() - began) / 20)
    assert len(report["steps"]) == 25
    assert node.server.http_requests <= budget, node.server.requests
    assert node.server.bytes_in <= 150_000
