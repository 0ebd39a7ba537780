"""The report as Markdown, for job summaries and comments on merge requests.

Source: github.github.com/gfm (tables; a backslash before any ASCII punctuation; autolinks).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from wincnode.formats.matrix import matrices
from wincnode.formats.problems import STATUSES, Group, counts, groups, headline, named
from wincnode.formats.problems import of as problems_of
from wincnode.formats.safe import line
from wincnode.report import Report

# GitHub takes 1 MiB for the summary of a step, and 65,536 characters for a comment.
# Source: docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
LONGEST = 60_000
_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()#+!|~$^=\"'-])")


def render(report: Report) -> str:
    """Give a heading, how many nodes are how, and a table of what is wrong."""
    lines = [f"## wincnode {_text(line(report.command))}", "", _text(headline(report)), ""]
    lines += ["| nodes | status | which |", "|---:|---|---|"]
    for status, number in counts(report):
        nodes = [line(node.node, limit=60) for node in report.nodes if node.status == status]
        lines.append(f"| {number} | {STATUSES[status]} | {_text(named(nodes))} |")
    for matrix in matrices(report):
        lines += ["", f"### {_text(matrix.heading)}", ""]
        lines += [f"| | {' | '.join(map(_text, matrix.columns))} |"]
        lines += ["|---|" + "---|" * len(matrix.columns)]
        lines += [f"| {_text(name)} | {' | '.join(map(_text, row))} |" for name, row in matrix.rows]
    found = groups(problems_of(report))
    if found:
        lines += ["", "| | id | nodes | what was seen | what to do |", "|---|---|---|---|---|"]
        lines += _within([_row(group) for group in found], LONGEST - sum(map(len, lines)))
    return "\n".join(lines)


def _within(rows: list[str], room: int) -> Iterator[str]:
    for number, row in enumerate(rows):
        room -= len(row) + 1
        if room < 0:
            yield f"| | | | and {len(rows) - number} more | |"
            return
        yield row


def _row(group: Group) -> str:
    first = group.first
    because = f" (because of {', '.join(group.because_of)})" if group.because_of else ""
    said = first.message if len(group.messages) == 1 else first.title
    cells = (first.word, first.id, named(group.nodes), f"{said}{because}", first.remedy)
    return f"| {' | '.join(map(_text, cells))} |"


def _text(text: str) -> str:
    """Give text in which no markup, link, mention or image begins."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _PUNCTUATION.sub(r"\\\1", text)
    text = text.replace("@", "&#64;").replace("://", "&#58;//")
    return re.sub(r"(?i)\bwww\.", lambda found: found[0][:-1] + "&#46;", text)
