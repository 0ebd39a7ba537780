"""What GitHub, GitLab and Azure show beside lines, and comments in Markdown."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import reports

from wincnode.formats import render
from wincnode.report import Report


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
