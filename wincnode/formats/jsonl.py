"""The report as JSON lines: the run, then each node with its findings and steps, then the end.

For log stores and for jq: a reader need hold no more than one line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wincnode.formats.problems import counts
from wincnode.formats.safe import dumps
from wincnode.report import Report, to_data

SCHEMA = "wincnode/report-line/v1"


def render(report: Report) -> str:
    """Give a line for the run, each node, finding and step, and the end."""
    return "\n".join(dumps(row) for row in rows(report))


def rows(report: Report) -> Iterator[Mapping[str, Any]]:
    """Give each line's data."""
    whole = to_data(report)
    at = report.at.isoformat(timespec="seconds") if report.at else None
    yield {"type": "run", "schema": SCHEMA, "command": report.command, "at": at}
    for node in whole["nodes"]:
        rest = {name: value for name, value in node.items() if name not in ("findings", "steps")}
        yield {"type": "node", **rest}
        for finding in node["findings"]:
            yield {"type": "finding", "node": node["node"], **finding}
        for step in node["steps"]:
            yield {"type": "step", "node": node["node"], **step}
    yield {"type": "end", "exit_code": report.exit_code, "statuses": dict(counts(report))}
