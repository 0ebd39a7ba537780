"""Rows of updates from their files: those that ship, and one's own laid over them by id."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import yaml

from wincnode.assets import PACKAGE
from wincnode.errors import ConfigError
from wincnode.updates.model import Override, Recipe, Update, UpdateKind, Updates, Vulnerability

T = TypeVar("T")

SHIPPED = PACKAGE / "data" / "updates.yaml"
MOST_BYTES = 1 << 20
LONGEST_TEXT = 1000
VERSION = re.compile(r"\d{1,9}\.\d{1,9}\.\d{1,9}")


def load_updates(path: Path | None = None) -> Updates:
    """Read the rows that ship, with a file of one's own laid over them.

    Raises: ConfigError: everything that is wrong with the file, a line each.
    """
    base, _ = _read(SHIPPED)
    if path is None:
        return base
    own, removed = _read(path)
    return Updates(
        as_of=max(own.as_of, base.as_of),
        updates=_over(base.updates, own.updates, removed, lambda row: row.id),
        overrides=_over(base.overrides, own.overrides, removed, lambda row: row.id),
        vulnerabilities=_over(
            base.vulnerabilities, own.vulnerabilities, removed, lambda row: row.id
        ),
    )


def _over(
    base: tuple[T, ...], own: tuple[T, ...], removed: frozenset[str], name: Callable[[T], str]
) -> tuple[T, ...]:
    rows = {name(row): row for row in (*base, *own)}
    return tuple(row for id, row in rows.items() if id not in removed)


class _Wrong(ValueError):
    """A value of a file is not what it should be; the message says why."""


def _read(path: Path) -> tuple[Updates, frozenset[str]]:
    """Read a file: its rows, and the ids that it removes."""
    raw = _load(path)
    problems = [
        f"{path}: {key}: is no field" for key in raw if key not in {*_LISTS, "as_of", "remove"}
    ]
    rows: dict[str, list[Any]] = {name: [] for name in _LISTS}
    for name, make in _LISTS.items():
        for place, row in enumerate(_list(raw, name, path, problems), start=1):
            try:
                rows[name].append(make(_Row(row)))
            except _Wrong as error:
                problems.append(f"{path}: {name}, row {place}: {error}")
    as_of = raw.get("as_of")
    if type(as_of) is not date:
        problems.append(f"{path}: as_of: is no date such as 2026-11-30")
    removed = _list(raw, "remove", path, problems)
    if not all(isinstance(id, str) for id in removed):
        problems.append(f"{path}: remove: is no list of ids")
    if problems or type(as_of) is not date:
        raise ConfigError("\n".join(problems), remedy="docs/checks.md shows the form of the file.")
    lists = {name: tuple(found) for name, found in rows.items()}
    return Updates(as_of=as_of, **lists), frozenset(removed)


def _load(path: Path) -> Mapping[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ConfigError(f"{path}: has more than {MOST_BYTES} bytes")
        raw = yaml.load(data, Loader=loader)  # noqa: S506 - both loaders are the safe one
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        raise ConfigError(f"{path}: {line}is not YAML") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: is no mapping of as_of, {', '.join(_LISTS)} and remove")
    return raw


def _list(raw: Mapping[str, Any], name: str, path: Path, problems: list[str]) -> list[Any]:
    rows = raw.get(name) or []
    if isinstance(rows, list):
        return rows
    problems.append(f"{path}: {name}: is no list")
    return []


class _Row:
    """A mapping of a file, whose values are taken by their types; what is left over is a mistake.

    Raises: _Wrong.
    """

    def __init__(self, raw: Any) -> None:
        if not isinstance(raw, dict):
            raise _Wrong("is no mapping")
        self._raw = dict(raw)

    def text(self, name: str) -> str:
        value = self._take(name)
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT:
            raise _Wrong(f"{name} is no text of 1 to {LONGEST_TEXT} characters")
        return value

    def number(self, name: str, default: int | None = None) -> int:
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise _Wrong(f"{name} is no whole number from 0")
        return value

    def optional_number(self, name: str) -> int | None:
        return self.number(name) if name in self._raw else None

    def flag(self, name: str) -> bool:
        value = self._take(name, default=False)
        if not isinstance(value, bool):
            raise _Wrong(f"{name} is neither true nor false")
        return value

    def day(self, name: str) -> date:
        value = self._take(name)
        if type(value) is not date:
            raise _Wrong(f"{name} is no date such as 2026-11-30")
        return value

    def word(self, name: str, *allowed: str) -> Any:
        value = self._take(name)
        if value not in allowed:
            raise _Wrong(f"{name} is none of {', '.join(allowed)}")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._take(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise _Wrong(f"{name} is no list of texts")
        return tuple(value)

    def rows(self, name: str) -> Iterator[_Row]:
        value = self._take(name)
        if not isinstance(value, list) or not value:
            raise _Wrong(f"{name} is no list of mappings")
        yield from map(_Row, value)

    def end(self) -> None:
        """Refuse what nobody asked for."""
        if self._raw:
            raise _Wrong(f"{', '.join(map(str, self._raw))}: is no field")

    def _take(self, name: str, default: Any = None) -> Any:
        if name not in self._raw and default is None:
            raise _Wrong(f"{name} is missing")
        return self._raw.pop(name, default)


def _update(row: _Row) -> Update:
    kind: UpdateKind = row.word("kind", "needed", "bad", "image")
    update = Update(
        id=row.text("id"),
        build=row.number("build"),
        kind=kind,
        first=row.number("from") if kind == "bad" else 0,
        below=row.optional_number("below") if kind == "bad" else row.number("below"),
        networks=row.texts("networks"),
        overlay=row.flag("overlay"),
        date=row.day("date"),
        effect=row.text("effect"),
        source=row.text("source"),
    )
    row.end()
    return update


def _override(row: _Row) -> Override:
    recipes = []
    for recipe in row.rows("recipes"):
        made = Recipe(
            value=recipe.number("value"), by=recipe.text("by"), source=recipe.text("source")
        )
        recipe.end()
        recipes.append(made)
    override = Override(
        id=row.text("id"),
        build=row.number("build"),
        date=row.day("date"),
        effect=row.text("effect"),
        recipes=tuple(recipes),
    )
    row.end()
    return override


def _vulnerability(row: _Row) -> Vulnerability:
    fixed = row.texts("fixed")
    if not fixed or not all(VERSION.fullmatch(text) for text in fixed):
        raise _Wrong("fixed is no list of versions such as 1.28.4")
    found = Vulnerability(
        id=row.text("id"),
        component=row.word("component", "kubelet", "containerd"),
        fixed=fixed,
        severity=row.word("severity", "error", "warning"),
        date=row.day("date"),
        effect=row.text("effect"),
        source=row.text("source"),
    )
    row.end()
    return found


_LISTS: Mapping[str, Callable[[_Row], Any]] = {
    "updates": _update,
    "overrides": _override,
    "vulnerabilities": _vulnerability,
}
