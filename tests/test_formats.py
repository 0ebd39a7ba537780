"""Facts about the formats of a report, as their readers read them."""

from __future__ import annotations

import json
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import harmless
import jsonschema
import pytest
import reports

from wincnode.checks import Severity, Verdict
from wincnode.errors import RunFailed
from wincnode.formats import FORMATS, problems, render, table
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


def test_nodes_are_named_in_few_words() -> None:
    """Numbers in a row are a range; what is no row is not made one."""
    names = [*(f"web-{number:02}" for number in range(8, 13)), "db-1", "db-2", "db-4", "x"]

    assert problems.named(names) == "db-1, db-2, db-4, web-08 to web-12, x"
    assert problems.named(names, most=2) == "db-1, db-2 and 7 more"
    assert problems.named(["web-9", "web-10", "web-11"]) == "web-9 to web-11"
    assert problems.named([]) == ""


def test_the_table_of_a_few_nodes_has_a_row_for_each() -> None:
    """Under the rows stands each complaint once, the worst first, causes before what follows."""
    lines = render("table", reports.preflight()).splitlines()

    assert lines[0] == ("preflight: 5 nodes: 1 unreachable, 2 blocked, 1 with warnings, 1 ready")
    assert [line.split()[0] for line in lines[3:8]] == ["web-5", "web-2", "web-3", "web-4", "web-1"]
    heads = [line for line in lines[9:] if not line.startswith(" ")]
    assert heads == [
        "error node.unreachable  web-5: nothing answers",
        "error feat.containers  2 nodes: the feature is Available, not installed",
        "error svc.hns  web-2: what was seen of svc.hns (because of feat.containers)",
        "warning sys.mem  web-3: what was seen of sys.mem",
        "unknown net.nic  web-4: facts of network are unknown",
        "note sys.cpu  web-4: what was seen of sys.cpu",
        "ignored sys.mem  web-4: what was seen of sys.mem",
    ]
    assert "    on web-2, web-3" in lines


def test_two_hundred_nodes_fit_one_screen() -> None:
    """However much is wrong with them, and it says how much is left out."""
    for wrong in (0.002, 0.3):
        text = render("table", reports.fleet(200, wrong=wrong))
        assert len(text.splitlines()) <= 50
    assert re.search(r"^and \d+ more; -o html=report.html", text, re.MULTILINE)


def test_causes_stand_before_what_follows_from_them() -> None:
    """However many nodes have what follows, and however long the chain; a circle is no end."""
    chain = [
        reports.finding("svc.hns", because_of=("svc.vmcompute",)),
        reports.finding("svc.vmcompute", because_of=("feat.containers", "net.nic")),
        reports.finding("net.nic", because_of=("svc.hns",)),
    ]
    rows = (
        reports.node("a", "blocked", *chain, reports.finding("feat.containers")),
        reports.node("b", "blocked", *chain),
    )
    found = problems.groups(problems.of(Report(command="preflight", nodes=rows)))

    assert found[0].first.id == "feat.containers"
    assert {group.first.id for group in found[1:]} == {"svc.hns", "svc.vmcompute", "net.nic"}


def test_a_plan_is_drawn_once_for_nodes_alike() -> None:
    """What would change on three nodes stands once under their names."""
    text = render("table", reports.planned())

    assert text.count("+ create 1 folder 1") == 1
    assert "web-1 to web-3: 1 of 2 steps pending" in text
    assert text.endswith("Nothing was changed; nodes with pending changes: 3.")


def test_what_was_changed_and_left_is_told_once() -> None:
    """Steps that changed are counted, and notes are told."""
    text = render("table", reports.applied())

    assert "web-1: changed 1 of 2 steps" in text
    assert "web-1: left one folder alone" in text
    assert "error step 3-c  web-2: failed: access denied" in text


def test_marks_of_the_table_say_what_is_bad() -> None:
    """A terminal draws the status of a node by how it is."""
    rows = table.rows(reports.preflight())
    marks = {part[1].strip(): part[0] for row in rows for part in row}

    assert marks["ready"] == "good"
    assert marks["blocked"] == marks["unreachable"] == "error"
    assert marks["warning sys.mem"] == marks["warnings"] == "warning"


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


def junit(report: Report) -> dict[tuple[str, str], ET.Element]:
    """Give the cases of a report by suite and name."""
    root = harmless.xml(render("junit", report))
    return {
        (suite.get("name", ""), case.get("name", "").partition(":")[0]): case
        for suite in root.iter("testsuite")
        for case in suite.iter("testcase")
    }


