"""A client that is killed leaves nothing to resume: the same command again ends the work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from winps import Machine, machine, winps

from wincnode import checks
from wincnode.lab.__main__ import write_inventory
from wincnode.lab.powershell import PowerShellEngine
from wincnode.lab.server import WsmanServer

PLAYBOOK = r"""
name: two things
steps:
  - directory:
      path: C:\k
  - file:
      path: C:\k\note.txt
      content: hello
"""
# Of an apply of some 14 requests: facts, the detached run's Command and Send, its Receives, its end.
KILLED_AT = (4, 8, 9, 10, 11, 12)


@pytest.fixture
def node(tmp_path: Path) -> Machine:
    return machine(tmp_path)


@pytest.fixture
def server(node: Machine) -> Iterator[WsmanServer]:
    engine = PowerShellEngine(Path(winps()), node.folder, computer="WEB-1", build=20348)
    with WsmanServer(engine, users={"Administrator": "secret"}) as running:
        yield running


def start(folder: Path) -> subprocess.Popen[str]:
    ignored = [word for row in checks.all_checks() for word in ("--ignore", row.id)]
    return subprocess.Popen(
        [sys.executable, "-m", "wincnode", "apply", "two.yaml", "-o", "json", *ignored],
        cwd=folder,
        env={**os.environ, "WINCNODE_LAB_PASSWORD": "secret"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until_not_locked(folder: Path) -> str:
    """Run the command again until the first run has let go of the node."""
    for _ in range(30):
        client = start(folder)
        stdout, stderr = client.communicate(timeout=60)
        if client.returncode != 6:
            assert client.returncode == 0, stdout + stderr
            return stdout
    raise AssertionError("the node stayed locked")


def changed(node: Machine) -> list[str]:
    """List the steps that were changed, over all runs of the node."""
    lines = [
        json.loads(line)
        for journal in node.base.glob("runs/*/journal.jsonl")
        for line in journal.read_text().splitlines()
    ]
    return sorted(row["step"] for row in lines if row.get("outcome") == "changed" and "step" in row)


@pytest.mark.parametrize("request_number", KILLED_AT)
def test_a_killed_client_is_answered_by_the_same_command_again(
    request_number: int, node: Machine, server: WsmanServer, tmp_path: Path
) -> None:
    """The node ends as after an undisturbed run, and no step is done twice."""
    write_inventory(tmp_path / "wincnode.yaml", {"web-1": server.port})
    (tmp_path / "two.yaml").write_text(PLAYBOOK)
    client = start(tmp_path)
    deadline = time.monotonic() + 30
    while len(server.requests) < request_number and client.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    client.kill()
    client.communicate()

    steps = json.loads(until_not_locked(tmp_path))["nodes"][0]["steps"]

    assert len(steps) == 2
    assert (node.drive / "k" / "note.txt").read_text() == "hello"
    assert len(changed(node)) == 2, changed(node)
