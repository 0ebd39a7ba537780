"""Runs that a user plans, interrupts and cancels, by starting wincnode."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from client import Desk
from nodes import lab_node

from wincnode.lab.nodes import PASSWORD, LabNode, Wish, lab_nodes, ports, write_inventory

PLANTED = "hunter2-secret"
PLAYBOOK = r"""
name: a folder and a file
steps:
  - directory: {path: C:\k}
  - name: a note
    file:
      path: C:\k\note.txt
      content: "first\nof {{ node.name }}\n"
  - name: a token
    file:
      path: C:\k\token.txt
      content: {secret: {env: PLANTED}}
"""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[LabNode]:
    """Run one lab node, and put its inventory beside it."""
    with lab_node(tmp_path / "web-1", engine="model") as running:
        write_inventory(tmp_path / "wincnode.yaml", {"web-1": running.server.port})
        yield running


def test_a_plan_shows_the_differences_and_changes_nothing(node: LabNode, tmp_path: Path) -> None:
    """--plan draws what would change, --exit-code makes it 3; once it is as wanted, it is 0."""
    desk = Desk(folder=tmp_path)
    (tmp_path / "two.yaml").write_text(PLAYBOOK)

    shown = desk.run("apply", "two.yaml", "--plan", "--exit-code", PLANTED=PLANTED)
    untouched = not node.machine.path("C:\\k").exists()
    applied = desk.run("apply", "two.yaml", PLANTED=PLANTED)
    note = node.machine.path("C:\\k\\note.txt")
    note.write_text("first\nedited\n")
    drift = desk.run("apply", "two.yaml", "--plan", "--exit-code", "-o", "json", PLANTED=PLANTED)
    note.write_text("first\nof web-1\n")
    settled = desk.run("apply", "two.yaml", "--plan", "--exit-code", PLANTED=PLANTED)

    codes = [done.returncode for done in (shown, applied, drift, settled)]
    assert codes == [3, 0, 3, 0], shown.stderr + applied.stderr
    assert untouched
    for line in ("  + create 1 directory C:\\k", "        +of web-1", "content: *** -> ***"):
        assert line in shown.stdout
    steps = json.loads(drift.stdout)["nodes"][0]["steps"]
    assert [step["outcome"] for step in steps] == ["ok", "would_change", "ok"]
    assert steps[1] | {"error": ""} == {
        "step": "2-a-note",
        "kind": "file",
        "title": "a note",
        "key": {"path": "C:\\k\\note.txt"},
        "outcome": "would_change",
        "error": "",
        "diff": [
            {"field": "content", "have": "first\nedited\n", "want": "first\nof web-1\n"},
        ],
    }
    assert "as wanted already: 1 directory C:\\k; 2 a note; 3 a token" in settled.stdout
    assert "hunter2" not in "".join(done.stdout + done.stderr for done in (shown, applied, drift))


def test_exit_code_goes_with_a_plan_alone(tmp_path: Path) -> None:
    """An apply leaves nothing pending, so a 3 could never come."""
    result = Desk(folder=tmp_path).run("apply", "x.yaml", "--exit-code")

    assert result.returncode == 2
    assert "--plan" in result.stderr


WAITING = r"""
steps:
  - wait_for: {subject: file, name: C:\go}
  - directory: {path: C:\after}
"""


@pytest.fixture
def waiting(node: LabNode, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start an apply whose first step waits for a file on the node."""
    (tmp_path / "wait.yaml").write_text(WAITING)
    words = ["apply", "wait.yaml", "--parallel", "1"]
    with lab_nodes({"web-2": Wish(profile="ws2022")}) as others:
        others["web-2"].machine.path("C:\\go").touch()
        there = {"web-1": node.port, **ports(others)}
        write_inventory(tmp_path / "wincnode.yaml", there)
        client = Desk(folder=tmp_path).start(*words)
        assert client.stderr is not None
        while "step 1/2" not in client.stderr.readline():
            assert client.poll() is None
        yield client
        client.kill()
        client.communicate()


def test_the_first_interrupt_lets_the_running_step_finish(
    node: LabNode, waiting: subprocess.Popen[str]
) -> None:
    """The run is followed to its end, no further node is started, and the exit code is 130."""
    waiting.send_signal(signal.SIGINT)
    assert waiting.stderr is not None
    told = waiting.stderr.readline()
    node.machine.path("C:\\go").touch()
    stdout, stderr = waiting.communicate(timeout=60)

    assert "finishing web-1; press ^C again to leave at once" in told
    assert "wincnode attach NODE" in told
    assert waiting.returncode == 130
    assert "web-1: done" in stderr
    assert "web-2: interrupted before anything was changed" in stdout
    assert node.machine.path("C:\\after").is_dir()


def test_the_second_interrupt_leaves_and_the_node_goes_on(
    node: LabNode, waiting: subprocess.Popen[str], tmp_path: Path
) -> None:
    """The client is gone at once; what it began can be followed by anyone."""
    waiting.send_signal(signal.SIGINT)
    assert waiting.stderr is not None
    waiting.stderr.readline()
    waiting.send_signal(signal.SIGINT)
    _, stderr = waiting.communicate(timeout=5)
    left_running = not node.machine.path("C:\\after").exists()
    node.machine.path("C:\\go").touch()
    followed = Desk(folder=tmp_path).run("attach", "web-1", "-o", "json")

    assert waiting.returncode == 130
    assert "the run goes on" in stderr
    assert left_running
    steps = json.loads(followed.stdout)["nodes"][0]["steps"]
    assert [step["step"] for step in steps] == ["1-wait-for-file-c-go", "2-directory-c-after"]


def test_an_interrupt_ends_at_once_with_130(tmp_path: Path) -> None:
    """^C does not wait for a node that is silent."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        inventory = tmp_path / "wincnode.yaml"
        write_inventory(inventory, {"web-1": silent.getsockname()[1]})
        client = subprocess.Popen(
            [sys.executable, "-m", "wincnode", "preflight", "-i", str(inventory)],
            env={**os.environ, "WINCNODE_LAB_PASSWORD": PASSWORD},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        accepted, _ = silent.accept()
        with accepted:
            client.send_signal(signal.SIGINT)
            _, stderr = client.communicate(timeout=5)

    assert client.returncode == 130
    assert b"Traceback" not in stderr


def test_a_cancelled_run_ends_before_its_next_step(
    node: LabNode, waiting: subprocess.Popen[str], tmp_path: Path
) -> None:
    """Another operator ends it; its own client says so, and no further step is taken."""
    desk = Desk(folder=tmp_path)

    cancelled = desk.run("cancel", "web-1")
    node.machine.path("C:\\go").touch()
    stdout, _ = waiting.communicate(timeout=60)
    again = desk.run("cancel", "web-1")
    unknown = desk.run("cancel", "web-1", "ffffffff")

    assert cancelled.returncode == 0, cancelled.stderr
    assert "next step" in cancelled.stdout
    assert "web-1" in cancelled.stdout
    assert "cancelled" in stdout
    assert waiting.returncode == 1
    assert not node.machine.path("C:\\after").exists()
    assert (again.returncode, "nothing to cancel" in again.stdout) == (0, True)
    assert (unknown.returncode, "no run ffffffff" in unknown.stderr) == (2, True)
