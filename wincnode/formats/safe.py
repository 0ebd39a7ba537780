"""Text of nodes made harmless for what reads a report: terminals, parsers, agents of CI."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from wincnode.events import printable

LINE = 2000
LINES = 100
INDENT = 16
# The longest text of a step's differences; a text of a node's event has at most 1 MiB.
TEXT = 64 * 1024
DEPTH = 16
# Larger numbers are none that a node says of itself, and most readers of JSON round them anyway.
BITS = 64


def line(value: object, *, limit: int = LINE) -> str:
    """Give one line that no terminal, XML parser or agent of a CI stumbles over or obeys."""
    return printable(str(value).strip(), limit=limit)


def lines(value: str) -> tuple[str, ...]:
    """Give the lines of a text that has several, such as an error with the ends of logs."""
    rows = value[: LINE * LINES].split("\n")
    shown = [indented(row) for row in rows[:LINES] if row.strip()]
    return (*shown, "…") if len(rows) > LINES else tuple(shown)


def indented(value: str) -> str:
    """Give a line that keeps its indent, made harmless."""
    bare = value.lstrip(" ")
    return " " * min(len(value) - len(bare), INDENT) + line(bare)


def no_command(text: str) -> str:
    """Give text for the beginning of a line: GitHub's agent obeys one that begins with `::`."""
    bare = text.lstrip()
    return text if not bare.startswith("::") else text.replace("::", "\\x3a:", 1)


def dumps(data: Any, *, indent: int | None = None, levels: int = 0) -> str:
    r"""Give JSON in ASCII that every parser takes, and in which no agent finds a command.

    `##` is where commands of GitHub's and Azure's agents begin; `#\u0023` is the same text.

    Args: levels: how deep it is indented, all the way by default; what lies deeper has one line.
    """
    if indent and levels:
        text = _indented(bounded(data), " " * indent, levels, "\n")
    else:
        separators = (",", ": ") if indent else (",", ":")
        text = json.dumps(bounded(data), indent=indent, separators=separators, allow_nan=False)
    return text.replace("##", "#\\u0023").replace("\x7f", "\\u007f")


def _indented(value: Any, indent: str, levels: int, end: str) -> str:
    """Give JSON whose outer levels are indented; Python's fast encoder indents none at all."""
    if not levels or not value or not isinstance(value, (dict, list)):
        return json.dumps(value, allow_nan=False)
    inner = end + indent
    rows = [
        # A row of an object is its name and its value.
        f"{json.dumps(row)}: {_indented(value[row], indent, levels - 1, inner)}"
        if isinstance(value, dict)
        else _indented(row, indent, levels - 1, inner)
        for row in value
    ]
    first, last = "{}" if isinstance(value, dict) else "[]"
    return f"{first}{inner}{f',{inner}'.join(rows)}{end}{last}"


def bounded(value: Any, *, depth: int = DEPTH) -> Any:
    """Give JSON-able data within limits: no half characters, no endless numbers, texts or depth."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, (dict, Mapping)) and depth:
        return {text(str(name)): bounded(item, depth=depth - 1) for name, item in value.items()}
    if isinstance(value, (list, tuple)) and depth:
        return [bounded(item, depth=depth - 1) for item in value]
    return _plain(value)


def _plain(value: Any) -> Any:
    match value:
        case None | bool():
            return value
        case int():
            return value if value.bit_length() <= BITS else "(a number that is too long)"
        case float() if math.isfinite(value):
            return value
        case Mapping() | list() | tuple():
            return "(nested too deeply)"
        case _:
            return text(str(value))


def text(value: str) -> str:
    """Give a text that may have several lines, cut, with halves of characters replaced."""
    cut = value if len(value) <= TEXT else value[:TEXT] + "…"
    if cut.isascii():
        return cut
    return cut.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
