"""The node's own scripts, byte for byte, on Windows PowerShell 5.1's language."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
import winps

from wincnode import assets

OTHER = "f" * 32
SCRIPTS = sorted((assets.PACKAGE / "node").rglob("*.ps1"))
FAST = "function Get-WnFactsFast { @{ name = [char]0xe9 + '<' } }"
SLOW = "function Get-WnFactsSlowOne { while ($true) { [Threading.Thread]::Sleep(20) } }"
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
SLEEPER = """
function Get-WnProbe { param($Key, $Want)
    if ([IO.File]::Exists('C:\\go')) { return @{ state = 'settled'; values = @{ state = 'present' } } }
    @{ state = 'settling'; values = @{ state = 'absent' } } }
function Set-WnProbe { param($Key, $Want, $Have) [IO.File]::WriteAllText('C:\\set', '') }
"""


@pytest.fixture
def node(tmp_path: Path) -> winps.Machine:
    winps.winps()
    return winps.machine(tmp_path)


def step(
    kind: str, key: dict[str, Any], want: dict[str, Any], *, name: str = "1"
) -> dict[str, Any]:
    return {"id": name, "kind": kind, "title": kind, "key": key, "want": want, "timeout_s": 10}


def of(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event["type"] == kind]


def outcomes(events: list[dict[str, Any]]) -> list[str]:
    return [event["outcome"] for event in of(events, "step_finished")]


def probe(text: str) -> dict[str, Any]:
    return {
        "mode": "apply",
        "kinds": {"probe": {"compare": {}, "detached_only": False}},
        "scripts": {"kinds/probe": text},
        "steps": [step("probe", {}, {"state": "present"})],
    }


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_is_ascii_and_of_the_language_of_5_1(path: Path) -> None:
    """Node scripts travel as ASCII and must parse on every node."""
    path.read_text(encoding="ascii")
    done = subprocess.run([winps.winps(), "-Check", str(path)], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode()


def test_the_bootstrap_fits_behind_cmd_exe() -> None:
    """cmd.exe ends a command line at 8191 characters, base64 of UTF-16 makes 3061 of them."""
    assert len(assets.node_script("bootstrap")) <= 3061


def test_events_are_numbered_without_a_gap(node: winps.Machine) -> None:
    """A client that re-attaches knows by the number what it has seen."""
    facts = [{"section": "fast", "timeout_s": 5}] * 2
    events = node.run(facts=facts, scripts={"facts/fast": FAST})
    assert [event["type"] for event in events] == ["hello", "facts", "facts", "finished"]
    assert [event["seq"] for event in events] == [1, 2, 3, 4]
    assert events[1]["data"] == {"name": "\xe9<"}
    assert not node.base.exists()


def test_a_section_that_hangs_is_unknown_and_the_next_is_read(node: winps.Machine) -> None:
    """One slow cmdlet must not cost the other facts."""
    facts = [{"section": "slow_one", "timeout_s": 1}, {"section": "fast", "timeout_s": 5}]
    events = node.run(facts=facts, scripts={"facts/fast": FAST, "facts/slow_one": SLOW})
    rows = [(event["status"], event["error"]) for event in of(events, "facts")]
    assert rows == [("unknown", "deadline"), ("ok", None)]


def test_a_request_without_its_end_mark_is_refused(node: winps.Machine) -> None:
    """What was cut on the way runs nothing."""
    whole = winps.packed(winps.request())
    for cut in (whole[:-20], whole[:200], whole.replace(b"win1", b"win2")):
        (event,) = node.send(cut)
        assert (event["type"], event["code"]) == ("refused", "truncated")


def test_a_script_that_differs_from_its_hash_is_not_run(node: winps.Machine) -> None:
    """The hashes of the scripts are what an allow-list is made of."""
    bad = winps.request()
    bad["scripts"]["runner"]["text"] += "\n# more"
    (event,) = node.send(winps.packed(bad))
    assert (event["type"], event["code"]) == ("refused", "truncated")


SDDL = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
KEY = "HKLM:\\SOFTWARE\\w"
KIND_CASES: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    ("directory", {"path": "C:\\k"}, {}),
    ("directory", {"path": "C:\\k"}, {"sddl": SDDL}),
    ("file", {"path": "C:\\a.txt"}, {"content": "h\xe9llo\n"}),
    ("registry_value", {"path": KEY, "name": "a"}, {"type": "DWord", "value": ["4294967295"]}),
    ("registry_value", {"path": KEY, "name": "b"}, {"type": "MultiString", "value": ["x", "y"]}),
    ("environment", {"name": "Path"}, {"entries": ["C:\\k\\bin", "C:\\cni"]}),
    ("environment", {"name": "K"}, {"value": "1"}),
)


@pytest.mark.parametrize(("kind", "key", "want"), KIND_CASES)
def test_a_kind_changes_once_and_can_take_it_back(
    node: winps.Machine, kind: str, key: dict[str, Any], want: dict[str, Any]
) -> None:
    """Check says changes, apply makes them, check says none; and absent undoes it."""
    compare = {"sddl": "exact", "entries": "set"}
    rows = {"kinds": {kind: {"compare": compare, "detached_only": False}}}
    want = {"state": "present", **want}
    there, gone = [step(kind, key, want)], [step(kind, key, {"state": "absent"})]
    assert outcomes(node.run(steps=there, **rows)) == ["would_change"]
    assert outcomes(node.run(mode="apply", steps=there + there, **rows)) == ["changed", "ok"]
    assert outcomes(node.run(steps=there + gone, **rows)) == ["ok", "would_change"]
    assert outcomes(node.run(mode="apply", steps=gone, **rows)) == ["changed"]


def test_an_entry_keeps_the_kind_and_the_rest_of_path(node: winps.Machine) -> None:
    """A plain Path with %SystemRoot% in it breaks the whole machine."""
    key = {"path": "HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment"}
    old = {"state": "present", "type": "ExpandString", "value": ["%SystemRoot%;C:\\x"]}
    new = {**old, "value": ["%SystemRoot%;C:\\x;C:\\k"]}
    entry = step("environment", {"name": "Path"}, {"state": "present", "entries": ["C:\\k"]})
    path = {**key, "name": "Path"}
    steps = [step("registry_value", path, old), entry, step("registry_value", path, new)]
    assert outcomes(node.run(mode="apply", steps=steps)) == ["changed", "changed", "ok"]


def test_a_secret_reaches_the_file_and_no_event(node: winps.Machine) -> None:
    """The token is compared on the node and shown as three stars."""
    want = {"state": "present", "content": {"$secret": "token"}}
    run = {"steps": [step("file", {"path": "C:\\t"}, want)], "secrets": {"token": "hush-hush"}}
    events = node.run("detached", mode="apply", **run)
    assert outcomes(events) == ["changed"]
    assert (node.drive / "t").read_text() == "hush-hush"
    assert "hush-hush" not in json.dumps(events)
    kept = "".join(path.read_text() for path in node.base.rglob("*") if path.is_file())
    assert "hush-hush" not in kept
    assert {"field": "content", "have": "***", "want": "***"} in of(events, "step_finished")[0][
        "diff"
    ]


def test_the_first_value_of_a_thing_is_what_the_manifest_keeps(node: winps.Machine) -> None:
    """Reset restores what was there before the first change, not before the last."""
    (node.drive / "a").write_text("mine")
    for text in ("one", "two"):
        want = {"state": "present", "content": text}
        node.run(mode="apply", steps=[step("file", {"path": "C:\\a"}, want)])
    (entry,) = json.loads((node.base / "manifest.json").read_text())["entries"]
    assert entry["before"] == {"state": "present", "content": "mine"}


def test_a_step_that_settles_is_asked_again(node: winps.Machine) -> None:
    """Still different after Set is normal for things in transition."""
    assert outcomes(node.run(**probe(SETTLING))) == ["changed"]


def test_a_failed_step_skips_the_rest(node: winps.Machine) -> None:
    """What builds on a failed step is not tried."""
    steps = [step("file", {"path": "C:\\no\\a"}, {"state": "present", "content": ""}, name="1")]
    steps.append(step("directory", {"path": "C:\\k"}, {"state": "present"}, name="2"))
    events = node.run(mode="apply", steps=steps)
    assert outcomes(events) == ["failed", "skipped"]
    assert events[-1]["outcome"] == "failed"
    assert events[-1]["counts"] == {"failed": 1, "skipped": 1}


def test_a_detached_run_is_followed_to_its_end_and_again(node: winps.Machine) -> None:
    """The journal gives each event once, from any number on."""
    run = {"mode": "apply", "steps": [step("directory", {"path": "C:\\k"}, {"state": "present"})]}
    events = node.run("detached", **run)
    types = ["launched", "hello", "step_started", "step_finished", "finished"]
    assert [event["type"] for event in events] == types
    assert [event["seq"] for event in node.run("detached", since=2, **run)] == [3, 4]
    assert [event["seq"] for event in node.run("follow", since=3)] == [4]
    (listed,) = node.run("runs")
    assert (listed["id"], listed["state"]) == (winps.RUN, "finished")
    task = json.loads((node.drive / "Windows/Tasks/registered.log").read_text())
    assert task["Principal"]["UserId"] == "S-1-5-18"
    assert task["Settings"]["Priority"] == 4
    assert not list((node.drive / "Windows/Tasks").glob("*.json"))


def test_a_second_run_is_refused_with_its_holder_and_a_dead_runner_is_noticed(
    node: winps.Machine,
) -> None:
    """The lock is freed by the kernel, and the second operator learns whose run it is."""
    first: list[dict[str, Any]] = []
    slow = probe(SLEEPER)
    slow["steps"][0]["timeout_s"] = 60
    thread = threading.Thread(target=lambda: first.extend(node.run("detached", **slow)))
    thread.start()
    journal = node.base / "runs" / winps.RUN / "journal.jsonl"
    while not (node.drive / "set").exists():
        thread.join(0.05)
    (event,) = node.run("detached", run=OTHER, mode="apply")
    assert (event["code"], event["holder"]["run"]) == ("locked", winps.RUN)
    pid = json.loads(journal.read_text().splitlines()[0])["pid"]
    subprocess.run(["kill", "-9", str(pid)], check=True)
    thread.join(30)
    assert first[-1]["type"] == "died"
    assert of(node.run("detached", run=OTHER, mode="apply"), "finished")[0]["outcome"] == "ok"


def test_a_run_that_is_cancelled_ends_before_its_next_step(node: winps.Machine) -> None:
    """A step is never cut in the middle."""
    events: list[dict[str, Any]] = []
    slow = probe(SLEEPER)
    slow["steps"] = [{**slow["steps"][0], "timeout_s": 60}, {**slow["steps"][0], "id": "2"}]
    thread = threading.Thread(target=lambda: events.extend(node.run("detached", **slow)))
    thread.start()
    while not (node.drive / "set").exists():
        thread.join(0.05)
    node.run("cancel")
    (node.drive / "go").touch()
    thread.join(30)
    assert outcomes(events) == ["changed", "skipped"]
    assert events[-1]["outcome"] == "cancelled"


def test_a_folder_of_another_account_is_refused(node: winps.Machine) -> None:
    """Who made the folder beforehand would get code run as SYSTEM."""
    node.base.mkdir()
    owner = "O:S-1-5-21-1-2-3-1001G:BAD:P(A;OICI;FA;;;SY)"
    script = (
        "$s = New-Object -TypeName Security.AccessControl.DirectorySecurity;"
        f"$s.SetSecurityDescriptorSddlForm('{owner}');"
        "$i = New-Object -TypeName IO.DirectoryInfo -ArgumentList 'C:\\Program Files\\wincnode';"
        "$i.SetAccessControl($s)"
    )
    subprocess.run(
        [winps.winps(), "-NoProfile", "-Command", script], env=node.variables(), check=True
    )
    (event,) = node.run("detached", mode="apply")
    assert event["code"] == "foreign_folder"


def test_a_task_that_cannot_be_made_is_a_refusal_that_leaves_no_secret(tmp_path: Path) -> None:
    """The client may then ask for an attached run."""
    winps.winps()
    node = winps.machine(tmp_path)
    node.environment["TASKS_FAIL"] = "1"
    (event,) = node.run("detached", mode="apply", secrets={"token": "hush-hush"})
    assert (event["type"], event["code"]) == ("refused", "task")
    assert not list((node.base / "runs").iterdir())


def test_wait_for_a_port_ends_when_something_listens(node: winps.Machine) -> None:
    """A wait changes nothing and is ok as soon as it holds."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        key = {"subject": "port", "name": str(server.getsockname()[1])}
        steps = [step("wait_for", key, {"state": "present"})]
        assert outcomes(node.run(mode="apply", steps=steps)) == ["ok"]
    late = [{**steps[0], "timeout_s": 1}]
    events = node.run(mode="apply", steps=late)
    assert outcomes(events) == ["failed"]
    assert re.match("Not settled after 1 s", of(events, "step_finished")[0]["error"]["message"])


