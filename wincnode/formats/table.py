"""The report for a person at a terminal: how the nodes are, then what is wrong, worst first.

200 nodes fit one screen: complaints that are the same stand once, and what does not fit is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from wincnode.checks import Severity, Verdict
from wincnode.differences import Line
from wincnode.formats.matrix import matrices
from wincnode.formats.problems import (
    BAD,
    GOOD,
    STATUSES,
    Group,
    Problem,
    groups,
    headline,
    named,
    worst_first,
)
from wincnode.formats.problems import of as problems_of
from wincnode.formats.safe import indented, line, no_command
from wincnode.plan import render as render_plan
from wincnode.report import PENDING_OUTCOMES, NodeReport, Report

Mark = Literal["", "head", "error", "warning", "good", "add", "remove", "where"]
Row = tuple[tuple[Mark, str], ...]
SIGN_MARKS: dict[str, Mark] = {"+": "add", "-": "remove", "@": "where", " ": ""}
COLUMNS = ("node", "status", "computer", "build", "errors", "warnings", "unknown")
# More nodes than these are counted by their status, and their complaints held to a screen.
FEW = 20
SCREEN = 45
MESSAGES = 3
# What is only worth a word is told by the verbs that do nothing but look.
INFOS_OF = frozenset({"preflight", "cluster check"})
# How the cells of a matrix are drawn, how wide they are at least, and how wide all may be.
CELLS: dict[str, Mark] = {"ok": "good", "FAIL": "error", "warn": "warning", "?": "warning", "": ""}
LEAST, WIDEST = 4, 100
MARKS: dict[str, Mark] = {"error": "error", "warning": "warning", "unknown": "warning"}


def render(report: Report) -> str:
    """Give the report as plain text."""
    return "\n".join("".join(text for _, text in row).rstrip() for row in rows(report))


def rows(report: Report) -> tuple[Row, ...]:
    """Give the lines, each in parts with the mark that says how a part is drawn."""
    few = len(report.nodes) <= FEW
    infos = report.command in INFOS_OF
    found = groups(row for row in problems_of(report) if infos or row.word != "note")
    head: Row = (("head", f"{line(report.command)}: {headline(report)}"),)
    top = [head, (), *(_each(report) if few else _by_status(report)), *_matrices(report)]
    told = [*_told(report)]
    room = 10**6 if few else max(SCREEN - len(top) - len(told), FEW)
    below = _complaints(found, room)
    whole = (*top, *([()] if below or told else []), *below, *told, *_plans(report))
    return tuple(map(_guarded, whole))


def _matrices(report: Report) -> Iterator[Row]:
    """Draw what was tried from where to where; columns are numbered where names are too long."""
    for matrix in matrices(report):
        yield ()
        yield (("head", matrix.heading),)
        names = matrix.columns
        first = max(len(name) for name, _ in matrix.rows)
        numbered = first + sum(max(len(name), LEAST) + 2 for name in names) > WIDEST
        heads = [str(place) for place, _ in enumerate(names, 1)] if numbered else names
        widths = [max(len(name), LEAST) for name in heads]
        cells = (f"{name:{width}}" for name, width in zip(heads, widths, strict=True))
        yield (("head", f"{'':{first}}  " + "  ".join(cells)),)
        for name, marks in matrix.rows:
            drawn: list[tuple[Mark, str]] = [("", f"{name:{first}}")]
            for mark, width in zip(marks, widths, strict=True):
                drawn.append((CELLS[mark], f"  {mark or '.':{width}}"))
            yield tuple(drawn)
        if numbered:
            for place, name in enumerate(names, 1):
                yield (("", f"  {place:>3}  {name}"),)


def _guarded(row: Row) -> Row:
    """Give a row with which no command of an agent begins."""
    return tuple((mark, no_command(text)) for mark, text in row[:1]) + row[1:]


def _each(report: Report) -> Iterator[Row]:
    cells = [COLUMNS, *(_cells(node) for node in worst_first(report))]
    widths = [max(len(row[place]) for row in cells) for place in range(len(COLUMNS))]
    for number, row in enumerate(cells):
        texts = [f"{cell:{width}}  " for cell, width in zip(row, widths, strict=True)]
        mark: Mark = _status_mark(row[1]) if number else "head"
        name: Mark = "" if number else "head"
        yield (name, texts[0]), (mark, texts[1]), (name, "".join(texts[2:]).rstrip())


def _cells(node: NodeReport) -> tuple[str, ...]:
    numbers = (node.build, *_numbers(node))
    return (
        line(node.node, limit=60),
        node.status,
        line(node.computer, limit=40),
        *(str(number or "") for number in numbers),
    )


def _numbers(node: NodeReport) -> tuple[int, int, int]:
    """Count errors, warnings and unknowns."""
    errors = sum(finding.blocks for finding in node.findings)
    warnings = sum(
        row.verdict is Verdict.FAIL and row.severity is Severity.WARNING for row in node.findings
    )
    unknown = sum(finding.verdict is Verdict.UNKNOWN for finding in node.findings)
    return errors, warnings, unknown


def _by_status(report: Report) -> Iterator[Row]:
    for status in STATUSES:
        nodes = [line(node.node, limit=60) for node in report.nodes if node.status == status]
        if nodes:
            yield (
                (_status_mark(status), f"{status:12}"),
                ("", f" {len(nodes):4}  {named(nodes)}"),
            )


def _status_mark(status: str) -> Mark:
    if status in BAD:
        return "error"
    return "good" if status in GOOD else "warning"


def _complaints(found: tuple[Group, ...], room: int) -> list[Row]:
    """Draw the complaints in the most detail that fits, and count what does not fit at all."""
    for detail in (3, 2, 1):
        drawn = [list(_group(group, detail)) for group in found]
        if sum(map(len, drawn)) <= room:
            return [row for rows in drawn for row in rows]
    rest = len(found) - room + 1
    more = f"and {rest} more; -o html=report.html or -o json show all"
    return [row for rows in drawn[: room - 1] for row in rows] + [(("", more),)]


def _group(group: Group, detail: int) -> Iterator[Row]:
    """Draw one complaint: 1 is its first line alone, 2 adds what was seen, 3 the remedy."""
    first = group.first
    mark: Mark = MARKS.get(first.word, "")
    messages = group.messages
    one = len(messages) == 1
    said = first.message if one else first.title
    because = f" (because of {', '.join(group.because_of)})" if group.because_of else ""
    who = group.nodes[0] if len(group.nodes) == 1 else f"{len(group.nodes)} nodes"
    yield (
        (mark, f"{first.word} {_id(first)}"),
        ("", f"  {who}: {said}{because}".rstrip(": ")),
    )
    if detail > 1 and (len(group.nodes) > 1 or not one):
        if one:
            yield (("", f"    on {named(group.nodes)}"),)
        else:
            yield from _messages(messages)
    if detail > 2:
        yield from ((("", f"    {text}"),) for text in first.details)
    if detail > 2 and first.remedy:
        yield (("", f"    > {first.remedy}"),)


def _id(row: Problem) -> str:
    return f"step {row.id}" if row.kind == "step" else row.id


def _messages(messages: tuple[tuple[str, tuple[str, ...]], ...]) -> Iterator[Row]:
    for message, nodes in messages[:MESSAGES]:
        yield (("", f"    {named(nodes, most=3)}: {message}"),)
    if rest := messages[MESSAGES:]:
        count = len({node for _, nodes in rest for node in nodes})
        yield (("", f"    and {count} more"),)


def _told(report: Report) -> Iterator[Row]:
    """Tell what was changed, and what else a reader should know; what is the same stands once."""
    alike: dict[str, list[str]] = {}
    for node in report.nodes:
        for text in _notes(node):
            alike.setdefault(text, []).append(line(node.node, limit=60))
    for text, nodes in alike.items():
        yield (("", f"{named(nodes)}: {text}"),)


def _notes(node: NodeReport) -> Iterable[str]:
    changed = sum(step.outcome == "changed" for step in node.steps)
    if changed:
        yield f"changed {changed} of {len(node.steps)} steps"
    yield from map(line, node.notes)


def _plans(report: Report) -> Iterator[Row]:
    found = plans(report)
    for nodes, head, lines in found:
        yield ()
        yield (("head", f"{named(nodes)}: {head}"),)
        for sign, text in lines:
            yield ((SIGN_MARKS[sign], text),)
    if found:
        yield ()
        yield (("", f"Nothing was changed; nodes with pending changes: {report.pending}."),)


def plans(report: Report) -> list[tuple[list[str], str, tuple[Line, ...]]]:
    """Give what would change: the nodes for which that is the same, a headline, its lines."""
    alike: dict[tuple[Line, ...], list[NodeReport]] = {}
    for node in report.nodes:
        if node.plan is not None:
            alike.setdefault(render_plan(node.plan, node.steps), []).append(node)
    found = []
    for lines, nodes in alike.items():
        pending = sum(step.outcome in PENDING_OUTCOMES for step in nodes[0].steps)
        safe = tuple((sign, indented(text)) for sign, text in lines)
        head = f"{pending} of {len(nodes[0].steps)} steps pending"
        found.append(([line(node.node, limit=60) for node in nodes], head, safe))
    return found
