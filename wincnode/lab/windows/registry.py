"""The registry of a simulated machine, in the file in which the PowerShell engine keeps it."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

if sys.platform != "win32":
    import fcntl

Data: TypeAlias = str | int | list[str] | list[int]
Kind = Literal["String", "ExpandString", "DWord", "QWord", "MultiString", "Binary"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """A value of a key; DWord and QWord are signed numbers, Binary a list of bytes."""

    kind: Kind
    data: Data


class Registry:
    r"""Keys and values; paths such as `HKLM\SOFTWARE\x`, names without regard to case.

    The file is `{key: {"values": {name: {"kind", "data"}}}}`. Whoever changes it holds an
    exclusive lock on FILE.lock and puts the whole file in place, as the PowerShell engine does.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._mutex = threading.Lock()
        self._seen = _Seen(stamp=(), keys={}, names={})

    def has(self, key: str) -> bool:
        """Say whether a key exists."""
        return key.lower() in self._now().names

    def subkeys(self, key: str) -> list[str]:
        """Give the names of the keys right below a key, in the order of Windows."""
        above = key.lower() + "\\"
        names = self._now().names.items()
        rows = [have[len(above) :] for low, have in names if low.startswith(above)]
        return sorted((row for row in rows if "\\" not in row), key=str.lower)

    def values(self, key: str) -> dict[str, Value]:
        """Give the values of a key by name; nothing where it does not exist."""
        now = self._now()
        found = now.names.get(key.lower())
        rows = now.keys[found]["values"] if found else {}
        return {name: Value(kind=row["kind"], data=row["data"]) for name, row in rows.items()}

    def get(self, key: str, name: str) -> Value | None:
        """Give a value, or nothing."""
        return next((row for have, row in self.values(key).items() if _same(have, name)), None)

    def data(self, key: str, name: str, default: Any = None) -> Any:
        """Give a value's data, or the default."""
        value = self.get(key, name)
        return default if value is None else value.data

    def set(self, key: str, name: str, value: Value) -> None:
        """Write a value; its key is made where it is missing."""
        self.write({key: {name: value}})

    def write(self, rows: Mapping[str, Mapping[str, Value]]) -> None:
        """Write many values at once."""
        with self._changing() as keys:
            for key, values in rows.items():
                have = keys[self._make(keys, key)]["values"]
                for name, value in values.items():
                    old = next((n for n in have if _same(n, name)), name)
                    have[old] = {"kind": value.kind, "data": value.data}

    def delete_value(self, key: str, name: str) -> None:
        """Remove a value; harmless when there is none."""
        with self._changing() as keys:
            found = self._find(keys, key)
            have = keys[found]["values"] if found else {}
            for old in [n for n in have if _same(n, name)]:
                del have[old]

    def delete_key(self, key: str) -> None:
        """Remove a key with all that is below it; harmless when there is none."""
        with self._changing() as keys:
            low = key.lower()
            gone = [k for k in keys if k.lower() == low or k.lower().startswith(low + "\\")]
            for row in gone:
                del keys[row]

    def snapshot(self) -> dict[str, dict[str, Value]]:
        """Give all keys that hold values."""
        return {key: self.values(key) for key, row in self._now().keys.items() if row["values"]}

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        with self._mutex, self._locked():
            keys = self._read()
            yield keys
            new = self._file.with_name(self._file.name + ".new")
            new.write_text(json.dumps(keys), encoding="utf-8")
            new.replace(self._file)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._file.with_name(self._file.name + ".lock").open("ab") as lock:
            if sys.platform != "win32":
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _now(self) -> _Seen:
        """Give what the file holds, read again only where another one was put in its place."""
        try:
            there = self._file.stat()
        except FileNotFoundError:
            return _seen((), self._read())
        stamp = (there.st_ino, there.st_mtime_ns, there.st_size)
        seen = self._seen
        if seen.stamp != stamp:
            # Where it is replaced meanwhile, it is read once more the next time.
            self._seen = seen = _seen(stamp, self._read())
        return seen

    def _read(self) -> dict[str, Any]:
        try:
            keys: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"HKLM": {"values": {}}}
        return keys

    @staticmethod
    def _find(keys: Mapping[str, Any], key: str) -> str | None:
        return next((have for have in keys if _same(have, key)), None)

    @classmethod
    def _make(cls, keys: dict[str, Any], key: str) -> str:
        """Make a key and those above it; gives its spelling."""
        parent, _, name = key.rpartition("\\")
        found = cls._find(keys, key)
        if found:
            return found
        path = f"{cls._make(keys, parent)}\\{name}" if parent else name
        keys[path] = {"values": {}}
        return path


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """What a file held; nobody changes it. `names` gives a key's spelling by its small letters."""

    stamp: tuple[int, ...]
    keys: Mapping[str, Any]
    names: Mapping[str, str]


def _seen(stamp: tuple[int, ...], keys: dict[str, Any]) -> _Seen:
    return _Seen(stamp=stamp, keys=keys, names={key.lower(): key for key in reversed(keys)})


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()
