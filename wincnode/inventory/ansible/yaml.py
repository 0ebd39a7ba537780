"""An Ansible inventory, or a file of variables, in YAML form.

Source: ansible/ansible:lib/ansible/plugins/inventory/yaml.py and
lib/ansible/_internal/_yaml/_constructor.py@v2.19.14 (`!vault`, `!unsafe`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from yaml import YAMLError
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode
from yaml.resolver import Resolver

from wincnode.inventory import marks
from wincnode.inventory.ansible.groups import Tree
from wincnode.inventory.ansible.ini import priority
from wincnode.inventory.ansible.ranges import expand
from wincnode.inventory.ansible.variables import (
    PRIORITY,
    Placed,
    Values,
    Vaulted,
    is_kept,
    placed,
)
from wincnode.inventory.marks import Mistakes, Place, shown

SECTIONS = ("hosts", "vars", "children")
VAULT_TAGS = ("!vault", "!vault-encrypted")
_MERGE = "tag:yaml.org,2002:merge"
_TEXT = "tag:yaml.org,2002:str"
Rows = list[tuple[Node, Node]]


def read(root: Node, path: Path, tree: Tree, mistakes: Mistakes) -> list[str]:
    """Read a file's groups, hosts and variables into the tree; gives what was passed over."""
    return _Reader(path, tree, mistakes).read(root)


def read_variables(root: Node, path: Path, mistakes: Mistakes) -> Values:
    """Give the variables of a file of group_vars or host_vars that matter here."""
    reader = _Reader(path, Tree(), mistakes)
    return dict(reader.variables(root)) if not is_empty(root) else {}


def is_empty(node: Node) -> bool:
    """Tell whether nothing stands there."""
    return isinstance(node, ScalarNode) and node.tag == marks.NULL


