"""The node's own scripts, byte for byte, on Windows PowerShell 5.1's language."""

from __future__ import annotations

import base64
import fcntl
import json
import re
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import winps

from wincnode import assets
from wincnode.lab.windows.machine import PREFETCH

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


def step(
    kind: str, key: dict[str, Any], want: dict[str, Any], *, name: str = "1"
) -> dict[str, Any]:
    return {"id": name, "kind": kind, "key": key, "want": want, "timeout_s": 10}


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


def test_a_machine_that_counts_no_boots_is_known_by_its_last_one(node: winps.Machine) -> None:
    """Where neither is there, the boot is empty and the run goes on."""
    node.model.registry.delete_value(PREFETCH, "BootId")
    started = node.run()[0]["boot"]
    del node.model.cim["Win32_OperatingSystem"]

    assert started == "2026-11-20T06:12:40.0000000Z"
    assert node.run()[0]["boot"] == ""


def test_a_section_that_hangs_is_unknown_and_the_next_is_read(node: winps.Machine) -> None:
    """One slow cmdlet must not cost the other facts."""
    facts = [{"section": "slow_one", "timeout_s": 1}, {"section": "fast", "timeout_s": 5}]
    events = node.run(facts=facts, scripts={"facts/fast": FAST, "facts/slow_one": SLOW})
    rows = [(event["status"], event["error"]) for event in of(events, "facts")]
    assert rows == [("unknown", "deadline"), ("ok", None)]


def test_a_request_without_its_end_mark_is_refused(node: winps.Machine) -> None:
    """What was cut on the way runs nothing."""
    whole = winps.packed(winps.request())
    secret = winps.packed({**winps.request(), "secrets": {"token": "hush-hush"}})
    cuts = (whole[:-20], whole[:200], whole.replace(b"win1", b"win2"))
    for cut in (*cuts, secret.replace(b"token=a", b"token=")):
        (event,) = node.send(cut)
        assert (event["type"], event["code"]) == ("refused", "truncated")


def test_constrained_language_is_refused_by_its_name(node: winps.Machine) -> None:
    """There neither methods nor types can be used, so nothing is tried."""
    stdin = winps.packed({**winps.request(), "secrets": {"token": "hush-hush"}})
    constrain = "$ExecutionContext.SessionState.LanguageMode = 'ConstrainedLanguage'\n"
    (event,) = node.send(stdin, first=constrain)
    assert (event["code"], event["run"]) == ("constrained_language", winps.RUN)


def test_a_script_that_differs_from_its_hash_is_not_run(node: winps.Machine) -> None:
    """The hashes of the scripts are what an allow-list is made of."""
    bad = winps.request()
    bad["scripts"]["runner"]["text"] += "\n# more"
    (event,) = node.send(winps.packed(bad))
    assert (event["type"], event["code"]) == ("refused", "truncated")


KEY = "HKLM:\\SOFTWARE\\w"


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
    assert {"field": "content", "have": None, "want": "***"} in of(events, "step_finished")[0][
        "diff"
    ]


def forms(secret: str) -> tuple[str, ...]:
    """Give a secret as text and as base64 of either encoding."""
    codes = (base64.b64encode(secret.encode(code)).decode() for code in ("utf-8", "utf-16-le"))
    return secret, *codes


def hidden(name: str) -> dict[str, Any]:
    return {"state": "present", name: {"$secret": "token"}}


SECRET_STEPS = [
    step("file", {"path": "C:\\t"}, hidden("content"), name="file"),
    step("environment", {"name": "T"}, hidden("value"), name="environment"),
    step("directory", {"path": "C:\\k"}, {"state": "present"}, name="directory"),
    # Not a type; the error of .NET quotes it.
    step("registry_value", {"path": KEY, "name": "a"}, {"value": ["1"], **hidden("type")}),
]


