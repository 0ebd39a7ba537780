"""What seldom happens on a node: odd values, requests that do not fit, machines that lack a thing."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import winps
from conformance_cases import ENVIRONMENT
from nodes import lab_node, linked

from wincnode import assets, runner
from wincnode.events import FactsRead, Hello, StepFinished
from wincnode.lab.nodes import LabNode
from wincnode.lab.windows.machine import CONTROL, PREFETCH, SYSTEM32
from wincnode.lab.windows.registry import Value
from wincnode.plan import Plan, Step, to_wire

# Has what its key says; its Set changes nothing.
MIRROR = """
function Get-WnMirror { param($Key, $Want)
    $state = 'settled'
    if ($Key.ContainsKey('states')) { $state = $Key['states'][[int][IO.File]::Exists($Key['mark'])] }
    @{ state = $state; values = @{ it = $Key['have'] } } }
function Set-WnMirror { param($Key, $Want, $Have) if ($Key['mark']) { [IO.File]::WriteAllText($Key['mark'], '') } }
"""
CLOSED = "O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
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


def step(kind: str, key: dict[str, Any], want: dict[str, Any], id: str = "1") -> dict[str, Any]:
    return {"id": id, "kind": kind, "key": key, "want": want, "timeout_s": 10}


def mirror(*steps: dict[str, Any], **rule: Any) -> dict[str, Any]:
    """Give what a request of such steps holds."""
    row = {"compare": {}, "detached_only": False, **rule}
    return {"kinds": {"mirror": row}, "scripts": {"kinds/mirror": MIRROR}, "steps": list(steps)}


def ends(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["type"] == "step_finished"]


@pytest.mark.parametrize("how", ["exact", "text", "path", "set"])
def test_values_are_compared_as_their_field_says(node: winps.Machine, how: str) -> None:
    """A difference that is none would be set again and again; one that is missed, never."""
    rows = [row for row in SAME if row[2] == how]
    steps = [step("mirror", {"have": have}, {"it": want}) for have, want, _, _ in rows]
    events = node.run(**mirror(*steps, compare={"it": how} if how != "exact" else {}))
    found = [end["outcome"] for end in ends(events)]
    assert found == ["ok" if same else "would_change" for *_, same in rows]


def test_a_step_that_needs_a_reboot_ends_the_run(node: winps.Machine) -> None:
    """Before or after it was set, what comes next waits for the restart."""
    needs = {"have": "a", "states": ["needs_reboot", "needs_reboot"], "mark": r"C:\no"}
    then = step("mirror", {"have": "a"}, {"it": "a"}, id="2")
    waits = node.run(mode="apply", **mirror(step("mirror", needs, {"it": "a"}), then))
    needs |= {"states": ["settled", "needs_reboot"], "mark": r"C:\set"}
    after = node.run(mode="apply", **mirror(step("mirror", needs, {"it": "b"}), then))
    for events in (waits, after):
        assert [end["outcome"] for end in ends(events)] == ["needs_reboot", "skipped"]
        assert events[-1]["outcome"] == "needs_reboot"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (mirror(step("mirror", {"have": "a"}, {"it": "b"})), "Still different after it was set: it."),
        (mirror(step("mirror", {}, {"it": "b"}), detached_only=True), "needs a detached run"),
        (mirror(step("mirror", {}, {"it": {"$secret": "none"}})), "no secret none"),
        (mirror(step("mirror", {"it": [{"$secret": "a"}]}, {"it": "b"})), "cannot be a secret"),
        (mirror(step("other", {}, {})) , "no script kinds/other"),
    ],
)  # fmt: skip
def test_a_step_that_cannot_be_taken_says_why(
    node: winps.Machine, changes: dict[str, Any], message: str
) -> None:
    """The message is what the operator gets."""
    changes["kinds"]["other"] = {"compare": {}, "detached_only": False}
    (end,) = ends(node.run(mode="apply", **changes))
    assert end["outcome"] == "failed"
    assert message in end["error"]["message"]


def test_texts_that_are_no_request_are_refused(node: winps.Machine) -> None:
    """A launcher that was changed on the way, and lines that are no JSON, run nothing."""
    changed = winps.request()
    changed["launcher"]["text"] += "\n# more"
    for stdin in (winps.packed(changed), b"a\nb\n\nwincnode-end\n"):
        (event,) = node.send(stdin)
        assert (event["type"], event["code"]) == ("refused", "truncated")


BLIND = assets.node_script("launcher").replace("(Test-WnScript $script.Value)", "$true")


@pytest.mark.parametrize("launcher", [assets.node_script("launcher"), BLIND], ids=["ours", "blind"])
@pytest.mark.parametrize("name", ["kinds/mirror", "facts/mirror", "steps"])
def test_no_script_runs_that_differs_from_its_hash(
    node: winps.Machine, name: str, launcher: str
) -> None:
    """The launcher compares all; the runner does so again, as its scripts lay on the disk."""
    changes = mirror(step("mirror", {"have": "a"}, {"it": "a"}))
    changes["scripts"]["facts/mirror"] = "function Get-WnFactsMirror { @{} }"
    payload = winps.request(facts=[{"section": "mirror", "timeout_s": 5}], **changes)
    payload["launcher"] = winps.script(launcher)
    payload["scripts"][name]["text"] += "\n# more"

    events = node.send(winps.packed(payload))

    assert f"{name} differs from its hash" in json.dumps(events)
    refused = {"kinds/mirror": "failed", "facts/mirror": "ok", "steps": "failed"}[name]
    last = events[-1]
    assert last.get("code", last.get("outcome")) == ("truncated" if launcher != BLIND else refused)


def test_a_section_that_fails_or_says_nothing_is_unknown(node: winps.Machine) -> None:
    """Its error is told; the other sections are read."""
    scripts = {
        "facts/bad": "function Get-WnFactsBad { throw 'no provider' }",
        "facts/mute": "function Get-WnFactsMute { }",
    }
    facts = [{"section": name, "timeout_s": 5} for name in ("bad", "mute", "absent")]
    events = node.run(facts=facts, scripts=scripts)
    assert [event["error"] for event in events if event["type"] == "facts"] == [
        "no provider",
        "the section gave nothing",
        "The request has no script facts/absent.",
    ]


def test_a_dead_run_keeps_no_secrets(node: winps.Machine) -> None:
    """A task that died before its first line leaves them; whoever follows it takes them away."""
    node.run("detached", mode="apply")
    folder = node.base / "runs" / winps.RUN
    (folder / "secrets").write_text("token=aHVzaA==")
    hello = (folder / "journal.jsonl").read_text().splitlines()[0]
    (folder / "journal.jsonl").write_text(hello + "\n")
    assert node.run("follow")[-1]["type"] == "died"
    assert not (folder / "secrets").exists()


def test_a_machine_that_waits_for_a_reboot_says_why(tmp_path: Path) -> None:
    """Each mark of Windows has its name; without processors a section is unknown."""
    windows = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update"
    manager = r"HKLM\SOFTWARE\Microsoft\ServerManager\ServicingStorage\ServerComponentCache"
    with lab_node(tmp_path) as node:
        registry = node.machine.registry
        one = Value(kind="DWord", data=1)
        registry.set(windows + r"\RebootRequired", "x", one)
        registry.set(manager, "RestartRequired", one)
        name = Value(kind="String", data="NEW")
        registry.set(CONTROL + r"\ComputerName\ComputerName", "ComputerName", name)
        registry.delete_value(PREFETCH, "BootId")
        node.machine.cim["Win32_Processor"] = []
        with linked(node) as link:
            events = list(runner.read_facts(link, node="web-1", sections=["os", "hardware"]))
    facts = {event.section: event for event in events if isinstance(event, FactsRead)}
    assert facts["os"].data
    reasons = facts["os"].data["reboot_reasons"]
    assert reasons == ["windows_update", "server_components", "computer_rename"]
    assert "Win32_Processor has no instance" in facts["hardware"].error
    (hello,) = [event for event in events if isinstance(event, Hello)]
    assert hello.boot.startswith("20"), "not the time of the last boot"


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


def test_what_lies_in_a_run_folder_is_not_written_to(node: winps.Machine) -> None:
    """A link there would lead what SYSTEM writes to another's file."""
    node.run("detached", mode="apply")
    folder = node.base / "runs" / winps.RUN
    (folder / "claim.json").unlink()
    (folder / "payload.json").unlink()
    target = node.drive / "target.txt"
    target.write_text("mine")
    (folder / "payload.json").symlink_to(target)

    (event,) = node.run("detached", mode="apply")

    assert (event["type"], event["code"]) == ("refused", "task")
    assert target.read_text() == "mine"