class _Reader:
    """One file, read into a tree."""

    def __init__(self, path: Path, tree: Tree, mistakes: Mistakes) -> None:
        self._path = path
        self._tree = tree
        self._mistakes = mistakes
        self._passed: list[str] = []

    def read(self, root: Node) -> list[str]:
        rows = self._rows(root)
        plugin = next((key for key, _ in rows if key.value == "plugin"), None)
        if plugin is not None:
            text = "configures an inventory plugin; wincnode runs none"
            self._mistakes.add(self._place(plugin), "plugin", text)
            return []
        if rows and all(isinstance(value, ScalarNode) and not is_empty(value) for _, value in rows):
            text = "holds no group; files of variables belong into group_vars or host_vars"
            self._mistakes.add(self._place(root), "", text)
            return []
        for key, value in rows:
            if not is_empty(value) and not isinstance(value, MappingNode):
                self._pass(key, f"{shown(str(key.value))} is {marks.describe(value)}, no group")
            else:
                with self._telling(key):
                    self._group(key, value)
        return self._passed

    def variables(self, node: Node) -> Iterator[tuple[str, Placed]]:
        """Give the variables of a mapping that matter here, but for a group's priority."""
        for key, value in self._rows(node):
            if key.tag == _TEXT and is_kept(key.value):
                found = self._value(key, value)
                if found is not None:
                    yield str(key.value), found

    def _group(self, key: Node, at: Node | None) -> str:
        name = _word(key, "a group's name")
        self._tree.add_group(name, self._place(key))
        readers: dict[str, Callable[[str, Node], None]] = {
            "vars": self._vars,
            "children": self._children,
            "hosts": self._hosts,
        }
        for section, value in self._rows(at) if at and not is_empty(at) else []:
            if section.value in readers:
                readers[section.value](name, value)
            elif not is_empty(value):
                word = shown(str(section.value))
                self._pass(section, f"{word} is none of {', '.join(SECTIONS)}")
        return name

    def _vars(self, group: str, at: Node) -> None:
        for key, value in self._entries(at):
            if key.value == PRIORITY and value is not None:
                with self._telling(key):
                    self._tree.groups[group].priority = priority(_plain(value))
        if isinstance(at, MappingNode):
            for name, found in self.variables(at):
                self._tree.set(group, name, found)

    def _children(self, group: str, at: Node) -> None:
        for key, value in self._entries(at):
            if self._is_mapping(key, value):
                with self._telling(key):
                    child = self._group(key, value)
                    self._tree.add_child(group, child, self._place(key))

    def _hosts(self, group: str, at: Node) -> None:
        for key, value in self._entries(at):
            if not self._is_mapping(key, value):
                continue
            with self._telling(key):
                names, port = expand(_word(key, "a host's name"))
                rows = list(self.variables(value)) if isinstance(value, MappingNode) else []
                for name in names:
                    self._tree.add_host(name, group, self._place(key), port)
                    for variable, found in rows:
                        self._tree.set(name, variable, found)

    def _is_mapping(self, key: Node, value: Node | None) -> bool:
        if value is None or is_empty(value) or isinstance(value, MappingNode):
            return True
        text = f"is {marks.describe(value)}; it takes a mapping"
        self._mistakes.add(self._place(key), shown(str(key.value)), text)
        return False

    def _entries(self, at: Node) -> list[tuple[Node, Node | None]]:
        """Give a section's entries; a single word stands for one entry."""
        if is_empty(at):
            return []
        if isinstance(at, ScalarNode) and at.tag == _TEXT:
            return [(at, None)]
        if not isinstance(at, MappingNode):
            text = f"is {marks.describe(at)}; it takes a mapping (a colon behind each name)"
            self._mistakes.add(self._place(at), "", text)
            return []
        return list(self._rows(at))

    def _rows(self, node: Node) -> Rows:
        """Give a mapping's rows with those that `<<` merges into it, which its own override."""
        if not isinstance(node, MappingNode):
            text = f"is {marks.describe(node)}; it takes a mapping"
            self._mistakes.add(self._place(node), "", text)
            return []
        own: dict[str, tuple[Node, Node]] = {}
        merged: dict[str, tuple[Node, Node]] = {}
        for key, value in node.value:
            word = _name(key)
            if key.tag == _MERGE:
                for more in self._merged(value):
                    merged |= {_name(row[0]): row for row in more}
            elif word in own:
                line = marks.line_of(own[word][0])
                text = f"given on line {line} already"
                self._mistakes.add(self._place(key), shown(str(key.value)), text)
            else:
                own[word] = (key, value)
        return list({**merged, **own}.values())

    def _merged(self, value: Node) -> Iterator[Rows]:
        """Give what is merged, the strongest last: of a list that is the first."""
        parts = [value] if isinstance(value, MappingNode) else reversed(value.value)
        for part in parts:
            if isinstance(part, MappingNode):
                yield self._rows(part)
            else:
                self._mistakes.add(self._place(value), "<<", "merges mappings, or a list of them")
                return

    def _value(self, key: Node, node: Node) -> Placed | None:
        # A folded text begins a line after its key; its value is what is spoken of.
        place, name = self._place(node), str(key.value)
        try:
            if node.tag in VAULT_TAGS and isinstance(node, ScalarNode):
                return Placed(value=Vaulted(text=str(node.value)), place=place)
            if node.tag == "!unsafe":
                return placed(name, _plain(_resolved(node)), place, unsafe=True)
            return placed(name, _plain(node), place)
        except ValueError as err:
            self._mistakes.add(place, name, str(err))
            return None

    @contextmanager
    def _telling(self, at: Node) -> Iterator[None]:
        """Tell what is wrong with a value by its place, and go on."""
        try:
            yield
        except ValueError as err:
            self._mistakes.add(self._place(at), "", str(err))

    def _pass(self, at: Node, text: str) -> None:
        self._passed.append(f"{self._place(at)}: passed over: {text}")

    def _place(self, node: Node) -> Place:
        return Place(path=self._path, line=marks.line_of(node))


def _name(key: Node) -> str:
    """Give what tells keys apart; one that is no word is told by its place."""
    return str(key.value) if isinstance(key, ScalarNode) else f"\0{key.start_mark}"


def _word(key: Node, what: str) -> str:
    if not isinstance(key, ScalarNode) or key.tag != _TEXT:
        raise ValueError(f"{marks.describe(key)} is no word; put {what} in quotes")
    return str(key.value)


def _plain(node: Node) -> object:
    """Build a value as YAML 1.1 has it: 010 is 8, and `yes` is true.

    Raises: ValueError: it is of another tag, or not what its tag says.
    """
    try:
        found: object = SafeConstructor().construct_document(node)
    # What PyYAML raises for a tag that does not fit its value.
    except (YAMLError, AttributeError, KeyError, OverflowError, TypeError, ValueError):
        raise ValueError("is of a YAML type that no variable of a connection has") from None
    return found


def _resolved(node: Node) -> Node:
    """Give a node with the tag that it would have without one of its own, and without quotes."""
    if isinstance(node, ScalarNode):
        tag = Resolver().resolve(ScalarNode, node.value, (True, False))  # type: ignore[no-untyped-call] # of PyYAML
        return ScalarNode(tag, node.value, node.start_mark, node.end_mark, node.style)
    raise ValueError("takes a single value")
