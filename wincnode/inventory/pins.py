"""A node's pin in the text of an inventory: what stands around it stays as it was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode

from wincnode.errors import ConfigError
from wincnode.inventory import marks

BLOCKS = ("|", ">")


def by_hand(node: str, sha256: str) -> str:
    """Give the line of `wincnode.yaml` that pins a node's certificate."""
    return f'nodes: {{{node}: {{connection: {{fingerprint: "{sha256}"}}}}}}'


def pinned(text: str, path: Path, *, node: str, sha256: str) -> str:
    """Give an inventory's text with a node's own `connection.fingerprint`; the rest is kept.

    The parser says where a value stands; what came of the edit is read again, and has to differ
    in that one value.

    Raises: ConfigError: the text is no inventory, or cannot be edited so (anchors, tags).
    """
    root = marks.compose(text, path)
    names = ("nodes", node, "connection", "fingerprint")
    if isinstance(root, MappingNode):
        edit = _edit(root, names, f'"{sha256}"', text)
        edited = "" if edit is None else text[: edit[0]] + edit[2] + text[edit[1] :]
        if edit and _means(edited, path) == _with(marks.plain(root), names, sha256):
            return edited
    raise ConfigError(f"{path}: the pin of {node} has no place that can be edited")


def _edit(at: Node, names: tuple[str, ...], value: str, text: str) -> tuple[int, int, str] | None:
    """Give from where to where the text is replaced, and by what; None is nowhere."""
    name, *rest = names
    child = next((row for key, row in _rows(at) if key.value == name), None)
    if child is not None and rest:
        return _edit(child, tuple(rest), value, text)
    if child is not None:
        # The end of a block of lines takes in what stands below it.
        block = isinstance(child, ScalarNode) and child.style in BLOCKS
        return None if block else (_start(child), _end(child), value)
    for inner in reversed(rest):
        value = f"{{{inner}: {value}}}"
    return _added(at, f"{name}: {value}", text)


def _added(at: Node, row: str, text: str) -> tuple[int, int, str]:
    """Give the edit that adds a row to a mapping, in the mapping's own style."""
    if not isinstance(at, MappingNode):
        return _start(at), _end(at), f" {{{row}}}"
    if at.flow_style or not at.value:
        inside = _start(at) + 1
        return inside, inside, f"{row}, " if at.value else row
    ending = "\r\n" if "\r\n" in text else "\n"
    first = at.value[0][0]
    indent = " " * int(first.start_mark.column)
    # Behind the last row of one value, so that a comment stays with the row that it is above of.
    plain = [row for _, row in at.value if isinstance(row, ScalarNode) and row.style not in BLOCKS]
    if not plain:
        above = _above(text, _start(first), ending)
        return above, above, f"{indent}{row}{ending}"
    behind = text.find(ending, _end(plain[-1]))
    behind = len(text) if behind < 0 else behind
    return behind, behind, f"{ending}{indent}{row}"


def _above(text: str, at: int, ending: str) -> int:
    """Give where the line of a key begins, or the first of the comments right above it."""
    begin = text.rfind(ending, 0, at) + len(ending) if ending in text[:at] else 0
    while begin:
        before = text.rfind(ending, 0, begin - len(ending))
        line = text[before + len(ending) if before >= 0 else 0 : begin]
        if not line.lstrip().startswith("#"):
            return begin
        begin = before + len(ending) if before >= 0 else 0
    return begin


def _rows(at: Node) -> list[tuple[Node, Node]]:
    return list(at.value) if isinstance(at, MappingNode) else []


def _start(at: Node) -> int:
    return int(at.start_mark.index)


def _end(at: Node) -> int:
    return int(at.end_mark.index)


def _means(text: str, path: Path) -> object:
    """Give what a text says; nothing where it is no YAML."""
    try:
        root = marks.compose(text, path)
    except ConfigError:
        return None
    return None if root is None else marks.plain(root)


def _with(value: object, names: tuple[str, ...], new: str) -> dict[str, Any]:
    name, *rest = names
    rows = dict(value) if isinstance(value, dict) else {}
    rows[name] = _with(rows.get(name), tuple(rest), new) if rest else new
    return rows
