"""The whole road: our transport, a real WS-Management server, a real PowerShell engine."""

from __future__ import annotations

import base64
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from winps import Machine, machine, winps

from wincnode import assets, checks, runner
from wincnode.events import FactsRead, Finished, Hello
from wincnode.lab.__main__ import write_inventory
from wincnode.lab.powershell import PowerShellEngine
from wincnode.lab.server import WsmanServer
from wincnode.transport import ConnectionSettings, Transport, open_transport


@pytest.fixture
def node(tmp_path: Path) -> Machine:
    return machine(tmp_path)


@pytest.fixture
def server(node: Machine) -> Iterator[WsmanServer]:
    engine = PowerShellEngine(Path(winps()), node.folder, computer="WEB-1", build=20348)
    with WsmanServer(engine, users={"Administrator": "secret"}) as running:
        yield running


@pytest.fixture
def transport(server: WsmanServer) -> Iterator[Transport]:
    link = open_transport(
        ConnectionSettings(
            address="127.0.0.1",
            port=server.port,
            scheme="http",
            user="Administrator",
            password="secret",
        )
    )
    yield link
    link.close()


def files(node: Machine) -> list[str]:
    """List what lies on drive C, but for what the stand-ins note of their calls."""
    return sorted(str(path) for path in node.drive.rglob("*") if path.suffix != ".log")


def test_facts_are_read_in_one_process_within_twelve_requests(
    transport: Transport, server: WsmanServer
) -> None:
    """A preflight costs at most 12 requests, whatever the number of sections."""
    sections = assets.script_names("facts")

    events = list(runner.read_facts(transport, node="web-1", sections=sections))
    transport.close()

    assert [type(event) for event in events if not isinstance(event, FactsRead)] == [
        Hello,
        Finished,
    ]
    assert [event.section for event in events if isinstance(event, FactsRead)] == list(sections)
    assert server.http_requests <= 12, server.requests


def test_a_preflight_leaves_no_trace(node: Machine, transport: Transport) -> None:
    """Read-only means that no file and no registry value is written."""
    before = files(node)

    list(runner.read_facts(transport, node="web-1", sections=assets.script_names("facts")))

    assert files(node) == before


def test_a_plan_is_carried_out_detached_and_again_without_change(
    transport: Transport, node: Machine
) -> None:
    """The node's own task does the work; a second run finds nothing to do."""
    plan = {
        "protocol": 1,
        "node": "web-1",
        "mode": "apply",
        "who": runner.who("test"),
        "facts": [],
        "kinds": {"file": {"compare": {"content": "exact"}, "detached_only": False}},
        "steps": [
            {
                "id": "1-hello",
                "kind": "file",
                "title": "a file",
                "key": {"path": r"C:\hello.txt"},
                "want": {"state": "present", "content": "hello\n"},
                "timeout_s": 20,
            }
        ],
    }
    counts = []
    for _ in range(2):
        run = runner.new_run()
        events = list(runner.detached(transport, run=run, plan={**plan, "run": run}))
        assert isinstance(events[-1], Finished)
        counts.append(dict(events[-1].counts))

    assert (node.drive / "hello.txt").read_text() == "hello\n"
    assert [{k: v for k, v in count.items() if v} for count in counts] == [
        {"changed": 1},
        {"ok": 1},
    ]


PLAYBOOK = r"""
name: two things
steps:
  - directory:
      path: C:\k
  - file:
      path: C:\k\note.txt
      content: "{{ node.name }}"
"""


