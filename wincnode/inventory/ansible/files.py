"""Which files belong to an Ansible inventory, and what stands in each.

Source: ansible/ansible:lib/ansible/inventory/manager.py (parse_source), config/base.yml
(INVENTORY_IGNORE_EXTS), plugins/vars/host_group_vars.py and parsing/dataloader.py
(find_vars_files)@v2.19.14.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from yaml.nodes import MappingNode, Node

from wincnode.errors import ConfigError
from wincnode.inventory import marks
from wincnode.inventory.ansible import ini, yaml
from wincnode.inventory.ansible.groups import Tree
from wincnode.inventory.ansible.variables import Values
from wincnode.inventory.ansible.vault import HEADER, Keys
from wincnode.inventory.marks import Mistakes, Place, shown

YAML = frozenset({".yaml", ".yml", ".json"})
# As in Ansible's own order; a folder is met before the files.
VARIABLES = ("", ".yml", ".yaml", ".json")
LIMIT_FILES = 10_000
LIMIT_DEPTH = 8
_IGNORED = re.compile(
    r"^\.|^(host_vars|group_vars|vars_plugins)$"
    r"|(\.pyc|\.pyo|\.swp|\.bak|~|\.rpm|\.md|\.txt|\.rst|\.orig|\.cfg|\.retry)$"
)
# What a YAML inventory begins with, so that its mistakes are told as those of YAML.
_LIKE_YAML = re.compile(r"(\s|#[^\n]*\n)*(---|[\w.-]+:\s*(\n|$)|\{)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """What a file says, and who may read it.

    Args: mode: such as 0o644. vaulted: the file as a whole is encrypted.
    """

    text: str
    mode: int
    vaulted: bool


class Files:
    """The files that were read; each is read once."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self._read: dict[Path, Content] = {}

    def content(self, path: Path) -> Content:
        """Read a file, and decrypt it where it is a vault.

        Raises: ConfigError: it cannot be read, is no text, or is a vault without its password.
        """
        if path not in self._read:
            if len(self._read) >= LIMIT_FILES:
                raise ConfigError(f"{path}: more than {LIMIT_FILES} files")
            self._read[path] = self._content(path)
        return self._read[path]

    def _content(self, path: Path) -> Content:
        found, mode = marks.read_bytes(path)
        text = marks.to_text(found, path)
        if not text.startswith(HEADER):
            return Content(text=text, mode=mode, vaulted=False)
        try:
            return Content(text=self.keys.open(text).reveal(), mode=mode, vaulted=True)
        except ValueError as err:
            raise ConfigError(f"{path}:1: {err}") from None


def is_ansible(path: Path) -> bool:
    """Tell whether a path leads to an inventory of Ansible rather than to one of our own.

    Raises: ConfigError: the file cannot be read.
    """
    if path.is_dir():
        return True
    if "," in path.name and not path.exists():
        raise ConfigError(f"{path}: a list of hosts is no file; write an inventory")
    if path.is_fifo():
        # Its second reader would find it empty.
        raise ConfigError(f"{path}: a pipe can be read once; write the inventory to a file")
    content, _ = marks.read_bytes(path)
    if content.startswith(HEADER.encode()):
        return True
    try:
        root = marks.compose(marks.to_text(content, path), path)
    except ConfigError:
        return path.suffix not in YAML and not _LIKE_YAML.match(content.decode("utf-8", "replace"))
    return _is_ansible(root) if isinstance(root, MappingNode) else path.suffix not in YAML


def _is_ansible(root: MappingNode) -> bool:
    """Tell the two YAML forms apart: groups hold nothing but hosts, vars and children."""
    rows = {str(key.value): value for key, value in root.value}
    if "plugin" in rows or not rows:
        return bool(rows)
    if not rows.keys() & OUR_SECTIONS:
        marked = rows.keys() & {"all", "ungrouped"} or any(
            row.startswith("ansible_") for row in rows
        )
        return bool(marked) or any(map(_has_group, rows.values()))
    full = [value for value in rows.values() if not yaml.is_empty(value)]
    return bool(full) and all(_is_group(value) for value in full)


OUR_SECTIONS = frozenset({"cluster", "runtime", "kubelet", "artifacts", "connection", "nodes"})


def _has_group(node: Node) -> bool:
    return isinstance(node, MappingNode) and any(
        str(key.value) in yaml.SECTIONS for key, _ in node.value
    )


