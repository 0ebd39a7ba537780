"""SARIF: results at the inventory's lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import reports

from wincnode.formats import render
from wincnode.report import Report


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
