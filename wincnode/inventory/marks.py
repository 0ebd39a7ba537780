"""YAML text to nodes that know their line, within limits; collects mistakes with positions."""

from __future__ import annotations

import difflib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from wincnode.errors import ConfigError

# libyaml reads a 200-node inventory five times faster; a PyYAML without it still works.
if TYPE_CHECKING:
    from yaml import SafeLoader as Loader
else:
    Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

LIMIT_BYTES = 10 * 1024 * 1024
LIMIT_DEPTH = 32
LIMIT_EXPANDED = 100_000
LIMIT_VALUES = 500_000
LIMIT_SHOWN = 60
BOOL = "tag:yaml.org,2002:bool"
INT = "tag:yaml.org,2002:int"
NULL = "tag:yaml.org,2002:null"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A line of a file, counted from 1."""

    path: Path
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


class Mistakes:
    """What is wrong with a file and with those that belong to it; everything is said at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows: list[tuple[Place, str]] = []

    def add(self, at: Node | int | Place, where: str, problem: str) -> None:
        """Note a problem at a node of the file, at a line that counts from 1, or elsewhere."""
        if isinstance(at, Node):
            at = line_of(at)
        place = at if isinstance(at, Place) else Place(path=self.path, line=at)
        self._rows.append((place, f"{place}: {where + ': ' if where else ''}{problem}"))

    def raise_any(self) -> None:
        """Raise one ConfigError that holds every mistake, in the order of the file."""
        if self._rows:
            raise ConfigError(self.text())

    def text(self) -> str:
        """Give every mistake on a line, each once, in the order of the file; its own come first."""
        files = {self.path: 0}
        for place, _ in self._rows:
            files.setdefault(place.path, len(files))
        ordered = sorted(self._rows, key=lambda row: (files[row[0].path], row[0].line))
        return "\n".join(dict.fromkeys(text for _, text in ordered))


def read_text(path: Path) -> str:
    """Read a file of at most 10 MiB as UTF-8.

    Raises: ConfigError: it cannot be read, is too large or is not UTF-8.
    """
    return to_text(read_bytes(path)[0], path)


def read_bytes(path: Path) -> tuple[bytes, int]:
    """Read a file of at most 10 MiB, and give it with its mode (0o600).

    Raises: ConfigError: it cannot be read or is too large.
    """
    try:
        with path.open("rb") as opened:
            # The opened file is asked, not the path: nobody can swap it in between.
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            content = opened.read(LIMIT_BYTES + 1)
    except OSError as err:
        raise ConfigError(f"{path}: cannot be read: {err.strerror}") from err
    if len(content) > LIMIT_BYTES:
        raise ConfigError(f"{path}: larger than 10 MiB")
    return content, mode


