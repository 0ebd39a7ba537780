"""wincnode as a person starts it: a process of its own, beside an inventory of lab nodes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodes import base

from wincnode.errors import NodeLocked
from wincnode.lab.nodes import PASSWORD, LabNode, write_inventory

APPLY = ("apply", "playbook.yaml", "-o", "json")
LOCKED = NodeLocked.exit_code

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


def killed_at(request_number: int, desk: Desk, node: LabNode) -> None:
    """Start an apply and kill it without a word when a request of it has come to the node."""
    before = len(node.server.requests)
    client = desk.start(*APPLY)
    deadline = time.monotonic() + 60
    while len(node.server.requests) - before < request_number and client.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    client.kill()
    client.communicate()


def until_not_locked(desk: Desk) -> dict[str, Any]:
    """Apply again until the run before has let go of the node; gives the report."""
    for _ in range(30):
        done = desk.run(*APPLY)
        if done.returncode != LOCKED:
            assert done.returncode == 0, done.stdout + done.stderr
            report: dict[str, Any] = json.loads(done.stdout)["nodes"][0]
            return report
    raise AssertionError("the node stayed locked")
