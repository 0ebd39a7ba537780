"""An Ansible inventory in INI form.

Source: ansible/ansible:lib/ansible/plugins/inventory/ini.py@v2.19.14.
"""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from pathlib import Path

from wincnode.inventory.ansible.groups import UNGROUPED, Tree
from wincnode.inventory.ansible.ranges import expand
from wincnode.inventory.ansible.variables import PRIORITY, is_kept, placed
from wincnode.inventory.marks import Mistakes, Place, shown

# No value of a connection is longer, and a literal this long is read in no time.
LIMIT_VALUE = 4096
_SECTION = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?")
_CHILD = re.compile(r"([^:\]\s]+)\s*(?:#.*)?")
_KINDS = ("hosts", "children", "vars")


def read(text: str, path: Path, tree: Tree, mistakes: Mistakes) -> None:
    """Read a file's groups, hosts and variables into the tree."""
    _Reader(path, tree, mistakes).read(text)


class _Reader:
    """Where in the file the reading is, and which groups are spoken of before they are there."""

    def __init__(self, path: Path, tree: Tree, mistakes: Mistakes) -> None:
        self._path = path
        self._tree = tree
        self._mistakes = mistakes
        self._group, self._kind = UNGROUPED, "hosts"
        self._declared = set(tree.groups)
        self._wanted: list[tuple[str, str, Place]] = []
        self._given: list[tuple[str, Place]] = []

    def read(self, text: str) -> None:
        # Ansible splits lines in this way too, also at form feeds and at U+2028.
        for number, line in enumerate(text.splitlines(), 1):
            bare = line.strip()
            if not bare or bare[0] in "#;":
                continue
            place = Place(path=self._path, line=number)
            try:
                self._line(bare, place)
            except ValueError as err:
                self._mistakes.add(place, "", str(err))
        self._settle()

    def _line(self, line: str, place: Place) -> None:
        section = _SECTION.fullmatch(line)
        if section:
            self._open(section[1], section[2] or "hosts", place)
        elif line.startswith("[") and line.endswith("]"):
            raise ValueError("no section; it is [GROUP], [GROUP:children] or [GROUP:vars]")
        elif self._kind == "hosts":
            self._host(line, place)
        elif self._kind == "vars":
            self._variable(line, place)
        else:
            self._child(line, place)

    def _open(self, group: str, kind: str, place: Place) -> None:
        if kind not in _KINDS:
            raise ValueError(f"{shown(kind)} is no kind of section; one of {', '.join(_KINDS)}")
        self._tree.add_group(group, place)
        self._group, self._kind = group, kind
        if kind == "vars":
            self._given.append((group, place))
        else:
            self._declared.add(group)

    def _host(self, line: str, place: Place) -> None:
        # What stands in the line is never repeated: it may be a password.
        try:
            words = shlex.split(line, comments=True)
        except ValueError as err:
            raise ValueError(f"no host with variables: {str(err).lower()}") from None
        names, port = expand(words[0] if words else "")
        if words and words[0].endswith(":") and port is None:
            raise ValueError("a name that ends in a colon; behind it stands a port")
        if "---" in names:
            raise ValueError("--- begins a YAML file; name it .yaml")
        pairs = [_pair(word) for word in words[1:]]
        for name in names:
            self._tree.add_host(name, self._group, place, port)
            for variable, value in pairs:
                if is_kept(variable):
                    self._tree.set(name, variable, placed(variable, _value(value), place))

    def _variable(self, line: str, place: Place) -> None:
        name, value = _pair(line)
        if name == PRIORITY:
            self._tree.groups[self._group].priority = priority(_value(value))
        elif is_kept(name):
            self._tree.set(self._group, name, placed(name, _value(value), place))

    def _child(self, line: str, place: Place) -> None:
        found = _CHILD.fullmatch(line)
        if not found:
            raise ValueError("no name of a group")
        self._wanted.append((self._group, found[1], place))

    def _settle(self) -> None:
        """Put the children into their groups, once it is known which groups there are."""
        for parent, child, place in self._wanted:
            if child in self._declared:
                self._tree.add_child(parent, child, place)
            else:
                self._mistakes.add(place, "", f"no group is called {shown(child)}")
        for group, place in self._given:
            if group not in self._declared:
                text = f"no group is called {shown(group)}, so it has no variables"
                self._mistakes.add(place, "", text)


def priority(value: object) -> int:
    """Give a group's priority.

    Raises: ValueError: it is no number.
    """
    if isinstance(value, int | str) and re.fullmatch("-?[0-9]{1,9}", str(value)):
        return int(value)
    raise ValueError(f"{PRIORITY} takes a number")


def _pair(word: str) -> tuple[str, str]:
    name, found, value = word.partition("=")
    if not found:
        raise ValueError("a variable is NAME=VALUE; quote a value with blanks")
    return name.strip(), value.strip()


def _value(text: str) -> object:
    """Read a value as Python would, and what Python does not know as text: 5986 is a number."""
    if len(text) > LIMIT_VALUE:
        raise ValueError(f"a value of more than {LIMIT_VALUE} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of backslashes that Python would rather see doubled
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    # What no variable can be is text all the same.
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "..." if value is ... else str(value) if isinstance(value, complex) else value
