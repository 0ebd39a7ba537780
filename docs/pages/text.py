"""Tables and texts of pages."""

from __future__ import annotations

from pathlib import Path

from wincnode.node.kinds import Value

DOCS = Path(__file__).parent.parent


def written(name: str) -> str:
    """Give the part of a page that is written by hand: docs/NAME.in.md."""
    return (DOCS / f"{name}.in.md").read_text(encoding="utf-8")


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Give a table, with an empty line before it."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell(default: Value) -> str:
    """Give a value as a cell of a table says it; None is nothing."""
    if default is None:
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"
