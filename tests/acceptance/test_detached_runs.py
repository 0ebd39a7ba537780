"""Runs that outlive a connection: started by a task, followed by their journal, alone on the node."""

from __future__ import annotations

import fcntl
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import winps
from winps import messages, of, outcomes, step

from wincnode import assets

OTHER = "f" * 32
SECRETS = {"token": "hush-hush"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """A machine, and the events of a detached run on it that ended well."""

    node: winps.Machine
    request: dict[str, Any]
    events: list[dict[str, Any]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """The tests that share it only look."""
    want = {"state": "present", "content": {"$secret": "token"}}
    request = winps.request(
        "detached",
        mode="apply",
        steps=[step("file", {"path": "C:\\t"}, want)],
        secrets=SECRETS,
    )
    request["plan"]["who"]["operator"] = "Zo\xeb"
    with winps.machine(tmp_path_factory.mktemp("ran") / "node") as node:
        yield Ran(node=node, request=request, events=node.send(winps.packed(request)))


def test_a_detached_run_is_told_to_its_end(ran: Ran) -> None:
    """Its task runs as SYSTEM, and not with the low priority of tasks."""
    types = ["launched", "hello", "step_started", "step_finished", "finished"]
    assert [(event["type"], event["seq"]) for event in ran.events] == list(
        zip(types, range(5), strict=True)
    )
    (task,) = ran.node.model.started
    assert (task.settings["UserId"], task.settings["Priority"]) == ("S-1-5-18", 4)


def test_a_secret_reaches_the_file_and_no_event(ran: Ran) -> None:
    """The token is compared on the node and shown as three stars."""
    (finished,) = of(ran.events, "step_finished")
    assert finished["outcome"] == "changed"
    assert (ran.node.drive / "t").read_text() == "hush-hush"
    assert "hush-hush" not in json.dumps(ran.events)
    kept = "".join(path.read_text() for path in ran.node.base.rglob("*") if path.is_file())
    assert "hush-hush" not in kept
    assert {"field": "content", "have": None, "want": "***"} in finished["diff"]


def test_a_run_that_ended_is_followed_from_any_number_on(ran: Ran) -> None:
    """The journal gives each event once, and the same request again starts nothing."""
    again = ran.node.send(winps.packed({**ran.request, "since": 2}))
    assert [event["seq"] for event in again] == [3, 4]
    assert [event["seq"] for event in ran.node.run("follow", since=3)] == [4]
    assert len(ran.node.model.started) == 1


def test_a_run_is_listed_with_its_operator_and_its_task_is_gone(ran: Ran) -> None:
    """Names of people travel as ASCII."""
    (listed,) = ran.node.run("runs")
    assert (listed["id"], listed["state"]) == (winps.RUN, "finished")
    assert listed["who"]["operator"] == "Zo\xeb"
    assert not ran.node.model.tasks


def test_a_cancelled_run_says_what_is_so(ran: Ran) -> None:
    """Nobody is told that a run stops which is not there or has ended."""
    (unknown,) = ran.node.run("cancel", run=OTHER)
    (ended,) = ran.node.run("cancel")
    assert (unknown["type"], unknown["message"]) == ("died", "This node knows no such run.")
    assert (ended["type"], ended["text"]) == ("log", "The run has ended already.")
    assert not (ran.node.base / "runs" / winps.RUN / "cancel").exists()


def test_a_run_that_never_was_is_no_run_that_waits(ran: Ran) -> None:
    """Who follows it is told so at once."""
    (unknown,) = ran.node.run("follow", run=OTHER)
    assert (unknown["type"], unknown["message"]) == ("died", "This node knows no such run.")


def test_a_dead_run_keeps_no_secrets(node: winps.Machine) -> None:
    """A task that died at once leaves them; whoever follows it takes them away."""
    folder = node.base / "runs" / winps.RUN
    folder.mkdir(parents=True)
    (folder / "claim.json").write_text("{}")
    (folder / "journal.jsonl").write_text('{"seq":1,"type":"hello"}\n')
    (folder / "secrets").write_text("token=aHVzaA==")
    assert node.run("follow")[-1]["type"] == "died"
    assert not (folder / "secrets").exists()


def is_free(node: winps.Machine) -> bool:
    """Tell whether nobody holds the node; to open a file without sharing is to lock it here."""
    with (node.base / "lock").open("r+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


SLEEPER = """
function Get-WnProbe { param($Key, $Want)
    if ([IO.File]::Exists('C:\\go')) { return @{ state = 'settled'; values = @{ state = 'present' } } }
    @{ state = 'settling'; values = @{ state = 'absent' } } }
function Set-WnProbe { param($Key, $Want, $Have) [IO.File]::WriteAllText('C:\\set', '') }
"""


@contextmanager
def under_way(node: winps.Machine) -> Iterator[list[dict[str, Any]]]:
    """Start a run whose first step waits for the file `go`; its events are there at its end."""
    events: list[dict[str, Any]] = []
    slow = winps.probe(SLEEPER, timeout_s=60)
    slow["steps"] += [{**slow["steps"][0], "id": "2"}]
    thread = threading.Thread(target=lambda: events.extend(node.run("detached", **slow)))
    thread.start()
    while not (node.drive / "set").exists():
        assert thread.is_alive()
        thread.join(0.05)
    yield events
    thread.join(30)


def test_a_second_run_is_refused_with_its_holder_and_a_dead_runner_is_noticed(
    node: winps.Machine,
) -> None:
    """The kernel frees the lock, whose holder is named; half a line in the journal is no event."""
    journal = node.base / "runs" / winps.RUN / "journal.jsonl"
    with under_way(node) as first:
        for verb in ("detached", "attached"):
            (event,) = node.run(verb, run=OTHER, mode="apply")
            assert (event["code"], event["holder"]["run"]) == ("locked", winps.RUN)
        assert not is_free(node)
        pid = json.loads(journal.read_text().splitlines()[0])["pid"]
        with journal.open("a") as half:
            half.write(f'{{"run":"{winps.RUN}","seq":3,"at":"","type":"finished","outc')
        subprocess.run(["kill", "-9", str(pid)], check=True)
    assert [event["type"] for event in first] == ["launched", "hello", "step_started", "died"]
    assert [event["state"] for event in node.run("runs")] == ["died"]
    assert is_free(node)


def test_a_run_that_is_cancelled_ends_before_its_next_step(node: winps.Machine) -> None:
    """A step is never cut in the middle."""
    with under_way(node) as events:
        node.run("cancel")
        (node.drive / "go").touch()
    assert outcomes(events) == ["changed", "skipped"]
    assert events[-1]["outcome"] == "cancelled"


def test_who_sees_a_run_finish_may_start_the_next(node: winps.Machine) -> None:
    """The lock is let go before the last event, however long the runner takes to end."""
    end = "} finally {\n    $guard.done"
    stay = "while (-not [IO.File]::Exists('C:\\go')) { [Threading.Thread]::Sleep(20) }"
    runner = assets.node_script("runner")
    assert end in runner
    slow = runner.replace(end, f"}} finally {{\n    {stay}\n    $guard.done")
    first = node.run("detached", mode="apply", scripts={"runner": slow})
    assert first[-1]["outcome"] == "ok"
    assert [event["state"] for event in node.run("runs")] == ["finished"]
    assert is_free(node)
    (node.drive / "go").touch()


HANGING = """
function Get-WnProbe { param($Key, $Want)
    [IO.File]::WriteAllText('C:\\seen', $known['token'] + $plan.node + [IO.File]::Exists("$Folder\\secrets"))
    while ($true) { Start-Sleep -Milliseconds 20 } }
"""


def test_a_step_that_hangs_fails_and_frees_the_node(node: winps.Machine) -> None:
    """A dead provider holds neither run nor lock; a step sees its run, but no file of secrets."""
    events = node.run("detached", **winps.probe(HANGING, timeout_s=0.5), secrets=SECRETS)
    assert messages(events) == ["The step took longer than 0.5 s."]
    assert events[-1]["outcome"] == "failed"
    assert (node.drive / "seen").read_text() == "hush-hushwin1False"
    assert is_free(node)


BLOCKED = """
function Get-WnProbe { param($Key, $Want) $guard.grace_ms = 500; [Threading.Thread]::Sleep(60000) }
"""


def test_a_step_that_nothing_can_stop_ends_the_runner(node: winps.Machine) -> None:
    """What .NET blocks cannot be stopped; the process ends and the kernel frees the lock."""
    assert node.run("detached", **winps.probe(BLOCKED, timeout_s=0))[-1]["type"] == "died"
    assert not node.model.tasks
    assert is_free(node)


def test_a_node_that_is_held_by_nobody_known_says_so(node: winps.Machine) -> None:
    """Whoever took the lock a moment ago, or died with it, left no name."""
    node.base.mkdir()
    with (node.base / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (asked,) = node.run("detached", mode="apply")
        (tried,) = node.run(mode="apply")
    assert (asked["code"], asked["holder"]) == ("locked", {"run": ""})
    assert (tried["code"], tried["holder"]) == ("locked", None)


def test_a_task_that_cannot_be_made_is_a_refusal_that_leaves_no_secret(node: winps.Machine) -> None:
    """The client may then ask for an attached run."""
    node.model.denied.add("tasks")
    (event,) = node.run("detached", mode="apply", secrets=SECRETS)
    assert (event["type"], event["code"]) == ("refused", "task")
    assert not list((node.base / "runs").iterdir())
