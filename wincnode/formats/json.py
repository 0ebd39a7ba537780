"""The report as one JSON document of the versioned schema."""

from __future__ import annotations

import json

from wincnode.report import Report, to_data


def render(report: Report) -> str:
    """Give the report as indented JSON."""
    return json.dumps(to_data(report), indent=2, ensure_ascii=True)
