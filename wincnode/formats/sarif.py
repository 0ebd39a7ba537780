"""SARIF 2.1.0, for GitHub's code scanning and other viewers.

A result stands at its node's line in the inventory; nothing of what passed is told, as GitHub takes
25,000 results of a run. Sources: docs.oasis-open.org/sarif/sarif/v2.1.0, docs.github.com/en/
code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC
from pathlib import PurePath, PureWindowsPath
from typing import Any
from urllib.parse import quote

from wincnode import __version__
from wincnode.formats.catalogue import Entry, catalogue
from wincnode.formats.problems import Problem
from wincnode.formats.problems import of as problems_of
from wincnode.formats.safe import dumps
from wincnode.report import Report

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
RESULTS = 25_000


def render(report: Report) -> str:
    """Give the report as one SARIF log of one run."""
    return dumps(to_data(report), indent=1)


def to_data(report: Report) -> Mapping[str, Any]:
    """Give the log as data."""
    rows = problems_of(report)[:RESULTS]
    places = {id: place for place, id in enumerate(dict.fromkeys(row.id for row in rows))}
    known = catalogue()
    titles = {row.id: row.title for row in rows}
    driver = {
        "name": "wincnode",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(id, titles[id], known.get(id)) for id in places],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"wincnode/{report.command.split()[0]}/"},
        "invocations": [_invocation(report)],
        "columnKind": "unicodeCodePoints",
        "results": [_result(row, places[row.id], report.inventory) for row in rows],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _invocation(report: Report) -> Mapping[str, Any]:
    # Findings are what the tool is for; it failed only where it could not look.
    looked = all(node.error is None for node in report.nodes) and not report.interrupted
    at = report.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if report.at else None
    return {
        "executionSuccessful": looked,
        "exitCode": report.exit_code,
        **({"endTimeUtc": at} if at else {}),
    }


def _rule(id: str, title: str, entry: Entry | None) -> Mapping[str, Any]:
    if entry is None:
        return {"id": id, "shortDescription": {"text": title or id or "(without a name)"}}
    help_text = f"{entry.remedy}\n\nwincnode explain {id}, {entry.anchor}"
    level = {"error": "error", "warning": "warning"}.get(entry.severity, "note")
    return {
        "id": id,
        "shortDescription": {"text": entry.title},
        "fullDescription": {"text": entry.meaning},
        "help": {"text": help_text},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": [id.partition(".")[0]]},
    }


def _result(row: Problem, place: int, inventory: str) -> Mapping[str, Any]:
    because = f" (because of {', '.join(row.because_of)})" if row.because_of else ""
    words = [f"{row.node}: {row.message or row.title}{because}.", row.remedy]
    location: dict[str, Any] = {
        "logicalLocations": [{"name": row.node, "kind": "resource", "fullyQualifiedName": row.node}]
    }
    if inventory:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": uri(inventory)},
            "region": {"startLine": row.at or 1},
        }
    result: dict[str, Any] = {
        "ruleId": row.id,
        "ruleIndex": place,
        "level": row.level,
        "message": {"text": "\n".join((" ".join(filter(None, words)), *row.details))},
        "locations": [location],
        "partialFingerprints": {"wincnode/v1": fingerprint(row)},
    }
    if row.ignored:
        result["suppressions"] = [{"kind": "external", "justification": "--ignore"}]
    return result


def fingerprint(row: Problem) -> str:
    """Give what stays the same as long as a node has this problem, whatever its evidence."""
    words = (row.kind, row.node, row.id, *([row.target] if row.target else []))
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def uri(path: str) -> str:
    """Give a path as a URI: relative where it is, else with its scheme."""
    windows = "\\" in path or re.match("[A-Za-z]:/", path)
    pure = PureWindowsPath(path) if windows else PurePath(path)
    text = quote(pure.as_posix().encode("utf-8", "replace"), safe="/:~")
    if text.startswith("/"):
        return f"file://{text}"
    # The first part of a relative path must not look like a scheme (RFC 3986, 4.2).
    if pure.drive:
        return f"file:///{text}"
    return text.replace(":", "%3A")