def test_a_service_is_made_stopped_and_removed(node: winps.Machine) -> None:
    """The kind goes through Win32_Service; Remove-Service exists on no release."""
    source = Path(__file__).parent / "standins" / "services" / "CimCmdlets.psm1"
    shutil.copy(source, node.drive / winps.MODULES / "CimCmdlets")
    key = {"name": "kubelet"}
    want = {"state": "running", "start": "manual", "command": "C:\\k\\kubelet.exe"}
    wait = {"subject": "service", "name": "kubelet"}
    steps = [
        step("service", key, want),
        step("service", key, want),
        step("wait_for", wait, {"state": "present"}),
        step("service", key, {"state": "stopped"}),
        step("service", key, {"state": "absent"}),
        step("service", key, {"state": "absent"}),
    ]
    events = node.run(mode="apply", steps=steps)
    assert outcomes(events) == ["changed", "ok", "ok", "changed", "changed", "ok"]


def test_a_firewall_rule_is_read_as_it_was_written(node: winps.Machine) -> None:
    """Windows keeps networks with masks, and neither order nor spelling is a difference."""
    compare = {"local_port": "set", "remote_address": "set", "profile": "set"}
    want = {"state": "present", "enabled": True, "direction": "Inbound", "action": "Allow"}
    want |= {"protocol": "TCP", "local_port": ["10250"], "profile": ["Any"]}
    want |= {"remote_address": ["10.1.1.1", "10.0.0.0/8"]}
    rule = step("firewall_rule", {"name": "kubelet"}, want)
    gone = step("firewall_rule", {"name": "kubelet"}, {"state": "absent"})
    rows = {"firewall_rule": {"compare": compare, "detached_only": False}}
    events = node.run(mode="apply", steps=[rule, rule, gone, gone], kinds=rows)
    assert outcomes(events) == ["changed", "ok", "changed", "ok"]