@pytest.mark.parametrize("verb", ["attached", "detached"])
def test_no_cmdlet_gets_a_secret(node: winps.Machine, verb: str) -> None:
    """Module logging records what cmdlets get; it never meets a secret, old or new."""
    secrets = ("planted-Secret-1", "planted-Secret-2")
    for run, secret in zip((winps.RUN, OTHER), secrets, strict=True):
        bound, events = node.bindings(
            verb, run=run, mode="apply", steps=SECRET_STEPS, secrets={"token": secret}
        )
        assert [event["outcome"] for event in of(events, "step_finished")][-1] == "failed"
        assert "***" in of(events, "step_finished")[-1]["error"]["message"]
        assert ("ConvertFrom-Json") in {name for name, _ in bound}, "nothing was traced"
        shown = [f"{name}: {line}" for name, line in bound] + [json.dumps(events)]
        assert [row for row in shown for one in secrets for form in forms(one) if form in row] == []
    assert (node.drive / "t").read_text() == secrets[1]


QUOTING = """
function Get-WnProbe { param($Key, $Want)
    $code = { param($Encoding) [Convert]::ToBase64String($Encoding.GetBytes($Want['state'])) }
    $last = $Want['state'].Split([char]10)[1]
    throw "a $($Want['state']) b $(& $code ([Text.Encoding]::UTF8)) c $(& $code ([Text.Encoding]::Unicode)) d $last"
}
"""


def test_an_error_shows_no_form_of_a_secret(node: winps.Machine) -> None:
    """Text, a line of it, and base64 of either encoding are starred; a longer secret wins."""
    run = probe(QUOTING) | {"secrets": {"token": "planted-1\nplanted-line", "short": "planted"}}
    run["steps"] = [step("probe", {}, hidden("state"))]
    (finished,) = of(node.run(**run), "step_finished")
    assert finished["error"]["message"] == "a *** b *** c *** d ***"


def test_what_was_there_is_not_kept_where_it_holds_a_secret(node: winps.Machine) -> None:
    """A manifest with half a text in it would restore that half."""
    (node.drive / "a").write_text("key=hush-hush\n")
    want = {"state": "present", "content": "plain"}
    run = {"steps": [step("file", {"path": "C:\\a"}, want)], "secrets": {"token": "hush-hush"}}
    events = node.run(mode="apply", **run)
    diff = [{"field": "content", "have": "***", "want": "plain"}]
    assert of(events, "step_finished")[0]["diff"] == diff
    (entry,) = json.loads((node.base / "manifest.json").read_text())["entries"]
    assert entry["before"] == {"state": "present", "content": "***"}


HANGING = """
function Get-WnProbe { param($Key, $Want)
    [IO.File]::WriteAllText('C:\\seen', $known['token'] + $plan.node + [IO.File]::Exists("$Folder\\secrets"))
    while ($true) { Start-Sleep -Milliseconds 20 } }
"""


def test_a_step_that_hangs_fails_and_frees_the_node(node: winps.Machine) -> None:
    """A dead provider holds neither run nor lock; a step sees its run, but no file of secrets."""
    run = probe(HANGING) | {"secrets": {"token": "hush"}}
    run["steps"] = [{**step("probe", {}, {"state": "present"}), "timeout_s": 0.5}]
    events = node.run("detached", **run)
    (finished,) = of(events, "step_finished")
    assert finished["error"]["message"] == "The step took longer than 0.5 s."
    assert events[-1]["outcome"] == "failed"
    assert (node.drive / "seen").read_text() == "hushwin1False"
    assert node.run("detached", run=OTHER, mode="apply")[-1]["outcome"] == "ok"


BLOCKED = """
function Get-WnProbe { param($Key, $Want) $guard.grace_ms = 500; [Threading.Thread]::Sleep(60000) }
"""


def test_a_step_that_nothing_can_stop_ends_the_runner(node: winps.Machine) -> None:
    """What .NET blocks cannot be stopped; the process ends and the kernel frees the lock."""
    run = probe(BLOCKED)
    run["steps"] = [{**step("probe", {}, {"state": "present"}), "timeout_s": 0}]
    assert node.run("detached", **run)[-1]["type"] == "died"
    assert not node.model.tasks
    assert node.run("detached", run=OTHER, mode="apply")[-1]["outcome"] == "ok"