def said(case: ET.Element) -> str:
    """Give what a case holds."""
    return case[0].tag if len(case) else "passed"


def test_junit_tells_blocking_from_warning() -> None:
    """An error is a failure, a warning is seen as skipped, a node that is away is an error."""
    cases = junit(reports.preflight())

    answer = "the node answers and its run ends well"
    assert {name: said(case) for name, case in cases.items()} == {
        ("web-1", answer): "passed",
        ("web-1", "os.build"): "passed",
        ("web-2", answer): "passed",
        ("web-2", "feat.containers"): "failure",
        ("web-2", "svc.hns"): "failure",
        ("web-2", "os.build"): "passed",
        ("web-3", answer): "passed",
        ("web-3", "feat.containers"): "failure",
        ("web-3", "sys.mem"): "skipped",
        ("web-4", answer): "passed",
        ("web-4", "sys.mem"): "skipped",
        ("web-4", "net.nic"): "skipped",
        ("web-4", "sys.cpu"): "system-out",
        ("web-5", answer): "error",
    }
    assert cases["web-4", "sys.mem"][0].get("message") == "ignored: what was seen of sys.mem"
    assert cases["web-5", answer][0].text == "Turn it on."


def test_warnings_that_count_are_failures_of_junit() -> None:
    """--fail-on warning counts what is not ignored."""
    report = replace(reports.preflight(), warnings_count=True)
    cases = junit(report)

    assert said(cases["web-3", "sys.mem"]) == said(cases["web-4", "net.nic"]) == "failure"
    assert said(cases["web-4", "sys.mem"]) == "skipped"


def test_steps_are_cases_too() -> None:
    """A step that failed is a failure, and so is a pending one where pending counts."""
    cases = junit(reports.applied())
    pending = junit(reports.planned())

    assert said(cases["web-2", "step 3-c"]) == "failure"
    assert said(cases["web-2", "step 2-b"]) == "passed"
    assert said(pending["web-1", "step 1-x"]) == "failure"
    unasked = junit(replace(reports.planned(), pending_counts=False))
    assert said(unasked["web-1", "step 1-x"]) == "skipped"


def sarif(report: Report) -> Mapping[str, Any]:
    """Give the one run of a SARIF log."""
    log = json.loads(render("sarif", report))
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    run: Mapping[str, Any] = log["runs"][0]
    return run


