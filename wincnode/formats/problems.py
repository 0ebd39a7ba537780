"""What a report complains of, folded for the formats: each complaint, and those alike together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from wincnode.checks import Finding, Severity, Verdict, depth
from wincnode.formats.safe import line, lines
from wincnode.report import NodeReport, Report

Level = Literal["error", "warning", "note"]
Kind = Literal["error", "check", "step"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")
# The outcome of a step that went as it should, or that a plan only tells.
QUIET = frozenset({"ok", "changed", "skipped", "would_change"})
STATUSES = {
    "failed": "failed",
    "unreachable": "unreachable",
    "blocked": "blocked",
    "locked": "locked",
    "cancelled": "cancelled",
    "interrupted": "interrupted",
    "needs-reboot": "waiting for a reboot",
    "warnings": "with warnings",
    "pending": "with pending changes",
    "done": "done",
    "as-wanted": "as wanted",
    "ready": "ready",
}
BAD = frozenset({"failed", "unreachable", "blocked", "locked", "cancelled"})
GOOD = frozenset({"done", "as-wanted", "ready"})
_NUMBERED = re.compile(r"(.*?)([0-9]{1,9})$", re.DOTALL)
LEAST_RUN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One complaint about one node; every text is one harmless line.

    Args:
        id: of the error, the check or the step. kind: which of them it is.
        title: what the check is about; empty for an error. message: what was seen.
        details: further lines of an error, such as the ends of logs.
        ignored: by --ignore. unknown: the facts were not enough to judge.
        at: the node's line in the inventory, 0 where it has none.
        target: what a check tried, where it tries several things.
    """

    node: str
    id: str
    kind: Kind
    level: Level
    title: str = ""
    message: str = ""
    details: tuple[str, ...] = ()
    remedy: str = ""
    because_of: tuple[str, ...] = ()
    ignored: bool = False
    unknown: bool = False
    at: int = 0
    target: str = ""

    @property
    def word(self) -> str:
        """Say in a word what it is."""
        if self.ignored:
            return "ignored"
        return "unknown" if self.unknown else self.level


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """The same complaint about several nodes, in the order of the report."""

    problems: tuple[Problem, ...]

    @property
    def first(self) -> Problem:
        """Give the one that speaks for all."""
        return self.problems[0]

    @property
    def nodes(self) -> tuple[str, ...]:
        """Name the nodes, each once."""
        return tuple(dict.fromkeys(row.node for row in self.problems))

    @property
    def because_of(self) -> tuple[str, ...]:
        """Name the checks that any of them follows from."""
        return tuple(dict.fromkeys(id for row in self.problems for id in row.because_of))

    @property
    def messages(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Give what was seen, each once, with its nodes."""
        found: dict[str, list[str]] = {}
        for row in self.problems:
            found.setdefault(row.message, []).append(row.node)
        return tuple((message, tuple(nodes)) for message, nodes in found.items())


def of(report: Report) -> tuple[Problem, ...]:
    """List the complaints, node by node, each node's in its order."""
    return tuple(row for node in report.nodes for row in of_node(node))


def of_node(node: NodeReport) -> Iterator[Problem]:
    """Give the complaints about one node: its error, what its checks found, its steps."""
    name = line(node.node)
    if node.error is not None:
        said = lines(node.error.message) or ("",)
        yield Problem(
            node=name,
            id=line(node.error.id),
            kind="error",
            level="error",
            message=said[0].strip().removeprefix(f"{name}: "),
            details=said[1:],
            remedy=line(node.error.remedy),
            at=node.line,
        )
    for finding in node.findings:
        if finding.verdict is not Verdict.PASS:
            yield _of_finding(name, finding, node.line)
    for step in node.steps:
        if step.outcome not in QUIET:
            yield Problem(
                node=name,
                id=line(step.step),
                kind="step",
                level="error" if step.outcome == "failed" else "warning",
                title=line(step.title),
                message=line(f"{step.outcome.replace('_', ' ')}: {step.error}".removesuffix(": ")),
                at=node.line,
            )


def _of_finding(node: str, finding: Finding, at: int) -> Problem:
    return Problem(
        node=node,
        id=line(finding.check),
        kind="check",
        level=_level(finding),
        title=line(finding.title),
        message=line(finding.evidence),
        remedy=line(finding.remedy),
        because_of=tuple(line(id) for id in finding.because_of),
        ignored=finding.ignored,
        unknown=finding.verdict is Verdict.UNKNOWN,
        at=at,
        target=line(finding.target),
    )


def _level(finding: Finding) -> Level:
    if finding.ignored or finding.severity is Severity.INFO:
        return "note"
    if finding.verdict is Verdict.UNKNOWN or finding.severity is Severity.WARNING:
        return "warning"
    return "error"


def groups(rows: Iterable[Problem]) -> tuple[Group, ...]:
    """Put together what is the same complaint: worst first, causes before what follows."""
    found: dict[tuple[str, str, str], list[Problem]] = {}
    for row in rows:
        # An error of two nodes with another remedy or other logs is not the same one.
        more = "\n".join((row.remedy, *row.details)) if row.kind == "error" else ""
        found.setdefault((row.id, row.word, more), []).append(row)
    made = [Group(problems=tuple(rows)) for rows in found.values()]
    causes = {group.first.id: group.because_of for group in made}
    return tuple(sorted(made, key=lambda group: _place(group, causes)))


def _place(
    group: Group, causes: Mapping[str, tuple[str, ...]]
) -> tuple[int, bool, bool, int, int, str]:
    first = group.first
    return (
        LEVELS.index(first.level),
        first.unknown,
        first.kind != "error",
        depth(first.id, causes),
        -len(group.nodes),
        first.id,
    )


def counts(report: Report) -> tuple[tuple[str, int], ...]:
    """Count the nodes of each status that occurs, the worst first."""
    statuses = [node.status for node in report.nodes]
    return tuple((name, statuses.count(name)) for name in STATUSES if name in statuses)


def worst_first(report: Report) -> tuple[NodeReport, ...]:
    """Give the nodes by their status, the worst first, those alike in the report's order."""
    order = list(STATUSES)
    return tuple(sorted(report.nodes, key=lambda node: order.index(node.status)))


def headline(report: Report) -> str:
    """Say in a sentence how the nodes are."""
    total = len(report.nodes)
    said = [f"{number} {STATUSES[name]}" for name, number in counts(report)]
    nodes = "1 node" if total == 1 else f"{total} nodes"
    return f"{nodes}: {', '.join(said)}" if said else "no nodes"


def named(nodes: Iterable[str], *, most: int = 6) -> str:
    """Name nodes in few words: numbers in a row as `web-1 to web-9`, then how many more."""
    ranges = list(_ranges(sorted(set(nodes), key=_by_number)))
    shown = [text for text, _ in ranges[:most]]
    rest = sum(number for _, number in ranges[most:])
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def _by_number(name: str) -> tuple[str, int, str]:
    found = _NUMBERED.fullmatch(name)
    return (found[1], int(found[2]), name) if found else (name, -1, name)


def _ranges(names: list[str]) -> Iterator[tuple[str, int]]:
    """Give `first to last` of names whose numbers follow each other, else each name."""

    def key(pair: tuple[int, str]) -> tuple[str, int]:
        # The width keeps web-9 and web-010 apart only where zeros lead.
        prefix, number, _ = _by_number(pair[1])
        return prefix, number - pair[0]

    for _, rows in groupby(enumerate(names), key=key):
        run = [name for _, name in rows]
        if len(run) >= LEAST_RUN and _NUMBERED.fullmatch(run[0]):
            yield f"{run[0]} to {run[-1]}", len(run)
        else:
            yield from ((name, 1) for name in run)
