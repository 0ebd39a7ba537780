"""Output formats: a `Report` in, text out. A format is one module here, and its row below."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType

from wincnode.report import Report

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "table": "what is wrong and what to do, worst first",
        "json": "one document of docs/report.schema.json",
        "jsonl": "a line of docs/report-line.schema.json for each node, finding and step",
        "junit": "JUnit XML, a suite for each node",
        "html": "one page that needs nothing else",
        "markdown": "what is wrong and what to do, for job summaries and comments",
        "sarif": "SARIF 2.1.0, located at the nodes' lines in the inventory",
        "github": "annotations of GitHub Actions",
        "gitlab": "GitLab's code quality report",
        "azure": "issues of Azure Pipelines",
    }
)


def render(name: str, report: Report) -> str:
    """Give a report in one of the formats, without a line end at its end."""
    text: str = importlib.import_module(f"{__name__}.{name}").render(report)
    return text
