"""JUnit: what a CI shows as tests."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import harmless
import reports

from wincnode.formats import render
from wincnode.report import Report


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
