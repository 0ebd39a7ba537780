"""Issues of Azure Pipelines: logging commands, which the agent reads from the job's log.

Sources: learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands (task.logissue, and
`%AZP25` for a percent sign); microsoft/azure-pipelines-agent:src/Agent.Sdk/Util/ (what is escaped).
"""

from __future__ import annotations

from wincnode.formats.annotations import Annotation, annotated
from wincnode.formats.safe import line
from wincnode.report import Report

# The summary of a job shows ten of each; more would bury them in the log.
MOST = 10
TYPES = {"error": "error", "warning": "warning", "note": "warning"}


def render(report: Report) -> str:
    """Give a line for each issue; notes, of which Azure knows none, are left out."""
    rows = [row for row in annotated(report, most=MOST) if row.level != "note"]
    return "\n".join(_command(row, line(report.inventory)) for row in rows)


def _command(row: Annotation, inventory: str) -> str:
    fields = {"type": TYPES[row.level]}
    if inventory:
        fields |= {"sourcepath": inventory, "linenumber": str(row.at or 1)}
    if row.id:
        fields["code"] = row.id
    properties = "".join(f"{name}={_property(value)};" for name, value in fields.items())
    return f"##vso[task.logissue {properties}]{_data(f'{row.title}: {row.message}')}"


def _data(text: str) -> str:
    return text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(";", "%3B").replace("]", "%5D")
