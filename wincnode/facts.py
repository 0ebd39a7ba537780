"""What a node says of itself, by section; a section that could not be read keeps the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

SECTIONS: tuple[str, ...] = (
    "os",
    "hardware",
    "features",
    "services",
    "network",
    "disks",
    "time",
    "policy",
)
# Read where a machine is to be a worker; a playbook of one's own has no use for them.
FURTHER: tuple[str, ...] = (
    *("leftovers", "updates", "settings", "platform", "protection"),
    *("links", "hns", "ports", "firewall", "names", "runtime", "proxy", "startup"),
)
# Read where a verb asks for one by name; a preflight has no use for them.
ON_DEMAND = frozenset({"connectivity", "diagnosis", "ownership"})


class FactMissing(Exception):
    """A fact is not there, or has another type than the node's script gives it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unknown:
    """A section that could not be read."""

    section: str
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """The data of one section; each reader names its type and raises FactMissing otherwise."""

    name: str
    data: Mapping[str, Any]

    def value(self, key: str) -> Any:
        """Give the value as it came; None is a value (nothing is set there)."""
        if key not in self.data:
            raise FactMissing(f"{self.name}.{key} is missing")
        return self.data[key]

    def text(self, key: str) -> str:
        """Give a text."""
        value = self.value(key)
        if not isinstance(value, str):
            raise self._other_type(key, "a text")
        return value

    def number(self, key: str) -> int:
        """Give a whole number."""
        value = self.value(key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._other_type(key, "a whole number")
        return value

    def setting(self, key: str) -> int | None:
        """Give a whole number, or None where the registry has no such value."""
        return None if self.value(key) is None else self.number(key)

    def flag(self, key: str) -> bool:
        """Give true or false."""
        value = self.value(key)
        if not isinstance(value, bool):
            raise self._other_type(key, "true or false")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Give a list of texts; null is an empty list."""
        value = self.value(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._other_type(key, "a list of texts")
        return tuple(value)

    def section(self, key: str) -> Section:
        """Give an object inside this one."""
        value = self.value(key)
        if not isinstance(value, Mapping):
            raise self._other_type(key, "an object")
        return Section(name=f"{self.name}.{key}", data=value)

    def rows(self, key: str) -> tuple[Section, ...]:
        """Give a list of objects; null is an empty list."""
        value = self.value(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            raise self._other_type(key, "a list of objects")
        return tuple(
            Section(name=f"{self.name}.{key}[{place}]", data=item)
            for place, item in enumerate(value)
        )

    def _other_type(self, key: str, wanted: str) -> FactMissing:
        return FactMissing(f"{self.name}.{key} is not {wanted}")


class SectionRead(Protocol):
    """One section as the reader of events gives it."""

    @property
    def section(self) -> str: ...
    @property
    def data(self) -> Mapping[str, Any] | None: ...
    @property
    def error(self) -> str: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """All that was read from one node."""

    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    def section(self, name: str) -> Section | Unknown:
        """Give a section, or why it is unknown."""
        data = self.sections.get(name)
        if data is not None:
            return Section(name=name, data=data)
        return Unknown(section=name, error=self.errors.get(name, "the node did not report it"))

    def known(self, name: str) -> Section:
        """Give a section.

        Raises: FactMissing: it is unknown.
        """
        match self.section(name):
            case Section() as section:
                return section
            case Unknown(error=error):
                raise FactMissing(f"{name} is unknown: {error}")


def from_reads(reads: Iterable[SectionRead]) -> Facts:
    """Fold sections as they were read; of a section that came twice the last one counts."""
    sections: dict[str, Mapping[str, Any]] = {}
    errors: dict[str, str] = {}
    for read in reads:
        sections.pop(read.section, None)
        errors.pop(read.section, None)
        if read.data is not None:
            sections[read.section] = read.data
        else:
            errors[read.section] = read.error or "no data"
    return Facts(sections=sections, errors=errors)


def from_events(rows: Iterable[Mapping[str, Any]]) -> Facts:
    """Fold decoded events; what is no `facts` event or names no section is passed over."""
    sections: dict[str, Mapping[str, Any]] = {}
    errors: dict[str, str] = {}
    for row in rows:
        name = row.get("section")
        if row.get("type") != "facts" or not isinstance(name, str) or not name:
            continue
        sections.pop(name, None)
        errors.pop(name, None)
        data, error = row.get("data"), row.get("error")
        if row.get("status") == "ok" and isinstance(data, Mapping):
            sections[name] = data
        else:
            errors[name] = error if isinstance(error, str) and error else "no data"
    return Facts(sections=sections, errors=errors)
