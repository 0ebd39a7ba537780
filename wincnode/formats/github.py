"""Annotations of GitHub Actions: workflow commands, which GitHub reads from the job's log.

Sources: docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands;
actions/runner:src/Runner.Common/ActionCommand.cs@079cdb1d (what is escaped);
actions/toolkit:docs/problem-matchers.md (10 of each level of a step are shown).
"""

from __future__ import annotations

from wincnode.formats.annotations import Annotation, annotated
from wincnode.formats.safe import line
from wincnode.report import Report

MOST = 10
COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def render(report: Report) -> str:
    """Give a line for each annotation."""
    rows = annotated(report, most=MOST)
    return "\n".join(_command(row, line(report.inventory)) for row in rows)


def _command(row: Annotation, inventory: str) -> str:
    fields = {"title": row.title}
    if inventory:
        fields = {"file": inventory, "line": str(row.at or 1), **fields}
    properties = ",".join(f"{name}={_property(value)}" for name, value in fields.items())
    return f"::{COMMANDS[row.level]} {properties}::{_data(row.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
