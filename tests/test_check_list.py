"""All checks, listed for people and for pipelines; infos make no node `warnings`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_checks import WANTED, facts_with
from typer.testing import CliRunner

from wincnode.checks import Severity, all_checks, run_checks
from wincnode.cli.app import app
from wincnode.commands.inspect import Inspection
from wincnode.formats import table
from wincnode.lab.__main__ import main
from wincnode.report import NodeReport, Report

DOCS = Path(__file__).parent.parent / "docs"


def test_the_table_has_a_line_for_each_check() -> None:
    """Id, severity, title, in the order of the ids."""
    lines = CliRunner().invoke(app, ["checks"]).stdout.splitlines()
    assert [line.split()[0] for line in lines] == [check.id for check in all_checks()]
    assert "sys.disk             error    Enough room on the runtime's drive" in lines


def test_json_has_all_that_is_declared() -> None:
    """Whatever docs/checks.md says of a check, a pipeline can read."""
    result = CliRunner().invoke(app, ["checks", "-o", "json"])
    rows = {row["id"]: row for row in json.loads(result.stdout)["checks"]}
    assert set(rows) == {check.id for check in all_checks()}
    row = rows["sec.av.filters"]
    assert (row["severity"], row["facts"]) == ("warning", ["protection"])
    assert row["docs"] == "docs/checks.md#secavfilters"
    assert all(row[key] for key in ("title", "proves", "remedy", "source"))


def test_every_anchor_is_a_heading_of_the_page() -> None:
    """As pages of Markdown make anchors of headings: without their full stops."""
    page = (DOCS / "checks.md").read_text(encoding="utf-8")
    headings = {line[3:].replace(".", "") for line in page.splitlines() if line.startswith("## ")}
    assert {check.anchor.partition("#")[2] for check in all_checks()} <= headings


@pytest.mark.parametrize(
    ("long_paths", "page_files", "status", "warnings"),
    [(0, None, "warnings", 1), (0, [{"path": "C:", "size_mb": 1}], "ready", 0)],
)
def test_an_info_is_worth_a_word_alone(
    long_paths: int, page_files: list[dict[str, object]] | None, status: str, warnings: int
) -> None:
    """It is in the report, and neither the node's status nor its count of warnings change."""
    facts = facts_with(
        (("settings", "long_paths"), long_paths), (("settings", "page_files"), page_files)
    )
    found = run_checks(facts, WANTED)
    inspection = Inspection(computer="A", build=20348, facts=facts, findings=found)
    assert inspection.status == status
    assert Severity.INFO in {row.severity for row in found if row.verdict.value == "fail"}
    node = NodeReport(node="a", status=inspection.status, findings=found)
    row = table.render(Report(command="preflight", nodes=(node,))).splitlines()[3]
    assert row.split() == ["a", status, *filter(None, [str(warnings or "")])]


def test_the_lab_knows_its_profiles_and_defects_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt defect would be a healthy machine."""
    with pytest.raises(SystemExit):
        main(["up", "sys.dsk"])
    assert "invalid choice: 'sys.dsk'" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "is_told"), [("preflight", True), ("install", False)])
def test_infos_are_told_by_preflight_alone(command: str, *, is_told: bool) -> None:
    """Whoever installs wants to read what stands in the way."""
    found = run_checks(
        facts_with((("settings", "long_paths"), 0), (("settings", "page_files"), None)), WANTED
    )
    node = NodeReport(node="a", status="warnings", findings=found)
    out = table.render(Report(command=command, nodes=(node,)))
    assert "warning sys.pagefile" in out
    assert ("note sys.longpaths" in out) is is_told
