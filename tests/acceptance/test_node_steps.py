"""How the node takes the steps of a plan: what it compares, when it ends, what its kinds accept."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import winps
from conformance.case import ENVIRONMENT
from nodes import lab_node, linked
from winps import messages, outcomes, step

from wincnode import runner
from wincnode.events import StepFinished
from wincnode.lab.nodes import LabNode, closed_port
from wincnode.lab.windows.machine import SYSTEM32
from wincnode.lab.windows.registry import Value
from wincnode.plan import Plan, Step, to_wire

# Has what its key says; its Set changes nothing.
MIRROR = """
function Get-WnMirror { param($Key, $Want)
    $state = 'settled'
    if ($Key.ContainsKey('states')) { $state = $Key['states'][[int][IO.File]::Exists($Key['mark'])] }
    @{ state = $state; values = $Key['have'] } }
function Set-WnMirror { param($Key, $Want, $Have) if ($Key['mark']) { [IO.File]::WriteAllText($Key['mark'], '') } }
"""
SETTLING = """
function Get-WnProbe {
    param($Key, $Want)
    $count = 0
    if ([IO.File]::Exists('C:\\n')) { $count = [int][IO.File]::ReadAllText('C:\\n') }
    if ($count) { $count++; [IO.File]::WriteAllText('C:\\n', [string]$count) }
    $state = 'settled'
    if ($count -eq 2) { $state = 'settling' }
    @{ state = $state; values = @{ state = @('absent', 'present')[$count -gt 2] } }
}
function Set-WnProbe { param($Key, $Want, $Have) [IO.File]::WriteAllText('C:\\n', '1') }
"""
SAME = (
    ({"a": 1}, {"a": 1}, "exact", True),
    ({"a": 1}, {"a": 2}, "exact", False),
    ({"a": 1}, {"b": 1}, "exact", False),
    ({"a": 1}, {"a": 1, "b": 1}, "exact", False),
    ("a", {"a": 1}, "exact", False),
    (True, 1, "exact", False),
    (1, True, "exact", False),
    (True, True, "exact", True),
    (1, "1", "exact", False),
    ("A", "a", "exact", False),
    ("A", "a", "text", True),
    (["a", None], ["a", None], "exact", True),
    (["a", None], ["a", "b"], "exact", False),
    (["a"], "a", "exact", False),
    (["a"], ["a", "b"], "exact", False),
    ("C:/K/", r"c:\k", "path", True),
    (["a", "b"], ["B", "A"], "set", True),
    (["a"], ["a", "b"], "set", False),
    (["a", "b"], ["a"], "set", False),
    (None, "a", "exact", False),
    ("a", None, "exact", True),  # nothing is wanted of it
)


def mirror(*steps: dict[str, Any], **rule: Any) -> dict[str, Any]:
    """Give what a request of such steps holds."""
    row = {"compare": {}, "detached_only": False, **rule}
    return {"kinds": {"mirror": row}, "scripts": {"kinds/mirror": MIRROR}, "steps": list(steps)}


def test_values_are_compared_as_their_field_says(node: winps.Machine) -> None:
    """A difference that is none would be set again and again; one that is missed, never."""
    steps = [step("mirror", {"have": {how: have}}, {how: want}) for have, want, how, _ in SAME]
    rules = {how: how for how in ("text", "path", "set")}
    found = outcomes(node.run(**mirror(*steps, compare=rules)))
    assert found == ["ok" if same else "would_change" for *_, same in SAME]


@pytest.mark.parametrize(
    ("states", "want"), [(("needs_reboot", ""), "a"), (("settled", "needs_reboot"), "b")]
)
def test_a_step_that_needs_a_reboot_ends_the_run(
    node: winps.Machine, states: Sequence[str], want: str
) -> None:
    """Before or after it was set, what comes next waits for the restart."""
    needs = {"have": {"it": "a"}, "states": states, "mark": r"C:\set"}
    then = step("mirror", {"have": {"it": "a"}}, {"it": "a"}, name="2")
    events = node.run(mode="apply", **mirror(step("mirror", needs, {"it": want}), then))
    assert outcomes(events) == ["needs_reboot", "skipped"]
    assert events[-1]["outcome"] == "needs_reboot"


def test_a_step_is_asked_again_while_it_settles_and_fails_when_it_stays_different(
    node: winps.Machine,
) -> None:
    """Different after Set is normal for things in transition; what builds on a failure is not tried."""
    run = winps.probe(SETTLING)
    run["kinds"]["mirror"] = {"compare": {}, "detached_only": False}
    run["scripts"]["kinds/mirror"] = MIRROR
    run["steps"] += [
        step("mirror", {"have": {"it": "a"}}, {"it": "b"}, name="2"),
        step("directory", {"path": "C:\\k"}, {"state": "present"}, name="3"),
    ]
    events = node.run(**run)
    assert outcomes(events) == ["changed", "failed", "skipped"]
    assert messages(events) == ["Still different after it was set: it."]
    assert events[-1]["outcome"] == "failed"
    assert events[-1]["counts"] == {"changed": 1, "failed": 1, "skipped": 1}


def test_a_step_that_cannot_be_taken_says_why(node: winps.Machine) -> None:
    """The message is what the operator gets; keys name things in the journal and go to cmdlets."""
    secret = {"$secret": "token"}
    steps = [
        step("mirror", {}, {"it": {"$secret": "none"}}),
        step("mirror", {"it": [secret]}, {"it": "b"}),
        step("file", {"path": secret}, {"state": "present"}),
        step("other", {}, {}),
    ]
    run = mirror(*steps)
    run["kinds"]["other"] = {"compare": {}, "detached_only": False}
    no_key = "A key names an object, so it cannot be a secret."
    assert messages(node.run(**run, secrets={"token": "C:\\t"})) == [
        "The request has no secret none.",
        no_key,
        no_key,
        "The request has no script kinds/other.",
    ]


def test_a_step_that_cuts_the_link_needs_a_detached_run(node: winps.Machine) -> None:
    """An attached run would end in its middle."""
    alone = mirror(step("mirror", {}, {"it": "b"}), detached_only=True)
    assert messages(node.run(mode="apply", **alone)) == [
        "A step of kind mirror needs a detached run."
    ]


def test_the_manifest_keeps_what_was_there_first_unless_it_holds_a_secret(
    node: winps.Machine,
) -> None:
    """Reset restores what was there before the first change, but not half a text."""
    (node.drive / "a").write_text("mine")
    (node.drive / "b").write_text("key=hush-hush\n")
    files = (("C:\\a", "one"), ("C:\\a", "two"), ("C:\\b", "plain"))
    steps = [
        step("file", {"path": path}, {"state": "present", "content": text}) for path, text in files
    ]
    events = node.run(mode="apply", steps=steps, secrets={"token": "hush-hush"})

    assert outcomes(events) == ["changed"] * 3
    diffs = [event["diff"] for event in winps.of(events, "step_finished")]
    assert diffs[2] == [{"field": "content", "have": "***", "want": "plain"}]
    entries = json.loads((node.base / "manifest.json").read_text())["entries"]
    assert [row["before"]["content"] for row in entries] == ["mine", "***"]


class Health(BaseHTTPRequestHandler):
    """Answers with the status that the path names."""

    def do_GET(self) -> None:
        self.send_response(int(self.path[1:]))
        self.send_header("Location", "/500")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def test_a_wait_looks_at_what_listens_and_at_the_status_of_http(node: winps.Machine) -> None:
    """Healthy is what answers below 400; a redirect is an answer, and no listener is none."""
    node.engine.variables["http_proxy"] = "http://127.0.0.1:9"
    closed = closed_port()
    with ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        cases = [
            ("port", str(server.server_port), "present"),
            ("port", str(closed), "absent"),
            ("http", url + "200", "present"),
            ("http", url + "302", "present"),
            ("http", url + "404", "absent"),
            ("http", url + "503", "absent"),
            ("http", f"http://127.0.0.1:{closed}/", "absent"),
        ]
        steps = [
            step("wait_for", {"subject": subject, "name": name}, {"state": state})
            for subject, name, state in cases
        ]
        found = outcomes(node.run(mode="apply", steps=steps))
        server.shutdown()
    assert found == ["ok"] * len(cases)


OFF = {
    "state": "present",
    "enabled": False,
    "direction": "Outbound",
    "action": "Block",
    "protocol": "Any",
}
STEPS = (
    ("registry_value", {"path": r"HKLM:\SOFTWARE\w", "name": "q"},
     {"state": "present", "type": "QWord", "value": ["9223372036854775807"]}, "changed"),
    ("directory", {"path": r"C:\[k]"}, {"state": "absent"}, "changed"),
    ("environment", {"name": "KEPT"}, {"state": "present", "value": "plain too"}, "changed"),
    ("service", {"name": "Spooler"}, {"state": "running", "restart_after_s": 9}, "changed"),
    ("service", {"name": "Spooler"}, {"state": "running", "restart_after_s": 0}, "changed"),
    ("service", {"name": "Spooler"}, {"state": "stopped"}, "changed"),
    ("wait_for", {"subject": "service", "name": "Spooler"}, {"state": "absent"}, "ok"),
    ("firewall_rule", {"name": "off"}, OFF, "changed"),
    ("file", {"path": r"C:\k"}, {"state": "present", "content": "a"}, "failed"),
    ("service", {"name": "Spooler"}, {"state": "running", "restart_after_s": 7}, "failed"),
)  # fmt: skip


def test_kinds_take_the_values_at_their_edges(tmp_path: Path) -> None:
    """A number of 64 bits, brackets in a path, a kind of variable; and what fails leaves nothing."""
    with lab_node(tmp_path) as node:
        machine = node.machine
        for folder in (r"C:\[k]", r"C:\k"):
            machine.path(folder).mkdir()
        machine.registry.set(ENVIRONMENT, "KEPT", Value(kind="ExpandString", data="plain"))
        found = applied(node, STEPS[:-1])
        (machine.path(SYSTEM32) / "sc.exe").write_text("#!/bin/sh\nexit 5\n")
        found += applied(node, STEPS[-1:])

        assert found == [outcome for *_, outcome in STEPS]
        assert machine.path(r"C:\k").is_dir() and not machine.path(r"C:\[k]").exists()
        assert machine.registry.snapshot()[ENVIRONMENT]["KEPT"].kind == "ExpandString"
        assert not list(machine.drive.glob("*wincnode-new"))


def applied(node: LabNode, rows: Sequence[Any]) -> list[str]:
    """Take steps in one run, and tell how they ended."""
    steps = tuple(
        Step(id=str(number), kind=kind, title="", key=key, want=want, timeout_s=15)
        for number, (kind, key, want, _) in enumerate(rows)
    )
    run = runner.new_run()
    plan = to_wire(Plan(node="web-1", steps=steps), run=run, mode="apply", who={})
    with linked(node) as link:
        events = list(runner.attached(link, run=run, plan=plan))
    return [event.outcome for event in events if isinstance(event, StepFinished)]