def test_a_folder_of_ours_is_born_closed(node: winps.Machine) -> None:
    """There is no moment in which others may put something into it."""
    repair = "        Restore-WnAccess $path\n"
    runs = assets.node_script("runs")
    assert repair in runs
    node.run("detached", mode="apply", scripts={"runs": runs.replace(repair, "")})
    for path in (r"C:\Program Files\wincnode", rf"C:\Program Files\wincnode\runs\{winps.RUN}"):
        made = step("directory", {"path": path}, {"state": "present", "sddl": CLOSED})
        assert [end["outcome"] for end in ends(node.run(steps=[made]))] == ["ok"]


def test_a_node_that_is_held_by_nobody_known_says_so(node: winps.Machine) -> None:
    """Whoever took the lock a moment ago, or died with it, left no name."""
    node.run("detached", mode="apply")
    (node.base / "holder.json").unlink()
    with (node.base / "lock").open("r+b") as lock:
        # The engine's lock of a file without sharing.
        fcntl.flock(lock, fcntl.LOCK_EX)
        (asked,) = node.run("detached", run="f" * 32, mode="apply")
        (tried,) = node.run(run="e" * 32, mode="apply")
    assert (asked["code"], asked["holder"]) == ("locked", {"run": ""})
    assert (tried["code"], tried["holder"]) == ("locked", None)


def test_a_run_is_told_by_its_name_or_not_known(node: winps.Machine) -> None:
    """Names of people travel as ASCII; a run that never was is no run that waits."""
    (unknown,) = node.run("follow")
    payload = winps.request("detached", mode="apply")
    payload["plan"]["who"]["operator"] = "Zo\xeb"
    node.send(winps.packed(payload))
    (listed,) = node.run("runs")
    assert (unknown["type"], listed["who"]["operator"]) == ("died", "Zo\xeb")


def test_a_file_in_the_place_of_our_folder_is_refused(node: winps.Machine) -> None:
    """Nothing of it is read or removed."""
    node.base.write_text("mine")
    (event,) = node.run("detached", mode="apply")
    assert (event["code"], node.base.read_text()) == ("foreign_folder", "mine")