def to_text(content: bytes, path: Path) -> str:
    """Give a file's content as text.

    Raises: ConfigError: it is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = content[: err.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{line}: not UTF-8") from err


def compose(text: str, path: Path) -> Node | None:
    """Read YAML into nodes without building a single value.

    Raises: ConfigError: it is no YAML, nests too deeply, or its aliases unfold without measure.
    """
    if len(text.encode("utf-8", "surrogatepass")) > LIMIT_BYTES:
        raise ConfigError(f"{path}: larger than 10 MiB")
    try:
        _check_shape(text, path)
        root: Node | None = yaml.compose(text, Loader=Loader)
    except yaml.MarkedYAMLError as err:
        line = err.problem_mark.line + 1 if err.problem_mark else 1
        raise ConfigError(f"{path}:{line}: not YAML: {err.problem or err.context}") from err
    except yaml.YAMLError as err:
        raise ConfigError(f"{path}: not YAML: {err}") from err
    if root is not None:
        _check_aliases(root, path)
    return root


def _check_shape(text: str, path: Path) -> None:
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=Loader)):
        if number > LIMIT_VALUES:
            raise ConfigError(f"{path}: more than {LIMIT_VALUES} values")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > LIMIT_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise ConfigError(f"{path}:{line}: nested more than {LIMIT_DEPTH} levels deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_aliases(root: Node, path: Path) -> None:
    """Refuse aliases that unfold to far more than was written ("billion laughs")."""
    sizes: dict[int, int] = {}
    _measure(root, sizes, path)
    expanded = sizes[id(root)]
    if expanded > LIMIT_EXPANDED and expanded > 2 * len(sizes):
        raise ConfigError(f"{path}: its aliases unfold to {expanded} values; write them out")


def _measure(node: Node, sizes: dict[int, int], path: Path) -> int:
    if id(node) in sizes:
        if not sizes[id(node)]:
            raise ConfigError(f"{path}:{line_of(node)}: an alias that contains itself")
        return sizes[id(node)]
    sizes[id(node)] = 0  # under way: meeting it again is a circle
    sizes[id(node)] = 1 + sum(_measure(child, sizes, path) for child in _children(node))
    return sizes[id(node)]


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, SequenceNode):
        yield from node.value


def line_of(node: Node) -> int:
    """Give the line a node starts on, counted from 1."""
    return int(node.start_mark.line) + 1


def line_of_field(root: Node, dotted: str) -> int:
    """Give the line of a field such as `cluster.cni.mode`, or of what it is missing from."""
    line = line_of(root)
    for word in dotted.split("."):
        rows = root.value if isinstance(root, MappingNode) else ()
        found = next(((key, value) for key, value in rows if key.value == word), None)
        if found is None:
            break
        line, root = line_of(found[0]), found[1]
    return line


def positioned(rows: Iterable[tuple[str, str]], path: Path) -> str:
    """Tell each (field, problem) of a file with the line of the field, or of what lacks it.

    Raises: ConfigError: the file cannot be read.
    """
    root = compose(read_text(path), path)
    mistakes = Mistakes(path)
    for field, problem in rows:
        mistakes.add(line_of_field(root, field) if root is not None else 1, field, problem)
    return mistakes.text()


def entries(node: Node, where: str, mistakes: Mistakes) -> dict[str, tuple[Node, Node]]:
    """Give a mapping's keys with their key and value nodes; a repeated key is a mistake."""
    found: dict[str, tuple[Node, Node]] = {}
    if isinstance(node, ScalarNode) and node.tag == NULL:
        return found
    if not isinstance(node, MappingNode):
        mistakes.add(node, where, f"is {describe(node)}; it takes a mapping")
        return found
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            mistakes.add(key, where, f"has {describe(key)} as a key; it takes words")
        elif key.value in found:
            first = line_of(found[key.value][0])
            mistakes.add(key, f"{where}.{key.value}".strip("."), f"given on line {first} already")
        else:
            found[key.value] = (key, value)
    return found


def refuse_unknown(
    found: Mapping[str, tuple[Node, Node]], known: Iterable[str], where: str, mistakes: Mistakes
) -> None:
    """Note each key that is not known, and which one was meant."""
    words = tuple(known)
    for name in found:
        if name not in words:
            place = f"{where}.{name}".strip(".")
            mistakes.add(found[name][0], place, f"unknown; {nearest(name, words)}")


def describe(node: Node) -> str:
    """Say in words what kind of value stands there, without the value."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    return {NULL: "empty", BOOL: "true or false", INT: "a number"}.get(node.tag, "text")


def shown(text: str) -> str:
    """Give a text as errors show it: quoted, escaped, cut, and without an address's credentials."""
    text = re.sub(r"//[^/\s]*@", "//***@", text)
    return repr(text if len(text) <= LIMIT_SHOWN else text[:LIMIT_SHOWN] + "...")


def beside(text: str, path: Path) -> str:
    """Give a path as a file means it: relative to the file's own folder."""
    # pathlib's expanduser raises where a ~name has no home; this one leaves it as it is.
    return str(path.parent / os.path.expanduser(text))  # noqa: PTH111


def nearest(word: str, known: Iterable[str]) -> str:
    """Say which known word was meant, or list them all."""
    words = list(known)
    close = difflib.get_close_matches(word, words, n=1)
    return f"did you mean {close[0]}?" if close else f"one of {', '.join(words)}"


def plain(node: Node) -> object:
    """Build the value of a node: mappings, lists, text, numbers, true, false and nothing."""
    if isinstance(node, MappingNode):
        return {str(key.value): plain(value) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return [plain(item) for item in node.value]
    return _plain_scalar(node.tag, str(node.value))


def _plain_scalar(tag: str, value: str) -> object:
    if tag == BOOL:
        return value.lower() in {"true", "yes", "on"}
    if tag == INT and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    return None if tag == NULL else value
