"""100,000 hostile reports, and 100,000 hostile lines and facts on their way to a report."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import harmless
import pytest
import reports

from wincnode import checks
from wincnode.checks import Wanted, run_checks
from wincnode.commands.saved import parse
from wincnode.errors import ConfigError
from wincnode.events import Event, FactsRead, StepFinished
from wincnode.events import parse as parse_event
from wincnode.facts import Facts
from wincnode.formats import FORMATS, render
from wincnode.lab.windows.profiles import profile_names
from wincnode.report import NodeReport, Report

RUN = "0" * 32
REPORTS = 100_000
LINES = 100_000
FACTS = 100_000
# A hang is what takes longer than this, of what takes milliseconds.
HANG_S = 5.0


@pytest.mark.parametrize("name", FORMATS)
def test_hostile_reports(name: str) -> None:
    """Each format gets 10,000 of its own: none crashes, hangs or is obeyed."""
    for seed in range(REPORTS // len(FORMATS)):
        dice = reports.thrown(f"{name} {seed}")
        report = reports.hostile(dice)
        began = time.process_time()
        harmless.check(name, render(name, report))
        assert time.process_time() - began < HANG_S, seed


def hostile_line(dice: random.Random) -> bytes:
    """Give a line of a node: an event with hostile values, cut, or made of any bytes."""
    kinds = "hello facts step_started step_finished log launched refused died run_listed finished"
    fields: dict[str, Any] = {
        "run": RUN,
        "seq": dice.randrange(9),
        "type": dice.choice(kinds.split()),
    }
    for name in "section status data error step outcome diff text code message at computer".split():
        if dice.random() < 0.6:
            fields[name] = reports.hostile_value(dice)
    if dice.random() < 0.5:
        fields |= {"status": "ok", "section": "os", "index": 1, "total": 2, "step": "1-a"}
        fields |= {"computer": reports.hostile_text(dice), "powershell": "5.1", "build": 20348}
        fields |= {"outcome": "ok", "diff": [{"field": "a", "have": fields.get("data")}]}
    line = json.dumps(fields).encode()
    cut = dice.randrange(len(line)) if dice.random() < 0.1 else len(line)
    return line[:cut] if dice.random() < 0.95 else dice.randbytes(dice.randrange(64))


def test_hostile_lines() -> None:
    """What is made of a node's lines goes into every format without harm."""
    dice = reports.thrown(11)
    rows: list[Event] = []
    for _ in range(LINES):
        event = parse_event(hostile_line(dice), run=RUN)
        assert isinstance(event, Event)
        rows.append(event)
        if len(rows) < 500:
            continue
        steps = tuple(row for row in rows if isinstance(row, StepFinished))
        facts = {r.section: r.data for r in rows if isinstance(r, FactsRead) and r.data}
        findings = run_checks(Facts(sections=facts), Wanted())
        node = NodeReport(node="web-1", status="failed", steps=steps, findings=findings)
        for name in FORMATS:
            harmless.check(name, render(name, Report(command="preflight", nodes=(node,))))
        rows.clear()


def healthy(folder: Path) -> Mapping[str, Any]:
    """Give the facts of a healthy node."""
    from nodes import lab_node, linked  # the lab is started once, here

    from wincnode import runner
    from wincnode.facts import SECTIONS

    profile = next(name for name in profile_names() if name == "ws2022")
    with lab_node(folder, engine="model", profile=profile) as node, linked(node) as link:
        events = list(runner.read_facts(link, node="web-1", sections=SECTIONS))
    return {row.section: row.data for row in events if isinstance(row, FactsRead)}


def spoilt(value: Any, dice: random.Random) -> Any:
    """Give a value with one place in it made hostile."""
    if isinstance(value, dict) and value and dice.random() < 0.9:
        key = dice.choice(list(value))
        return {**value, key: spoilt(value[key], dice)}
    if isinstance(value, list) and value and dice.random() < 0.9:
        place = dice.randrange(len(value))
        return [*value[:place], spoilt(value[place], dice), *value[place + 1 :]]
    return reports.hostile_value(dice)


def test_hostile_facts(tmp_path: Path) -> None:
    """A healthy node's facts with one place spoilt: judged by every check, drawn in a format."""
    good = healthy(tmp_path / "node")
    names = list(FORMATS)
    for seed in range(FACTS):
        dice = reports.thrown(seed)
        # A section is always an object: events.parse sees to that.
        name = dice.choice(list(good))
        section = spoilt(good[name], dice)
        facts = Facts(sections={**good, name: section if isinstance(section, dict) else {}})
        began = time.process_time()
        findings = run_checks(facts, Wanted(targets=(), images=(), members=()))
        assert len(findings) == len(checks.node_checks())
        node = NodeReport(node="web-1", status="blocked", findings=findings)
        form = names[seed // 10 % len(names)]
        if seed % 10 == 0:  # the rest shows that judging never crashes
            harmless.check(form, render(form, Report(command="preflight", nodes=(node,))))
        assert time.process_time() - began < HANG_S, seed


def test_hostile_documents_of_facts() -> None:
    """`--from` reads a file or refuses it by its name; nothing else."""
    said: set[str] = set()
    good = json.dumps({"schema": "wincnode/facts/v1", "nodes": {"a": {"sections": {"os": {}}}}})
    for seed in range(LINES):
        dice = reports.thrown(seed)
        whole = spoilt(json.loads(good), dice)
        content = bytearray(json.dumps(whole).encode())
        for _ in range(dice.randrange(3)):
            content[dice.randrange(len(content))] = dice.randrange(256)
        try:
            parse(bytes(content), Path("facts.json"))
        except ConfigError as error:
            said.add(error.message.partition(":")[0])
    assert said == {"facts.json"}
