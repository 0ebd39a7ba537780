"""The report as one JSON document of the versioned schema."""

from __future__ import annotations

from wincnode.formats.safe import dumps
from wincnode.report import Report, to_data


def render(report: Report) -> str:
    """Give the report as indented JSON, in which each finding and each step is a line."""
    return dumps(to_data(report), indent=2, levels=4)
