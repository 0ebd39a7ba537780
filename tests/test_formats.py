"""Facts about the formats of a report, as their readers read them."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import harmless
import jsonschema
import pytest
import reports

from wincnode.checks import Severity, Verdict
from wincnode.errors import RunFailed
from wincnode.formats import FORMATS, problems, render
from wincnode.formats.catalogue import catalogue, slug
from wincnode.formats.schema import facts_schema, line_schema, report_schema
from wincnode.report import Report

REPORTS = {
    "preflight": reports.preflight,
    "applied": reports.applied,
    "planned": reports.planned,
    "empty": reports.empty,
    "fleet": lambda: reports.fleet(8),
}


@pytest.mark.parametrize("kind", REPORTS)
@pytest.mark.parametrize("name", FORMATS)
def test_each_reader_takes_each_report(name: str, kind: str) -> None:
    """Whatever a verb reports comes out in every format, and its reader takes it."""
    harmless.check(name, render(name, REPORTS[kind]()))


def test_there_is_a_reader_for_each_format() -> None:
    """A new format is held to what reads it."""
    assert set(harmless.READERS) == set(FORMATS)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", FORMATS)
def test_hostile_reports_come_out_harmless(name: str, seed: int) -> None:
    """A slice of tests/soak/test_formats.py, which takes 100,000 of them."""
    harmless.check(name, render(name, reports.hostile(reports.thrown(seed), nodes=4)))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("text", ["x" * 10_000_000, "\x1b" * 1_000_000, "<&\ud800\n" * 250_000])
def test_endless_texts_are_cut(name: str, text: str) -> None:
    """What a node sends without end makes no report without end."""
    row = reports.finding("os.build", evidence=text, remedy=text, title=text)
    node = reports.node("web-1", "blocked", row, notes=(text,), computer=text)
    began = time.process_time()
    made = render(name, Report(command="preflight", nodes=(node,)))

    assert len(made) < 4_000_000
    assert time.process_time() - began < 2
    harmless.check(name, made)


def strict(schema: Any) -> Any:
    """Give a schema that refuses what it does not describe."""
    if isinstance(schema, list):
        return [strict(row) for row in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: strict(value) for name, value in schema.items()}
    if "properties" in found and found.get("type") == "object":
        found.setdefault("additionalProperties", False)
    return found


@pytest.mark.parametrize("kind", REPORTS)
def test_json_is_what_its_schema_says(kind: str) -> None:
    """Every field of the document is described, and no other is there."""
    document = json.loads(render("json", REPORTS[kind]()))

    jsonschema.Draft202012Validator(strict(report_schema())).validate(document)


@pytest.mark.parametrize("kind", REPORTS)
def test_json_lines_are_what_their_schema_says(kind: str) -> None:
    """The first line names the schema, the last has the exit code, each is one of five."""
    report = REPORTS[kind]()
    lines = [json.loads(line) for line in render("jsonl", report).splitlines()]
    validator = jsonschema.Draft202012Validator(strict(line_schema()))

    for line in lines[:200] + lines[-5:]:
        validator.validate(line)
    assert lines[0]["schema"] == "wincnode/report-line/v1"
    assert lines[-1]["exit_code"] == report.exit_code
    findings = sum(len(node.findings) for node in report.nodes)
    assert sum(line["type"] == "finding" for line in lines) == findings


@pytest.mark.parametrize("build", [report_schema, line_schema, facts_schema])
def test_our_schemas_are_schemas(build: Any) -> None:
    """They are valid JSON Schemas themselves, and refuse something."""
    jsonschema.Draft202012Validator.check_schema(build())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"schema": "x"}, build())


def test_the_lines_of_an_error_stay_lines() -> None:
    """The ends of logs that a failed join tells are read as lines, and none of them is obeyed."""
    error = RunFailed("web-1: it stopped\n\n::error::x\n  E1130 kubelet: no", remedy="Look.")
    report = Report(command="join", nodes=(reports.failed("web-1", error),))
    text = render("table", report)
    case = next(harmless.xml(render("junit", report)).iter("error"))
    message = json.loads(render("sarif", report))["runs"][0]["results"][0]["message"]["text"]

    assert text.endswith(
        "error run.failed  web-1: it stopped\n    \\x3a:error::x\n      E1130 kubelet: no\n    > Look."
    )
    assert (case.get("message"), case.text) == (
        "web-1: it stopped",
        "Look.\n\\x3a:error::x\n  E1130 kubelet: no",
    )
    assert message.split("\n") == ["web-1: it stopped. Look.", "::error::x", "  E1130 kubelet: no"]
    assert render("github", report).endswith("Look.%0A::error::x%0A  E1130 kubelet: no")
    for name in FORMATS:
        harmless.check(name, render(name, report))


def test_every_anchor_is_a_heading_of_its_page() -> None:
    """What GitHub makes of a heading is where a link leads."""
    docs = Path(__file__).parent.parent / "docs"
    names = ("checks", "connectivity", "errors", "hcs")
    pages = {f"docs/{name}.md": (docs / f"{name}.md").read_text() for name in names}
    headings = {
        f"{page}#{slug(head)}"
        for page, text in pages.items()
        for head in re.findall("^## (.+)$", text, re.MULTILINE)
    }

    assert slug("sys.bitlocker.fdv") == "sysbitlockerfdv"
    assert {entry.anchor for entry in catalogue().values()} <= headings


def test_an_unknown_or_informing_finding_is_no_error() -> None:
    """What could not be judged is a warning, what only informs a note."""
    nodes = [row for row in problems.of(reports.preflight()) if row.node == "web-4"]

    assert [(row.id, row.level, row.word) for row in nodes] == [
        ("sys.mem", "note", "ignored"),
        ("net.nic", "warning", "unknown"),
        ("sys.cpu", "note", "note"),
    ]
    assert Severity.INFO.value == "info"
    assert Verdict.UNKNOWN.value == "unknown"
