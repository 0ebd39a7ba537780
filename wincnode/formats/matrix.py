"""What was tried from where to where, as matrices: a row for each node, a column for each target.

A report has them where its findings name targets, as those of `wincnode network test` do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from wincnode.checks import Finding, Severity, Verdict
from wincnode.formats.safe import line
from wincnode.report import Report

Mark = Literal["ok", "FAIL", "warn", "?", ""]
# Which checks stand in one matrix, under which heading; the part of an id before its dot stands for
# all of its checks that are not named here.
HEADINGS: Mapping[str, str] = {
    "conn": "from the nodes",
    "pod.pods": "from a pod on the node to pods",
    "pod.linux": "between a pod on the node and pods of Linux nodes",
    "pod.udp": "from a pod on the node to pods, over UDP",
    "pod.mtu": "from a pod on the node to pods, in large packets",
    "pod.nodeport": "from a pod on the node to NodePorts",
    "pod": "from a pod on the node to services and beyond",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Matrix:
    """Rows of marks; empty where nothing of the kind was tried.

    Args: columns: what was tried, each once. rows: nodes with a mark for each column.
    """

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Mark, ...]], ...]


def matrices(report: Report) -> tuple[Matrix, ...]:
    """Give the matrices of a report; none where no finding names a target."""
    return tuple(_matrix(report, key) for key in HEADINGS if any(_of(report, key)))


def _of(report: Report, key: str) -> Iterator[Finding]:
    for node in report.nodes:
        for row in node.findings:
            if row.target and _key(row.check) == key:
                yield row


def _key(check: str) -> str:
    return check if check in HEADINGS else check.partition(".")[0]


def _matrix(report: Report, key: str) -> Matrix:
    columns = tuple(dict.fromkeys((row.check, row.target) for row in _of(report, key)))
    alone = len({check for check, _ in columns}) == 1
    if alone and {target for _, target in columns} >= {node.node for node in report.nodes}:
        # Nodes against nodes: in one order on both sides.
        order = {node.node: place for place, node in enumerate(report.nodes)}
        columns = tuple(sorted(columns, key=lambda row: order.get(row[1], len(order))))
    rows = []
    for node in report.nodes:
        there = {
            (row.check, row.target): row
            for row in node.findings
            if row.target and _key(row.check) == key
        }
        if there:
            marks = tuple(_mark(there.get(column)) for column in columns)
            rows.append((line(node.node, limit=60), marks))
    return Matrix(
        heading=HEADINGS[key],
        columns=tuple(
            line(target if alone else f"{check.partition('.')[2]} {target}", limit=80)
            for check, target in columns
        ),
        rows=tuple(rows),
    )


def _mark(row: Finding | None) -> Mark:
    if row is None:
        return ""
    if row.verdict is Verdict.PASS:
        return "ok"
    if row.verdict is Verdict.UNKNOWN:
        return "?"
    return "warn" if row.ignored or row.severity is not Severity.ERROR else "FAIL"
