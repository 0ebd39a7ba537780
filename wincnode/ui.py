"""Draws events and reports: a live board on a terminal, plain lines elsewhere.

The only importer of rich. Progress goes to stderr, data to stdout. What a node said is drawn as
plain text, never as markup.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from wincnode.checks import Finding, Severity, Verdict
from wincnode.differences import Line, Sign
from wincnode.events import Event, FactsRead, Hello, Log, StepFinished, StepStarted
from wincnode.plan import render
from wincnode.report import PENDING_OUTCOMES, NodeReport, Report

STYLE = {
    "ready": "green",
    "done": "green",
    "as-wanted": "green",
    "pending": "yellow",
    "warnings": "yellow",
    "blocked": "red",
    "failed": "red",
    "needs-reboot": "yellow",
    "cancelled": "red",
    "locked": "red",
    "unreachable": "red",
    "interrupted": "yellow",
}
# What is only worth a word is told where the user asks for nothing else.
INFOS_OF = "preflight"
SIGN_STYLE: dict[Sign, str] = {"+": "green", "-": "red", "@": "cyan", " ": ""}


class Progress:
    """Tells how each node gets on: one row a node on a terminal, one line an event elsewhere."""

    def __init__(self, nodes: tuple[str, ...]) -> None:
        self._console = Console(file=sys.stderr, highlight=False)
        self._doing = dict.fromkeys(nodes, Text("connecting"))
        self._note = Text()
        self._live = (
            Live(console=self._console, get_renderable=self._board, transient=True)
            if self._console.is_terminal
            else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    def watch(self, node: str, item: Event | NodeReport) -> None:
        """Take one event, or a node's result."""
        text = _progress(item)
        if text is None:
            return
        self._doing[node] = text
        if not self._live:
            self._console.print(Text(f"{node}: ").append(text), soft_wrap=True)

    def finishing(self, nodes: tuple[str, ...]) -> None:
        """Say after ^C which nodes are followed to their end, and how to leave at once."""
        self._note = Text(
            f"finishing {', '.join(nodes)}; press ^C again to leave at once, the node finishes"
            " either way: wincnode attach NODE",
            style="yellow",
        )
        if not self._live:
            self._console.print(self._note, soft_wrap=True)

    def _board(self) -> Group:
        table = Table.grid(padding=(0, 2))
        for node, doing in self._doing.items():
            table.add_row(Text(node), doing)
        return Group(table, self._note)


def _progress(item: Event | NodeReport) -> Text | None:  # noqa: PLR0911 - one for each thing that can be told
    match item:
        case Hello():
            return Text(f"PowerShell {item.powershell} as {item.user}")
        case FactsRead(data=None):
            return Text(f"facts {item.section}: unknown: {item.error}")
        case FactsRead():
            return Text(f"facts {item.section}")
        case StepStarted():
            return Text(f"step {item.index}/{item.total} {item.title or item.step}")
        case StepFinished():
            return Text(f"{item.outcome.replace('_', ' ')}: {item.title or item.step}")
        case Log():
            return Text(f"{item.level or 'info'}: {item.text}")
        case NodeReport():
            return Text(item.status, style=STYLE[item.status])
        case _:
            return None


def show(report: Report, *, to_stderr: bool = False) -> None:
    """Print the report: a table of nodes, then each reason and remedy, worst first."""
    console = Console(highlight=False, stderr=to_stderr)
    table = Table("node", "status", "computer", "build", "errors", "warnings", "unknown")
    for node in report.nodes:
        table.add_row(
            Text(node.node),
            Text(node.status, style=STYLE[node.status]),
            Text(node.computer),
            str(node.build or ""),
            *(str(count or "") for count in _counts(node)),
        )
    console.print(table)
    for node in report.nodes:
        for line in _reasons(node, infos=report.command == INFOS_OF):
            console.print(line, soft_wrap=True)
    for text in _plans(report):
        console.print(text, soft_wrap=True)


def show_lines(lines: Iterable[Line]) -> None:
    """Print what differs, line by line."""
    console = Console(highlight=False)
    for sign, text in lines:
        console.print(Text(text, style=SIGN_STYLE[sign]), soft_wrap=True)


def _counts(node: NodeReport) -> tuple[int, int, int]:
    """Count errors, warnings and unknowns."""
    errors = sum(finding.blocks for finding in node.findings)
    unknown = sum(finding.verdict is Verdict.UNKNOWN for finding in node.findings)
    matter = sum(finding.matters for finding in node.findings)
    return errors, matter - errors - unknown, unknown


def _reasons(node: NodeReport, *, infos: bool) -> list[Text]:
    lines = []
    if node.error is not None:
        lines.append(Text(f"{node.node}: {node.error.message} [{node.error.id}]", style="red"))
        if node.error.remedy:
            lines.append(Text(f"    {node.error.remedy}"))
    changed = sum(step.outcome == "changed" for step in node.steps)
    if changed:
        lines.append(Text(f"{node.node}: changed {changed} of {len(node.steps)} steps"))
    lines += [
        Text(f"{node.node}: step {step.step}: {step.outcome}: {step.error}".rstrip(": "))
        for step in node.steps
        if step.outcome not in {"ok", "changed"} and node.plan is None
    ]
    lines += [Text(f"{node.node}: {note}") for note in node.notes]
    for finding in node.findings:
        if finding.matters or (infos and finding.verdict is Verdict.FAIL):
            lines += _finding(node.node, finding)
    return lines


def _plans(report: Report) -> list[Text]:
    """Draw what would change; nodes for which that is the same are drawn once."""
    alike: dict[tuple[Line, ...], list[NodeReport]] = {}
    for node in report.nodes:
        if node.plan is not None:
            alike.setdefault(render(node.plan, node.steps), []).append(node)
    texts = []
    for lines, nodes in alike.items():
        pending = sum(step.outcome in PENDING_OUTCOMES for step in nodes[0].steps)
        head = f"{pending} of {len(nodes[0].steps)} steps pending"
        texts.append(Text(f"\n{', '.join(node.node for node in nodes)}: {head}", style="bold"))
        texts += [Text(text, style=SIGN_STYLE[sign]) for sign, text in lines]
    if alike:
        texts.append(Text(f"\nNothing was changed; nodes with pending changes: {report.pending}."))
    return texts


def _finding(node: str, finding: Finding) -> list[Text]:
    word = finding.severity.value if finding.verdict is Verdict.FAIL else "unknown"
    because = f" (because of {', '.join(finding.because_of)})" if finding.because_of else ""
    ignored = " (ignored)" if finding.ignored else ""
    first = Text(f"{node}: ").append(f"{word} {finding.check}", style=_style(finding))
    first.append(f": {finding.evidence}{because}{ignored}")
    return [first, Text(f"    {finding.remedy}")] if finding.remedy else [first]


def _style(finding: Finding) -> str:
    if finding.blocks:
        return "red"
    return "yellow" if finding.severity is not Severity.INFO else ""


def show_error(message: str, remedy: str) -> None:
    """Print an error and its remedy to stderr."""
    console = Console(file=sys.stderr, highlight=False)
    console.print(Text("wincnode: ", style="red").append(message), soft_wrap=True)
    if remedy:
        console.print(Text(f"    {remedy}"), soft_wrap=True)