def test_a_key_is_no_secret(node: winps.Machine) -> None:
    """Keys name things in the journal and go to cmdlets."""
    steps = [step("file", {"path": {"$secret": "token"}}, {"state": "present"})]
    events = node.run(steps=steps, secrets={"token": "C:\\t"})
    assert "cannot be a secret" in of(events, "step_finished")[0]["error"]["message"]


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
    (task,) = node.model.started
    assert (task.settings["UserId"], task.settings["Priority"]) == ("S-1-5-18", 4)
    assert not node.model.tasks


def test_a_second_run_is_refused_with_its_holder_and_a_dead_runner_is_noticed(
    node: winps.Machine,
) -> None:
    """The kernel frees the lock, whose holder is named; half a line in the journal is no event."""
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
    with journal.open("a") as half:
        half.write(f'{{"run":"{winps.RUN}","seq":3,"at":"","type":"finished","outc')
    subprocess.run(["kill", "-9", str(pid)], check=True)
    thread.join(30)
    assert [event["type"] for event in first] == ["launched", "hello", "step_started", "died"]
    assert [event["state"] for event in node.run("runs")] == ["died"]
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


def test_who_sees_a_run_finish_may_start_the_next(node: winps.Machine) -> None:
    """The lock is let go before the last event, however long the runner takes to end."""
    end = "} finally {\n    $guard.done"
    runner = assets.node_script("runner")
    assert end in runner
    slow = runner.replace(end, "} finally {\n    [Threading.Thread]::Sleep(2000)\n    $guard.done")
    first = node.run("detached", mode="apply", scripts={"runner": slow})
    assert first[-1]["outcome"] == "ok"
    assert [event["state"] for event in node.run("runs")] == ["finished"]
    assert node.run("detached", run=OTHER, mode="apply")[-1]["type"] == "finished"


def test_a_cancelled_run_says_what_is_so(node: winps.Machine) -> None:
    """Nobody is told that a run stops which is not there or has ended."""
    (unknown,) = node.run("cancel")
    node.run("detached", mode="apply")
    (ended,) = node.run("cancel")
    assert (unknown["type"], unknown["message"]) == ("died", "This node knows no such run.")
    assert (ended["type"], ended["text"]) == ("log", "The run has ended already.")
    assert not (node.base / "runs" / winps.RUN / "cancel").exists()


FINISHED = '{"run":"","seq":1,"type":"finished","outcome":"ok"}\n'


def remembered(node: winps.Machine, number: int, journal: str | None) -> Path:
    """Put a run folder on the node whose claim is the older the lower its number."""
    folder = node.base / "runs" / f"{number:032x}"
    folder.mkdir(parents=True)
    claim = {
        "run": folder.name,
        "node": "win1",
        "who": {},
        "started": f"2026-01-01T00:00:{number:02}Z",
    }
    (folder / "claim.json").write_text(json.dumps(claim))
    if journal is not None:
        (folder / "journal.jsonl").write_text(journal)
    return folder


def test_a_node_keeps_the_newest_20_runs_that_ended(node: winps.Machine, tmp_path: Path) -> None:
    """Journals do not fill the disk; runs that go on stay, and links are not followed."""
    starting, running = remembered(node, 1, None), remembered(node, 2, "")
    ended = [remembered(node, number, FINISHED) for number in range(3, 25)]
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "claim.json").write_text((ended[0] / "claim.json").read_text())
    (outside / "journal.jsonl").write_text(FINISHED)
    link = node.base / "runs" / ("0" * 32)
    link.symlink_to(outside)
    (ended[0] / "link").symlink_to(outside)
    with (running / "journal.jsonl").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        assert node.run("detached", mode="apply")[-1]["outcome"] == "ok"
    left = {folder.name for folder in (node.base / "runs").iterdir()}
    kept = [starting, running, *ended[2:], link, node.base / "runs" / winps.RUN]
    assert left == {folder.name for folder in kept}
    assert len(list(outside.iterdir())) == 2


