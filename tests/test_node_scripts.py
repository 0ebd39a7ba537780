"""The node's own scripts, byte for byte, on Windows PowerShell 5.1's language: what they let run."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import winps
from winps import of, step

from wincnode import assets
from wincnode.lab.windows.machine import PREFETCH

SCRIPTS = sorted((assets.PACKAGE / "node").rglob("*.ps1"))


def test_the_scripts_are_ascii_and_of_the_language_of_5_1() -> None:
    """Node scripts travel as ASCII and must parse on every node."""
    done = subprocess.run([winps.winps(), "-Check", *SCRIPTS], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode()
    assert [path for path in SCRIPTS if not path.read_bytes().isascii()] == []


def test_the_bootstrap_fits_behind_cmd_exe() -> None:
    """cmd.exe ends a command line at 8191 characters, base64 of UTF-16 makes 3061 of them."""
    assert len(assets.node_script("bootstrap")) <= 3061


WHOLE = winps.packed({**winps.request(), "secrets": {"token": "hush-hush"}})
CHANGED = winps.request()
CHANGED["launcher"]["text"] += "\n# more"
CUT = {
    "no end mark": WHOLE[:-20],
    "another payload": WHOLE.replace(b"win1", b"win2"),
    "shorter secrets": WHOLE.replace(b"token=a", b"token="),
    "another launcher": winps.packed(CHANGED),
    "no JSON": b"a\nb\n\nwincnode-end\n",
}


@pytest.mark.parametrize("stdin", CUT.values(), ids=CUT)
def test_what_was_cut_or_changed_on_the_way_runs_nothing(node: winps.Machine, stdin: bytes) -> None:
    """A request is run whole, or not at all."""
    (event,) = node.send(stdin)
    assert (event["type"], event["code"]) == ("refused", "truncated")


def test_constrained_language_is_refused_by_its_name(node: winps.Machine) -> None:
    """There neither methods nor types can be used, so nothing is tried."""
    constrain = "$ExecutionContext.SessionState.LanguageMode = 'ConstrainedLanguage'\n"
    (event,) = node.send(WHOLE, first=constrain)
    assert (event["code"], event["run"]) == ("constrained_language", winps.RUN)


MIRROR = "function Get-WnMirror { param($Key, $Want) @{ state = 'settled'; values = @{} } }"
FACTS = "function Get-WnFactsMirror { @{} }"
LAUNCHER = assets.node_script("launcher")
BLIND = LAUNCHER.replace("(Test-WnScript $script.Value)", "$true")


def spoiled(launcher: str, *names: str) -> bytes:
    """Give a request some of whose scripts differ from their hashes."""
    payload = winps.request(
        facts=[{"section": "mirror", "timeout_s": 5}],
        kinds={"mirror": {"compare": {}, "detached_only": False}},
        scripts={"facts/mirror": FACTS, "kinds/mirror": MIRROR},
        steps=[step("mirror", {}, {})],
    )
    payload["launcher"] = winps.script(launcher)
    for name in names:
        payload["scripts"][name]["text"] += "\n# more"
    return winps.packed(payload)


# The worker is what this request does not need.
@pytest.mark.parametrize("name", ["runner", "worker", "kinds/mirror"])
def test_the_launcher_runs_nothing_when_a_script_differs_from_its_hash(
    node: winps.Machine, name: str
) -> None:
    """The hashes of the scripts are what an allow-list is made of."""
    (event,) = node.send(spoiled(LAUNCHER, name))
    assert (event["code"], event["message"]) == (
        "truncated",
        f"The script {name} differs from its hash.",
    )


def test_the_runner_compares_the_hashes_again(node: winps.Machine) -> None:
    """Its scripts lay on the disk."""
    assert BLIND != LAUNCHER
    events = node.send(spoiled(BLIND, "facts/mirror", "kinds/mirror"))
    ended = node.send(spoiled(BLIND, "steps"))

    assert of(events, "facts")[0]["error"] == "Script facts/mirror differs from its hash."
    assert winps.messages(events) == ["Script kinds/mirror differs from its hash."]
    assert of(ended, "log")[0]["text"] == "Script steps differs from its hash."
    assert ended[-1]["outcome"] == "failed"


SECTIONS = {
    "slow_one": "function Get-WnFactsSlowOne { while ($true) { [Threading.Thread]::Sleep(20) } }",
    "fast": "function Get-WnFactsFast { @{ name = [char]0xe9 + '<' } }",
    "bad": "function Get-WnFactsBad { throw 'no provider' }",
    "mute": "function Get-WnFactsMute { }",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """What came of the sections above, and of one that has no script."""

    node: winps.Machine
    events: list[dict[str, Any]]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    """A machine that knows of no boot, and the facts that were read of it."""
    with winps.machine(tmp_path_factory.mktemp("read") / "node") as node:
        node.model.registry.delete_value(PREFETCH, "BootId")
        del node.model.cim["Win32_OperatingSystem"]
        facts = [{"section": name, "timeout_s": 1} for name in (*SECTIONS, "absent")]
        scripts = {f"facts/{name}": text for name, text in SECTIONS.items()}
        yield Read(node=node, events=node.run(facts=facts, scripts=scripts))


def test_events_are_numbered_without_a_gap(read: Read) -> None:
    """A client that re-attaches knows by the number what it has seen."""
    assert [event["type"] for event in read.events] == ["hello", *["facts"] * 5, "finished"]
    assert [event["seq"] for event in read.events] == [1, 2, 3, 4, 5, 6, 7]


def test_facts_leave_nothing_on_the_disk(read: Read) -> None:
    """Read-only means traceless."""
    assert not read.node.base.exists()


def test_a_section_that_gives_nothing_is_unknown_and_the_others_are_read(read: Read) -> None:
    """One slow or broken provider must not cost the other facts."""
    facts = {event["section"]: event for event in of(read.events, "facts")}
    assert {name: row["error"] for name, row in facts.items()} == {
        "slow_one": "deadline",
        "fast": None,
        "bad": "no provider",
        "mute": "the section gave nothing",
        "absent": "The request has no script facts/absent.",
    }
    assert {row["status"] for row in facts.values() if row["error"]} == {"unknown"}
    assert (facts["fast"]["status"], facts["fast"]["data"]) == ("ok", {"name": "\xe9<"})


def test_a_machine_that_knows_of_no_boot_has_an_empty_one(read: Read) -> None:
    """The run goes on all the same."""
    assert read.events[0]["boot"] == ""