def user(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run wincnode as a user does, beside the inventory."""
    return subprocess.run(
        [sys.executable, "-m", "wincnode", *words],
        cwd=folder,
        env={**os.environ, "WINCNODE_LAB_PASSWORD": "secret"},
        capture_output=True,
        text=True,
        check=False,
    )


def applied(
    server: WsmanServer, tmp_path: Path, *, check: bool = False, playbook: str = PLAYBOOK
) -> dict[str, Any]:
    """Run `wincnode apply` as a user does; the stand-ins' machine is judged leniently."""
    write_inventory(tmp_path / "wincnode.yaml", {"web-1": server.port})
    (tmp_path / "two.yaml").write_text(playbook)
    ignored = [word for row in checks.all_checks() for word in ("--ignore", row.id)]
    words = ["apply", "two.yaml", "-o", "json", *ignored, *["--check"] * check]
    done = user(*words, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)["nodes"][0]
    return report


def test_apply_shows_then_changes_then_finds_nothing_to_do(
    server: WsmanServer, node: Machine, tmp_path: Path
) -> None:
    """The triple: check says changes, apply makes them, a second apply makes none."""
    shown = applied(server, tmp_path, check=True)
    untouched = not (node.drive / "k").exists()
    first = applied(server, tmp_path)
    again = applied(server, tmp_path)

    assert untouched
    assert [step["outcome"] for step in shown["steps"]] == ["would_change", "would_change"]
    assert [step["outcome"] for step in first["steps"]] == ["changed", "changed"]
    assert [step["outcome"] for step in again["steps"]] == ["ok", "ok"]
    assert (node.drive / "k" / "note.txt").read_text() == "web-1"


def test_a_run_is_listed_and_can_be_followed_again(server: WsmanServer, tmp_path: Path) -> None:
    """A second operator sees whose run it was, and the same steps."""
    first = applied(server, tmp_path)

    listed = user("runs", "web-1", folder=tmp_path).stdout.split()
    again = user("attach", "web-1", listed[0][:8], "-o", "json", folder=tmp_path)
    missing = user("attach", "web-1", "ffffffffffff", folder=tmp_path)

    assert listed[1] == "finished"
    assert json.loads(again.stdout)["nodes"][0]["steps"] == first["steps"]
    assert missing.returncode == 2
    assert "no run ffffffffffff" in missing.stderr


def test_apply_repairs_what_was_changed_behind_our_back(
    server: WsmanServer, node: Machine, tmp_path: Path
) -> None:
    """Drift is found by looking, not by remembering."""
    applied(server, tmp_path)
    (node.drive / "k" / "note.txt").write_text("edited")

    repaired = applied(server, tmp_path)

    assert [step["outcome"] for step in repaired["steps"]] == ["ok", "changed"]
    assert (node.drive / "k" / "note.txt").read_text() == "web-1"


def test_an_apply_of_25_steps_stays_within_its_budget(server: WsmanServer, tmp_path: Path) -> None:
    """20 HTTP requests and one for each started 20 seconds of work; 150,000 bytes of upload."""
    folders = "".join(f"  - directory:\n      path: C:\\d{number}\n" for number in range(25))
    began = time.monotonic()

    report = applied(server, tmp_path, playbook=f"name: folders\nsteps:\n{folders}")

    budget = 20 + math.ceil((time.monotonic() - began) / 20)
    assert len(report["steps"]) == 25
    assert server.http_requests <= budget, server.requests
    assert server.bytes_in <= 150_000


SECRET_PLAYBOOK = r"""
name: a secret
steps:
  - file:
      path: C:\token.txt
      content: {secret: {env: PLANTED}}
"""


def test_a_secret_is_nowhere_but_where_it_was_wanted(
    server: WsmanServer, node: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Journal, manifest, payload and report hold neither the new secret nor the one before it."""
    secrets = ("planted-Secret-1", "planted-Secret-2")
    reports = []
    for secret in secrets:
        monkeypatch.setenv("PLANTED", secret)
        reports.append(json.dumps(applied(server, tmp_path, playbook=SECRET_PLAYBOOK)))

    assert (node.drive / "token.txt").read_text() == secrets[1]
    assert holding(node, secrets, reports) == []


def holding(node: Machine, secrets: tuple[str, ...], reports: list[str]) -> list[str]:
    """List the places that hold one of the secrets, as text or base64 of either encoding."""
    forms = [
        form
        for secret in secrets
        for form in (
            secret.encode(),
            secret.encode("utf-16-le"),
            base64.b64encode(secret.encode()),
            base64.b64encode(secret.encode("utf-16-le")),
        )
    ]
    places = {str(n): text.encode() for n, text in enumerate(reports)}
    places |= {
        str(path): path.read_bytes()
        for path in node.drive.rglob("*")
        if path.is_file() and path.name != "token.txt"
    }
    return [place for place, data in places.items() if any(form in data for form in forms)]