def test_sarif_stands_at_the_lines_of_the_nodes() -> None:
    """A result is where a reader mends it: at the node in the inventory."""
    run = sarif(reports.preflight())
    places = {
        (row["ruleId"], row["locations"][0]["logicalLocations"][0]["name"]): (
            row["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            row["locations"][0]["physicalLocation"]["region"]["startLine"],
        )
        for row in run["results"]
    }

    assert places["feat.containers", "web-2"] == (reports.INVENTORY, 5)
    assert places["feat.containers", "web-3"] == (reports.INVENTORY, 6)
    assert places["node.unreachable", "web-5"] == (reports.INVENTORY, 8)
    assert len(places) == len(run["results"]) == 8


def test_sarif_rules_explain_their_results() -> None:
    """Each result points to its rule, and each rule says what to do."""
    run = sarif(reports.preflight())
    rules = run["tool"]["driver"]["rules"]

    for row in run["results"]:
        assert rules[row["ruleIndex"]]["id"] == row["ruleId"]
    first = next(rule for rule in rules if rule["id"] == "feat.containers")
    assert "wincnode explain feat.containers" in first["help"]["text"]
    assert "docs/checks.md#featcontainers" in first["help"]["text"]


def test_sarif_levels_and_suppressions() -> None:
    """What is ignored is there, but suppressed."""
    rows = {
        (row["ruleId"], row["message"]["text"][:5]): row
        for row in sarif(reports.preflight())["results"]
    }

    assert rows["feat.containers", "web-2"]["level"] == "error"
    assert rows["sys.mem", "web-3"]["level"] == "warning"
    assert "suppressions" not in rows["sys.mem", "web-3"]
    assert rows["sys.mem", "web-4"]["suppressions"] == [
        {"kind": "external", "justification": "--ignore"}
    ]


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("wincnode.yaml", "wincnode.yaml"),
        ("a b/ü#?.yaml", "a%20b/%C3%BC%23%3F.yaml"),
        ("/etc/w.yaml", "file:///etc/w.yaml"),
        ("C:\\fleet\\w.yaml", "file:///C:/fleet/w.yaml"),
        ("fleet\\w.yaml", "fleet/w.yaml"),
        ("a:b.yaml", "a%3Ab.yaml"),
    ],
)
def test_paths_are_uris_in_sarif(path: str, uri: str) -> None:
    """Whatever a file is called, its URI is one."""
    row = sarif(replace(reports.preflight(), inventory=path))["results"][0]

    assert row["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_fingerprints_stay_and_tell_apart() -> None:
    """The same problem has the same one in every run, whatever was seen; another has another."""
    first = reports.preflight()
    later = replace(
        first,
        nodes=tuple(
            replace(
                node,
                line=node.line + 3,
                findings=tuple(replace(row, evidence="otherwise") for row in node.findings),
            )
            for node in reversed(first.nodes)
        ),
    )

    def of(report: Report) -> list[str]:
        return [row["fingerprint"] for row in json.loads(render("gitlab", report))]

    assert sorted(of(first)) == sorted(of(later))
    assert len(set(of(first))) == len(of(first)) == 8


def test_gitlab_gets_what_it_needs() -> None:
    """A violation has GitLab's five fields, and one of its severities."""
    rows = json.loads(render("gitlab", reports.preflight()))

    for row in rows:
        assert set(row) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert row["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert row["location"]["path"] == reports.INVENTORY
    assert {row["severity"] for row in rows} == {"critical", "minor", "info"}
    assert rows[0]["location"]["lines"] == {"begin": 5}


def test_github_annotates_the_nodes_lines() -> None:
    """A workflow command for each complaint, the errors first."""
    lines = render("github", reports.preflight()).splitlines()

    assert lines[0] == (
        "::error file=fleet/wincnode.yaml,line=5,title=web-2%3A feat.containers::the feature is"
        " Available, not installed. Run wincnode install, or Install-WindowsFeature -Name"
        " Containers, then reboot."
    )
    commands = [line.partition(" ")[0] for line in lines]
    assert commands == ["::error"] * 4 + ["::warning"] * 2 + ["::notice"] * 2


def unescaped(text: str, pairs: str) -> str:
    """Read back what GitHub's runner and Azure's agent read."""
    for pair in pairs.split():
        code, _, plain = pair.partition("=")
        text = text.replace(code, {"CR": "\r", "LF": "\n"}.get(plain, plain))
    return text


HARD = "50%25 of a;b]c,d:e %0A %AZP25 100%"


def test_what_is_escaped_for_agents_is_read_back() -> None:
    """Signs of the commands themselves arrive as they are."""
    row = reports.finding("os.build", evidence=HARD)
    report = Report(
        command="preflight",
        nodes=(reports.node("web-1", "blocked", row, line=2),),
        inventory="a,b:c;d]e%.yaml",
    )
    github = re.fullmatch(r"::error file=(.*?),line=2,title=(.*?)::(.*)", render("github", report))
    azure = re.fullmatch(
        r"##vso\[task\.logissue type=error;sourcepath=(.*?);linenumber=2;code=os\.build;\](.*)",
        render("azure", report),
    )

    assert github
    assert azure
    assert unescaped(github[1], "%0D=CR %0A=LF %3A=: %2C=, %25=%") == report.inventory
    assert unescaped(github[3], "%0D=CR %0A=LF %25=%").startswith(HARD)
    assert unescaped(azure[1], "%3B=; %0D=CR %0A=LF %5D=] %AZP25=%") == report.inventory
    assert unescaped(azure[2], "%0D=CR %0A=LF %AZP25=%").startswith(f"web-1: os.build: {HARD}")


@pytest.mark.parametrize("name", ["github", "azure"])
def test_annotations_are_as_few_as_a_platform_shows(name: str) -> None:
    """Of a fleet the complaints are put together; the last says how many are left out."""
    lines = render(name, reports.fleet(120, wrong=0.2)).splitlines()
    errors = [line for line in lines if line.startswith(("::error", "##vso[task.logissue type=er"))]

    assert len(errors) == 10
    assert "more" in errors[-1]
    assert " nodes%3A " in errors[1] or " nodes: " in errors[1]


def test_markdown_is_no_longer_than_a_comment() -> None:
    """65,536 characters are what a comment takes."""
    text = render("markdown", reports.fleet(60, wrong=0.9))

    assert len(text) < 65_536
    assert "| | | | and" in text
    assert "| 2 | blocked | web\\-2, web\\-3 |" in render("markdown", reports.preflight())


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
