"""GitLab's code quality report, which merge requests show beside the inventory's lines.

Source: docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from wincnode.formats.problems import Problem
from wincnode.formats.problems import of as problems_of
from wincnode.formats.safe import dumps
from wincnode.formats.sarif import fingerprint
from wincnode.report import Report

SEVERITIES = {"error": "critical", "warning": "minor", "note": "info"}


def render(report: Report) -> str:
    """Give the report as a list of violations."""
    # A path begins with no `./`; without an inventory the name of its default stands for it.
    path = PurePath(report.inventory or "wincnode.yaml").as_posix()
    return dumps([_violation(row, path) for row in problems_of(report)], indent=1)


def _violation(row: Problem, path: str) -> Mapping[str, Any]:
    because = f" (because of {', '.join(row.because_of)})" if row.because_of else ""
    said = f"{row.node}: {row.message or row.title}{because}."
    return {
        "description": "\n".join((" ".join(filter(None, (said, row.remedy))), *row.details)),
        "check_name": row.id,
        "fingerprint": fingerprint(row),
        "severity": SEVERITIES[row.level],
        "location": {"path": path, "lines": {"begin": row.at or 1}},
    }
