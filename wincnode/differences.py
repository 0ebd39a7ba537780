"""What a node has against what is wanted, field by field, in lines that are quick to read."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from wincnode.events import printable
from wincnode.secrets import MASK

Sign = Literal["+", "-", "@", " "]
Line = tuple[Sign, str]  # `+` is wanted, `-` is there, `@` says where, ` ` is anything else
Row = tuple[str, Any, Any]  # field, have, want

SIDE_BY_SIDE = 80
LONGEST = 160
LEAD = 40
LINES_SHOWN = 60
# difflib may take time that grows with the product of both lengths.
LINES_COMPARED = 4000
INDENT = "  "
NOTHING = "(none)"
NO_LAST_BREAK = "\\ no line break at the end"


def differences(rows: Iterable[Row]) -> Iterator[Line]:
    """Give the lines of a step's differences: an arrow, a pair of lines, or a unified diff."""
    for field, have, want in rows:
        if MASK in (have, want):
            yield " ", f"{field}: {MASK} -> {MASK} (a secret; it differs)"
        elif _is_text_of_lines(have) or _is_text_of_lines(want):
            yield from _unified(field, have, want)
        elif have is None:
            yield "+", f"+ {field}: {_cut(shown(want), 0)}"
        else:
            yield from _pair(field, shown(have), shown(want))


def shown(value: Any) -> str:
    """Give a value on one line: texts in quotes, lists in brackets, nothing as (none)."""
    match value:
        case None:
            return NOTHING
        case bool():
            return str(value).lower()
        case str():
            return f'"{printable(value, limit=len(value))}"'
        case list() | tuple():
            return f"[{', '.join(shown(item) for item in value)}]"
        case dict():
            pairs = (f"{printable(str(name))}: {shown(item)}" for name, item in value.items())
            return f"{{{', '.join(pairs)}}}"
    return printable(str(value))


def _is_text_of_lines(value: Any) -> bool:
    return isinstance(value, str) and "\n" in value


def _pair(field: str, have: str, want: str) -> Iterator[Line]:
    if len(have) + len(want) <= SIDE_BY_SIDE:
        yield " ", f"{field}: {have} -> {want}"
        return
    # What two long values have in common at their beginning hides where they differ.
    start = next((n for n, (a, b) in enumerate(zip(have, want, strict=False)) if a != b), 0)
    yield " ", f"{field}:"
    yield "-", f"- {_cut(have, start)}"
    yield "+", f"+ {_cut(want, start)}"


def _cut(text: str, start: int) -> str:
    """Cut a long text to a window around a place, and say how long it is."""
    if len(text) <= LONGEST:
        return text
    first = min(max(0, start - LEAD), len(text) - LONGEST)
    window = text[first : first + LONGEST]
    left, right = "…" * (first > 0), "…" * (first + LONGEST < len(text))
    return f"{left}{window}{right} ({len(text)} characters)"


def _unified(field: str, have: Any, want: Any) -> Iterator[Line]:
    before, after = _lines(have), _lines(want)
    if have is None:
        yield "+", f"+ {field}: {_count(want, after)}"
    else:
        yield " ", f"{field}: {_count(have, before)} -> {_count(want, after)}"
    if len(before) + len(after) > LINES_COMPARED:
        pairs = enumerate(zip(before, after, strict=False), start=1)
        place = next((n for n, (a, b) in pairs if a != b), min(len(before), len(after)) + 1)
        yield "@", f"{INDENT}@@ too long to show; the first difference is in line {place} @@"
        return
    found = difflib.unified_diff(before, after, lineterm="", n=2)
    rows = list(itertools.islice(found, 2 if before else 3, None))  # file names, first place
    for row in rows[:LINES_SHOWN]:
        yield _sign(row), INDENT + printable(row, limit=LONGEST)
    if len(rows) > LINES_SHOWN:
        yield "@", f"{INDENT}@@ {len(rows) - LINES_SHOWN} more lines @@"


def _lines(value: Any) -> list[str]:
    """Split at line feeds alone, so that a carriage return before them is seen."""
    if value is None:
        return []
    if not isinstance(value, str):
        return [shown(value)]
    lines = value.split("\n")
    return lines[:-1] if lines[-1] == "" else [*lines, NO_LAST_BREAK]


def _count(value: Any, lines: list[str]) -> str:
    if value is None:
        return NOTHING
    number = len(lines) - (NO_LAST_BREAK in lines[-1:])
    return f"{number} line{'s' * (number != 1)}"


def _sign(row: str) -> Sign:
    match row[:1]:
        case "+":
            return "+"
        case "-":
            return "-"
        case "@":
            return "@"
    return " "
