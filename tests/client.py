"""wincnode as a person starts it: a process of its own, beside an inventory of lab nodes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodes import base

from wincnode.errors import NodeLocked
from wincnode.lab.nodes import PASSWORD, LabNode, write_inventory
from wincnode.lab.server import WsmanServer

APPLY = ("apply", "playbook.yaml", "-o", "json")
LOCKED = NodeLocked.exit_code
KILLED_WITHIN_S = 400

# One step of each kind.
EACH_KIND = r"""
name: one of each kind
steps:
  - directory: {path: C:\k, sddl: "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"}
  - file: {path: C:\k\note.txt, content: "{{ node.name }}"}
  - registry_value: {path: HKLM:\SOFTWARE\wincnode, name: Level, type: DWord, value: ["1"]}
  - environment: {name: KUBE_NODE, value: web-1}
  - service: {name: Spooler, state: stopped, start: manual, restart_after_s: 5}
  - firewall_rule: {name: kubelet, display_name: kubelet, local_port: ["10250"]}
  - wait_for: {subject: file, name: C:\k\note.txt}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """A folder with an inventory of one node and a playbook, and wincnode run in it."""

    folder: Path

    def start(self, *words: str, **more: str) -> subprocess.Popen[str]:
        """Start wincnode; `more` goes into its environment."""
        return subprocess.Popen(
            [sys.executable, "-m", "wincnode", *words],
            cwd=self.folder,
            env={**os.environ, "WINCNODE_LAB_PASSWORD": PASSWORD, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run wincnode to its end."""
        client = self.start(*words, **more)
        stdout, stderr = client.communicate(timeout=120)
        return subprocess.CompletedProcess(words, client.returncode, stdout, stderr)

    def playbook(self, text: str) -> None:
        """Write the playbook that is applied."""
        (self.folder / "playbook.yaml").write_text(text, encoding="utf-8")

    def apply(self, *words: str, code: int = 0, **more: str) -> dict[str, Any]:
        """Run `wincnode apply` and give its report of the node."""
        done = self.run(*APPLY, *words, **more)
        assert done.returncode == code, done.stdout + done.stderr
        report: dict[str, Any] = json.loads(done.stdout)["nodes"][0]
        return report


def desk(folder: Path, node: LabNode, playbook: str) -> Desk:
    """Make a desk from which the node is called web-1."""
    folder.mkdir(parents=True, exist_ok=True)
    write_inventory(folder / "wincnode.yaml", {"web-1": node.port})
    made = Desk(folder=folder)
    made.playbook(playbook)
    return made


def outcomes(report: dict[str, Any]) -> list[str]:
    """List how the steps of a report ended."""
    return [step["outcome"] for step in report["steps"]]


def journals(node: LabNode) -> list[list[dict[str, Any]]]:
    """Give the events of each detached run that the node remembers."""
    return [
        [json.loads(line) for line in journal.read_text().splitlines()]
        for journal in sorted(base(node).glob("runs/*/journal.jsonl"))
    ]


def changed(node: LabNode) -> list[str]:
    """List the steps that the node's journals call changed, once for each time."""
    rows = [row for journal in journals(node) for row in journal]
    return sorted(row["step"] for row in rows if row.get("outcome") == "changed" and "step" in row)


@dataclass(frozen=True, kw_only=True, slots=True)
class Killed:
    """How a client ended: whether it was killed before it ended by itself, and what it had said."""

    early: bool
    output: str


def kill(
    server: WsmanServer,
    start: Callable[[], subprocess.Popen[str]],
    fits: Callable[[Sequence[str]], bool],
    later_s: float | None = None,
) -> Killed:
    """Start a client and kill it without a word at a request to a node.

    Args: fits: whether the requests so far end with that one. later_s: seconds after its reply has
        left; the client is killed before the request is carried out where there are none.
    """
    before = len(server.requests)
    client: Future[subprocess.Popen[str]] = Future()
    struck = threading.Event()

    def strike(number: int) -> None:
        if struck.is_set() or not fits(server.requests[before:number]):
            return
        struck.set()
        if later_s:
            threading.Timer(later_s, lambda: client.result().kill()).start()
        else:
            client.result().kill()

    hearers = server.on_request if later_s is None else server.on_reply
    hearers.append(strike)
    try:
        child = start()
        client.set_result(child)
        with child:
            try:
                stdout, stderr = child.communicate(timeout=KILLED_WITHIN_S)
            finally:
                child.kill()
    finally:
        hearers.remove(strike)
    return Killed(early=child.returncode == -signal.SIGKILL, output=stdout + stderr)


def killed_at(request_number: int, desk: Desk, node: LabNode) -> None:
    """Start an apply and kill it without a word when a request of it has come to the node."""
    kill(node.server, lambda: desk.start(*APPLY), lambda rows: len(rows) == request_number)


def until_not_locked(desk: Desk) -> dict[str, Any]:
    """Apply again until the run before has let go of the node; gives the report."""
    for _ in range(30):
        done = desk.run(*APPLY)
        if done.returncode != LOCKED:
            assert done.returncode == 0, done.stdout + done.stderr
            report: dict[str, Any] = json.loads(done.stdout)["nodes"][0]
            return report
    raise AssertionError("the node stayed locked")
