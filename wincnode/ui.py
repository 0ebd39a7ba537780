"""Draws events and reports: a live board on a terminal, plain lines elsewhere.

The only importer of rich. Progress goes to stderr, data to stdout. What a node said is drawn as
plain text, never as markup.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from wincnode.differences import Line, Sign
from wincnode.events import Event, FactsRead, Hello, Log, StepFinished, StepStarted
from wincnode.report import NodeReport

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
MARK_STYLE = {
    "head": "bold",
    "error": "red",
    "warning": "yellow",
    "good": "green",
    "add": "green",
    "remove": "red",
    "where": "cyan",
}
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
            # Of hundreds of nodes these are ten thousand lines, for which rich takes seconds.
            self._tell(f"{node}: {text.plain}\n")

    def finishing(self, nodes: tuple[str, ...]) -> None:
        """Say after ^C which nodes are followed to their end, and how to leave at once."""
        self._note = Text(
            f"finishing {', '.join(nodes)}; press ^C again to leave at once, the node finishes"
            " either way: wincnode attach NODE",
            style="yellow",
        )
        if not self._live:
            self._tell(f"{self._note.plain}\n")

    def _tell(self, line: str) -> None:
        # That nobody reads it any more, or that a disk is full, must not stop work on a node.
        with contextlib.suppress(OSError):
            self._console.file.write(line)
            self._console.file.flush()

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


class _Console(Console):
    """A console that leaves it to its caller what a reader means that has gone."""

    def on_broken_pipe(self) -> None:
        """Let the error through; rich would end the process with 1."""
        raise BrokenPipeError


def show(rows: Iterable[Iterable[tuple[str, str]]], *, to_stderr: bool = False) -> None:
    """Print rows whose parts carry the mark by which they are drawn."""
    console = _Console(highlight=False, stderr=to_stderr)
    for row in rows:
        parts = [Text(text, style=MARK_STYLE.get(mark, "")) for mark, text in row]
        console.print(Text.assemble(*parts), soft_wrap=True)


def show_lines(lines: Iterable[Line]) -> None:
    """Print what differs, line by line."""
    console = Console(highlight=False)
    for sign, text in lines:
        console.print(Text(text, style=SIGN_STYLE[sign]), soft_wrap=True)


def show_error(message: str, remedy: str) -> None:
    """Print an error and its remedy to stderr."""
    console = Console(file=sys.stderr, highlight=False)
    console.print(Text("wincnode: ", style="red").append(message), soft_wrap=True)
    if remedy:
        console.print(Text(f"    {remedy}"), soft_wrap=True)