def _is_group(node: Node) -> bool:
    return _has_group(node) and all(str(key.value) in yaml.SECTIONS for key, _ in node.value)


def sources(path: Path, depth: int = 0) -> Iterator[Path]:
    """Give the inventory files of a folder in Ansible's order, or the file itself.

    Raises: ConfigError: a folder cannot be read, or folders lie in each other without an end.
    """
    if not path.is_dir():
        yield path
        return
    if depth > LIMIT_DEPTH:
        raise ConfigError(f"{path}: folders lie in each other more than {LIMIT_DEPTH} levels deep")
    for name in _listed(path):
        if not _IGNORED.search(name):
            yield from sources(path / name, depth + 1)


def _listed(folder: Path) -> list[str]:
    try:
        names = sorted((path.name for path in folder.iterdir()), key=os.fsencode)
    except OSError as err:
        raise ConfigError(f"{folder}: cannot be read: {err.strerror}") from err
    for name in names:
        if not name.isprintable():
            raise ConfigError(f"{folder}: {shown(name)} is no name of a file that is read")
    return names


def read(path: Path, files: Files, tree: Tree, mistakes: Mistakes) -> list[str]:
    """Read one inventory file into the tree; gives what was passed over."""
    content = files.content(path)
    if path.suffix == ".toml":
        mistakes.add(Place(path=path, line=1), "", "TOML is not read; write it as YAML or INI")
        return []
    # Ansible runs a program that begins so; what is only marked as one fails there, and is read.
    if content.text.startswith("#!") and os.access(path, os.X_OK):
        text = "a dynamic inventory script; wincnode runs none"
        mistakes.add(Place(path=path, line=1), "", text)
        return []
    if path.suffix and path.suffix not in YAML:
        ini.read(content.text, path, tree, mistakes)
        return []
    try:
        root = marks.compose(content.text, path)
    except ConfigError:
        if path.suffix or _LIKE_YAML.match(content.text):
            raise
        root = None
    if isinstance(root, MappingNode):
        return yaml.read(root, path, tree, mistakes)
    if path.suffix:
        text = "empty" if root is None else f"is {marks.describe(root)}, no mapping of groups"
        mistakes.add(Place(path=path, line=1), "", text)
    else:
        ini.read(content.text, path, tree, mistakes)
    return []


class VariableFiles:
    """The files of `group_vars` and `host_vars` beside the sources."""

    def __init__(self, paths: list[Path], files: Files, mistakes: Mistakes) -> None:
        folders = [path if path.is_dir() else path.parent for path in paths]
        # Of sources in the same folder the last counts, as later ones override.
        self.bases = tuple({folder.resolve(): folder for folder in reversed(folders)}.values())[
            ::-1
        ]
        self._files = files
        self._mistakes = mistakes
        self._values: dict[Path, Values] = {}
        self._names: dict[Path, frozenset[str]] = {}

    def of(self, base: Path, kind: str, name: str) -> Values:
        """Give the variables that a source's folder has for a group or a host.

        Args: kind: `group_vars` or `host_vars`.
        """
        found: Values = {}
        for path in self._paths(base / kind, name):
            found |= self._read(path)
        return found

    def _paths(self, folder: Path, name: str) -> Iterator[Path]:
        if name.startswith("/"):  # a chroot's path; Ansible looks for no file of it either
            return
        names = self._known(folder)
        for suffix in VARIABLES:
            if name + suffix in names:
                path = folder / (name + suffix)
                yield from self._below(path) if path.is_dir() else [path]
                return

    def _known(self, folder: Path) -> frozenset[str]:
        if folder not in self._names:
            self._names[folder] = frozenset(_listed(folder) if folder.is_dir() else ())
        return self._names[folder]

    def _below(self, folder: Path, depth: int = 0) -> Iterator[Path]:
        if depth > LIMIT_DEPTH:
            text = f"folders lie in each other more than {LIMIT_DEPTH} levels deep"
            raise ConfigError(f"{folder}: {text}")
        for name in _listed(folder):
            path = folder / name
            suffix = path.suffix
            if name.startswith(".") or name.endswith("~"):
                continue
            if path.is_dir() and not suffix:
                yield from self._below(path, depth + 1)
            elif path.is_file() and suffix in VARIABLES:
                yield path

    def _read(self, path: Path) -> Values:
        if path not in self._values:
            root = marks.compose(self._files.content(path).text, path)
            found = yaml.read_variables(root, path, self._mistakes) if root is not None else {}
            self._values[path] = found
        return self._values[path]