def powershell(node: winps.Machine, text: str) -> str:
    """Run a line on the node and give what it says."""
    command = [winps.winps(), "-NoProfile", "-Command", text]
    done = subprocess.run(
        command, env=node.engine.environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def secure(node: winps.Machine, path: str, sddl: str) -> None:
    """Give a folder of the node an owner and an access list."""
    (node.drive / path).mkdir(parents=True, exist_ok=True)
    name = "C:\\" + path.replace("/", "\\")
    powershell(
        node,
        "$s = New-Object -TypeName Security.AccessControl.DirectorySecurity;"
        f"$s.SetSecurityDescriptorSddlForm('{sddl}');"
        f"(New-Object -TypeName IO.DirectoryInfo -ArgumentList '{name}').SetAccessControl($s)",
    )


@pytest.mark.parametrize("folder", ["", "/runs", f"/runs/{winps.RUN}"])
def test_a_folder_of_another_account_is_refused(node: winps.Machine, folder: str) -> None:
    """Who made the folder beforehand would get code run as SYSTEM."""
    secure(node, "Program Files/wincnode", "O:BAG:BAD:P(A;OICI;FA;;;BA)")
    secure(node, "Program Files/wincnode/runs", "O:BAG:BAD:P(A;OICI;FA;;;BA)")
    secure(node, f"Program Files/wincnode{folder}", "O:S-1-5-21-1-2-3-1001G:BAD:P(A;OICI;FA;;;SY)")
    (event,) = node.run("detached", mode="apply")
    assert event["code"] == "foreign_folder"


@pytest.mark.parametrize("name", ["lock", "holder.json", "manifest.json", "runs"])
@pytest.mark.parametrize("verb", ["attached", "detached"])
def test_a_link_where_a_file_of_ours_belongs_is_refused(
    node: winps.Machine, verb: str, name: str, tmp_path: Path
) -> None:
    """What is written through a link lands where somebody else wants it."""
    (tmp_path / "elsewhere").mkdir()
    node.base.mkdir()
    (node.base / name).symlink_to(tmp_path / "elsewhere")
    (event,) = node.run(verb, mode="apply")
    assert (event["code"], name in event["message"]) == ("foreign_folder", True)


def test_a_folder_that_lets_others_write_is_closed(node: winps.Machine) -> None:
    """Its owner may be right and its access list still be another's work."""
    secure(node, "Program Files/wincnode", "O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BU)")
    assert node.run("detached", mode="apply")[-1]["outcome"] == "ok"
    shown = powershell(node, "(Get-Acl -LiteralPath 'C:\\Program Files\\wincnode').Sddl")
    assert shown.replace("PAI", "P") == "O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"


def test_a_task_that_cannot_be_made_is_a_refusal_that_leaves_no_secret(node: winps.Machine) -> None:
    """The client may then ask for an attached run."""
    node.model.denied.add("tasks")
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


class Health(BaseHTTPRequestHandler):
    """Answers with the status that the path names."""

    def do_GET(self) -> None:
        self.send_response(int(self.path[1:]))
        self.send_header("Location", "/500")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def test_wait_for_http_looks_at_the_status(node: winps.Machine) -> None:
    """Healthy is what answers below 400; a redirect is an answer, and no listener is none."""
    node.engine.variables["http_proxy"] = "http://127.0.0.1:9"
    with ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}/"
        cases = [("200", "present"), ("302", "present"), ("404", "absent"), ("503", "absent")]
        steps = [
            step("wait_for", {"subject": "http", "name": base + status}, {"state": state})
            for status, state in cases
        ]
        found = outcomes(node.run(steps=steps))
        server.shutdown()
    gone = step("wait_for", {"subject": "http", "name": base + "200"}, {"state": "absent"})
    assert found + outcomes(node.run(steps=[gone])) == ["ok"] * 5


def test_a_service_is_made_stopped_and_removed(node: winps.Machine) -> None:
    """The kind goes through Win32_Service; Remove-Service exists on no release."""
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
