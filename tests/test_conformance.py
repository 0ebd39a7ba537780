"""Both engines of the lab do the same: the shipped scripts, and their model in Python."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from conformance_cases import CASES, Case
from nodes import ENGINES, base, lab_node, linked

from wincnode import assets, runner
from wincnode.events import Event, FactsRead
from wincnode.lab.nodes import LabNode
from wincnode.lab.windows.machine import profile_names
from wincnode.node import kinds
from wincnode.plan import Plan, Step, to_wire

# Each case is played once, so all run in one process.
pytestmark = pytest.mark.xdist_group("conformance")
MODES = ("check", "apply", "apply again")
BY_ID = {case.id: case for case in CASES}
SOUND = tuple(case for case in CASES if not case.broken)
BROKEN = tuple(case for case in CASES if case.broken)
# What a machine has of its own, and what only a clock can say.
FREE = ("at", "elapsed_ms", "pid", "powershell", "run")


def step(case: Case) -> Step:
    return Step(
        id=case.id,
        kind=case.kind,
        title=case.id,
        key=case.key,
        want=case.want,
        timeout_s=case.timeout_s,
    )


def lines(node: LabNode, cases: Sequence[Case], mode: str) -> list[dict[str, Any]]:
    """Run a plan and give its events as they came, without what is free to differ."""
    run = runner.new_run()
    plan = to_wire(
        Plan(node="web-1", steps=tuple(step(case) for case in cases)),
        run=run,
        mode="check" if mode == "check" else "apply",
        who={"operator": "ada"},
    )
    request = runner.pack(runner.payload_of("attached", run=run, plan=plan))
    with linked(node) as link:
        rows = [json.loads(line) for line in link.run(runner.command_line(), request)]
    return [
        {name: plain(name, row[name]) for name in sorted(row) if name not in FREE} for row in rows
    ]


def plain(name: str, value: Any) -> Any:
    """Leave of an error what names it: our own texts, or .NET's name of it without its words."""
    return value["id"] if name == "error" and value else value


def end_state(node: LabNode) -> dict[str, Any]:
    """Give what a machine holds: its files, registry and services."""
    keep = (r"program files\wincnode\runs", r"windows\system32", "holder.json", "manifest.json")
    files = {}
    for path in sorted(node.machine.drive.rglob("*")):
        name = str(path.relative_to(node.machine.drive)).replace("/", "\\").lower()
        if not any(word in name for word in keep):
            files[name] = path.read_bytes() if path.is_file() else None
    return {
        "files": files,
        "registry": {key.lower(): rows for key, rows in node.machine.registry.snapshot().items()},
        "services": node.machine.services.rows(),
        "manifest": manifest(node),
    }


def manifest(node: LabNode) -> list[dict[str, Any]]:
    file = base(node) / "manifest.json"
    rows = json.loads(file.read_text())["entries"] if file.exists() else []
    return [{key: row[key] for key in ("kind", "key", "before")} for row in rows]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give what an engine made of cases; each is played once."""

    @cache
    def play(engine: str, ids: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
        cases = [BY_ID[id] for id in ids]
        with lab_node(tmp_path_factory.mktemp(engine) / "node", engine=engine) as node:
            for case in cases:
                case.before(node.machine)
            return {mode: lines(node, cases, mode) for mode in MODES}, end_state(node)

    return play


def group(case: Case) -> tuple[str, ...]:
    """Name the cases that share a machine: all sound ones, as each step there goes well."""
    return (case.id,) if case.broken else tuple(row.id for row in SOUND)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_engines_report_the_same_events(played: Any, case: Case, mode: str) -> None:
    """Outcome, differences, their order and the words of the errors are equal."""
    found = [
        [row for row in played(engine, group(case))[0][mode] if row.get("step") == case.id]
        for engine in ENGINES
    ]
    assert found[0]
    assert found[0] == found[1]


@pytest.mark.parametrize("case", [SOUND[0], *BROKEN], ids=lambda case: case.id)
def test_engines_leave_the_same_machine(played: Any, case: Case) -> None:
    """Files, registry, services and the record of what was there before are equal."""
    events, states = zip(*(played(engine, group(case)) for engine in ENGINES), strict=True)

    assert [row["type"] for row in events[0]["apply"]] == [
        row["type"] for row in events[1]["apply"]
    ]
    assert states[0] == states[1]


@pytest.mark.parametrize("case", SOUND, ids=lambda case: case.id)
def test_a_step_is_shown_made_and_then_left_alone(played: Any, case: Case) -> None:
    """Check says what apply does; what is as wanted is not touched."""
    outcomes = [
        row["outcome"]
        for mode in MODES
        for row in played("powershell", group(case))[0][mode]
        if row.get("step") == case.id and "outcome" in row
    ]
    there = case.id.endswith(("present", "wait_for absent"))
    assert outcomes == (["ok"] * 3 if there else ["would_change", "changed", "ok"])


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.id)
def test_a_step_that_cannot_be_made_says_so(played: Any, case: Case) -> None:
    """It fails, or names policy as the owner; never does it claim to have changed something."""
    for mode in MODES[1:]:
        (row,) = [
            row
            for row in played("powershell", group(case))[0][mode]
            if "outcome" in row and "step" in row
        ]
        owned = "policy" in case.id
        assert row["outcome"] == ("policy_owned" if owned else "failed")
        assert owned or row["error"]


@pytest.mark.parametrize("engine", ENGINES)
def test_what_a_link_leads_to_stays(played: Any, engine: str) -> None:
    """A folder that goes takes its links with it, and nothing of the host behind them."""
    files = played(engine, group(BY_ID["directory to go, with a link in it"]))[1]["files"]
    assert "a7" not in files
    assert files[r"kept\x.txt"] == b"x"


def test_every_kind_has_its_cases() -> None:
    """A step kind without a conformance case could drift apart unseen."""
    words = {word for case in CASES for word in case.id.split()[1:2]}
    assert {case.kind for case in CASES} == set(kinds.all_kinds())
    assert {"absent", "present", "different"} <= words


@pytest.mark.parametrize("profile", profile_names())
def test_engines_read_the_same_facts(profile: str, tmp_path: Path) -> None:
    """A profile says the same of itself, whoever reads it."""
    found = []
    for engine in ENGINES:
        with lab_node(tmp_path / engine, engine=engine, profile=profile) as node:
            with linked(node) as link:
                names = assets.script_names("facts")
                events = list(runner.read_facts(link, node="web-1", sections=names))
        found.append(facts_in(events))
    assert found[0] == found[1]


def facts_in(events: Sequence[Event]) -> dict[str, Any]:
    """Give the sections, without the clock, the engine's own version and Linux' processes."""
    sections = {row.section: dict(row.data or {}) for row in events if isinstance(row, FactsRead)}
    del sections["time"]["utc"], sections["time"]["zone"], sections["os"]["powershell"]
    sections["network"]["listening"] = [
        {**row, "process": ""} for row in sections["network"]["listening"]
    ]
    return sections
