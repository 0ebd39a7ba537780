"""The objects of a cluster: each change has a version, and whoever watches sees them in order."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

from wincnode.lab.cluster.status import Json

T = TypeVar("T")
# resource as `daemonsets.apps`, namespace ("" where it has none), name
Key: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One object that was added, modified or deleted; `before` is None for an added one."""

    version: int
    type: str
    key: Key
    object: Json
    before: Json | None


class TooOld(Exception):
    """The changes since that version are no longer known."""


class Store:
    """Keeps objects; what it gives are copies, what it is given it copies.

    Args: now: what new objects take their time from.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.now = now
        self.changed = threading.Condition(threading.RLock())
        self._objects: dict[Key, Json] = {}
        self._changes: list[Change] = []
        self._version = 1
        self._oldest = 1

    @property
    def version(self) -> int:
        """The version of the last change."""
        return self._version

    def get(self, resource: str, name: str, namespace: str = "") -> Json | None:
        """Give an object, or nothing."""
        with self.changed:
            return _copied(self._objects.get((resource, namespace, name)))

    def rows(self, resource: str, namespace: str = "") -> list[Json]:
        """Give the objects of a resource, of all namespaces where none is given."""
        with self.changed:
            return [
                _copied(row)
                for key, row in sorted(self._objects.items())
                if key[0] == resource and namespace in {"", key[1]}
            ]

    def put(self, resource: str, object: Json) -> Json:
        """Add an object, or replace the one of its name; its metadata is completed.

        An object that would not change keeps its version, and nobody hears of it.
        """
        with self.changed:
            new = self.completed(resource, object)
            meta = new["metadata"]
            key = (resource, meta.get("namespace", ""), meta["name"])
            before = self._objects.get(key)
            if new == before:
                return _copied(new)
            self._note("MODIFIED" if before else "ADDED", key, new, before)
            self._objects[key] = new
            return _copied(new)

    def completed(self, resource: str, object: Json) -> Json:
        """Give an object with the metadata that it would be kept with, save for its version."""
        new = _copied(object)
        meta = new.setdefault("metadata", {})
        before = self.get(resource, meta["name"], meta.get("namespace", "")) or {"metadata": {}}
        for name, value in (
            ("uid", str(uuid.uuid4())),
            ("creationTimestamp", self.now().strftime("%Y-%m-%dT%H:%M:%SZ")),
        ):
            meta[name] = before["metadata"].get(name, value)
        meta.pop("resourceVersion", None)
        if before["metadata"]:
            meta["resourceVersion"] = before["metadata"]["resourceVersion"]
        return new

    def delete(self, resource: str, name: str, namespace: str = "") -> Json | None:
        """Take an object away; gives what it was, or nothing."""
        with self.changed:
            key = (resource, namespace, name)
            gone = self._objects.pop(key, None)
            if gone is None:
                return None
            last = _copied(gone)
            self._note("DELETED", key, last, gone)
            return _copied(last)

    def changes(self, since: int) -> list[Change]:
        """Give the changes after a version.

        Raises: TooOld.
        """
        with self.changed:
            if since < self._oldest:
                raise TooOld
            # Versions grow by one with each change, so that the position follows from them.
            return self._changes[since - self._oldest :]

    def forget(self) -> None:
        """Forget old changes, as etcd does when it is compacted."""
        with self.changed:
            self._changes.clear()
            self._oldest = self._version

    def wait(self, since: int, timeout_s: float) -> None:
        """Return when there is a change after a version, at the latest after timeout_s."""
        with self.changed:
            self.changed.wait_for(lambda: self._version > since, timeout_s)

    def wake(self) -> None:
        """Let everyone who waits look around."""
        with self.changed:
            self.changed.notify_all()

    def _note(self, type: str, key: Key, object: Json, before: Json | None) -> None:
        self._version += 1
        object["metadata"]["resourceVersion"] = str(self._version)
        seen = _copied(object)
        self._changes.append(
            Change(version=self._version, type=type, key=key, object=seen, before=before)
        )
        self.changed.notify_all()


def _copied(value: T) -> T:
    """Give a copy of JSON; copy.deepcopy takes five times as long, and the lab copies a lot."""
    found: Any = value
    if isinstance(value, dict):
        found = {name: _copied(row) for name, row in value.items()}
    elif isinstance(value, list | tuple):
        found = [_copied(row) for row in value]
    same: T = found
    return same


def of(changes: list[Change], resource: str, namespace: str) -> Iterator[Change]:
    """Pick the changes of a resource, of all namespaces where none is given."""
    for change in changes:
        if change.key[0] == resource and namespace in {"", change.key[1]}:
            yield change
