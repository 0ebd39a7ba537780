"""The lock file: which file of which version, its SHA-256, its size, and who vouched for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import Node, ScalarNode, SequenceNode

from wincnode.addresses import URL, URL_FORM
from wincnode.artifacts.catalogue import Wanted
from wincnode.errors import ConfigError
from wincnode.inventory import marks
from wincnode.inventory.marks import Mistakes

SCHEMA = "wincnode/lock/v1"
HEAD = "# Written by `wincnode lock` from the inventory; docs/artifacts.md says what it holds.\n"
UNVERIFIED = "nothing"
WAYS = ("digest", "names", "github", UNVERIFIED)
LIMIT_BYTES = 1024 * 1024 * 1024
# Each field's form, and how it is told.
FIELDS: Mapping[str, tuple[str, str]] = {
    "component": (r"[a-z0-9][a-z0-9-]*", "a name of docs/artifacts.md"),
    "version": (r"[0-9][0-9A-Za-z.-]*", "a version such as 1.36.4"),
    "url": (URL, URL_FORM),
    "sha256": (r"[0-9a-f]{64}", "64 lower-case hexadecimal digits"),
    "size": (r"[1-9][0-9]{0,9}", "a number of bytes, at most 1 GiB"),
    "verified": ("|".join(WAYS), f"one of {', '.join(WAYS)}"),
    "checksum_url": (URL, URL_FORM),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One locked file.

    Args: verified: the form of the checksum that vouched for it, found at `checksum_url`;
        `nothing` where it was taken as it was.
    """

    component: str
    version: str
    url: str
    sha256: str
    size: int
    verified: str
    checksum_url: str


def path_for(inventory: Path) -> Path:
    """Give the lock file of an inventory: `wincnode.lock.yaml` beside `wincnode.yaml`."""
    return inventory.with_suffix(".lock.yaml")


def render(entries: Iterable[Entry]) -> str:
    """Give the text of a lock file; the same entries always give the same text."""
    rows = [asdict(entry) for entry in sorted(entries, key=lambda entry: entry.component)]
    document = {"schema": SCHEMA, "artifacts": rows}
    return HEAD + yaml.safe_dump(document, sort_keys=False, width=1000)


def load(path: Path) -> tuple[Entry, ...]:
    """Read and validate a lock file.

    Raises: ConfigError: everything that is wrong with the file, a line each.
    """
    return parse(marks.read_text(path), path)


def parse(text: str, path: Path) -> tuple[Entry, ...]:
    """Validate a lock file's text; see `load`."""
    mistakes = Mistakes(path)
    root = marks.compose(text, path)
    if root is None:
        raise ConfigError(f"{path}: empty", remedy="Write it with `wincnode lock`.")
    found = marks.entries(root, "", mistakes)
    _refuse_fields(root, found, ("schema", "artifacts"), "", mistakes)
    if "schema" in found and found["schema"][1].value != SCHEMA:
        # What another schema means is not known, so that nothing more can be said of it.
        raise ConfigError(f"{path}:{marks.line_of(found['schema'][1])}: schema: is not {SCHEMA}")
    entries = _entries(found["artifacts"][1], mistakes) if "artifacts" in found else ()
    mistakes.raise_any()
    return entries


def differences(locked: Iterable[Entry], wanted: Iterable[Wanted]) -> tuple[str, ...]:
    """Say in which files a lock is not what is wanted; empty where it is current."""
    have = {entry.component: entry for entry in locked}
    want = {row.name: row for row in wanted}
    texts = []
    for name in sorted({*have, *want}):
        if name not in have:
            texts.append(f"{name} {want[name].version} is not locked")
        elif name not in want:
            texts.append(f"{name} {have[name].version} is locked and not wanted")
        elif have[name].version != want[name].version:
            texts.append(f"{name} is locked at {have[name].version}, not {want[name].version}")
        elif have[name].url != want[name].url:
            texts.append(f"{name} is locked from {have[name].url}, not {want[name].url}")
    return tuple(texts)


def refuse_stale(path: Path, locked: Iterable[Entry], wanted: Iterable[Wanted]) -> None:
    """Refuse a lock file that is not what the inventory wants.

    Raises: ConfigError: with every difference.
    """
    if texts := differences(locked, wanted):
        message = "\n".join(f"{path}: {text}" for text in texts)
        raise ConfigError(message, remedy="Run `wincnode lock`.", id="config.lock")


def _entries(at: Node, mistakes: Mistakes) -> tuple[Entry, ...]:
    if not isinstance(at, SequenceNode):
        mistakes.add(at, "artifacts", f"is {marks.describe(at)}; it takes a list")
        return ()
    entries: list[Entry] = []
    lines: dict[str, int] = {}
    for number, item in enumerate(at.value):
        values = _fields(item, f"artifacts[{number}]", mistakes)
        name = values.get("component", "")
        if name in lines:
            problem = f"{name} stands on line {lines[name]} already"
            mistakes.add(item, f"artifacts[{number}].component", problem)
        if name:
            lines.setdefault(name, marks.line_of(item))
        if values.keys() == FIELDS.keys():
            entries.append(Entry(**values))
    return tuple(entries)


def _fields(at: Node, where: str, mistakes: Mistakes) -> dict[str, Any]:
    found = marks.entries(at, where, mistakes)
    _refuse_fields(at, found, FIELDS, where, mistakes)
    values: dict[str, Any] = {}
    for name, (pattern, form) in FIELDS.items():
        if name not in found:
            continue
        value = found[name][1]
        if not isinstance(value, ScalarNode):
            mistakes.add(value, f"{where}.{name}", f"is {marks.describe(value)}; it takes {form}")
        elif not re.fullmatch(pattern, value.value):
            mistakes.add(value, f"{where}.{name}", f"is {marks.shown(value.value)}; {form}")
        elif name == "size" and int(value.value) > LIMIT_BYTES:
            mistakes.add(value, f"{where}.{name}", f"is {value.value}; {form}")
        else:
            values[name] = int(value.value) if name == "size" else value.value
    return values


def _refuse_fields(
    at: Node,
    found: Mapping[str, tuple[Node, Node]],
    known: Iterable[str],
    where: str,
    mistakes: Mistakes,
) -> None:
    words = tuple(known)
    marks.refuse_unknown(found, words, where, mistakes)
    for name in words:
        if name not in found:
            mistakes.add(at, f"{where}.{name}".strip("."), "missing")
