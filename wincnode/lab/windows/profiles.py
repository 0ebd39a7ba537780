"""Kinds of machines that the lab ships, whole ones and ones with a defect: what their files say."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PROFILES = Path(__file__).parents[1] / "profiles"
DEFECTS = Path(__file__).parents[1] / "defects"
DURATIONS = (
    *("boot", "feature_install", "image_import", "image_pull"),
    *("service_start", "service_stop"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """One kind of Windows machine, as a profile file describes it.

    registry: key -> name -> a text, a number (DWord), a list (MultiString) or {kind, data}.
    cim: class -> instances. services: name -> properties of Win32_Service.
    features: name -> InstallState. network: cmdlet without `Get-` -> rows. files: path -> text.
    ports: `dynamic`: protocol -> [start, count]; `reserved` and `excluded`: protocol -> rows of
    [first, count], of Windows and of administrators. programs: path -> [name, version].
    durations: seconds of the work that DURATIONS names.
    denied: what policy forbids: `tasks`, a task or a cmdlet by its name, or a program to all but
        SYSTEM.
    process: what PowerShell's process is, where it is not as it should be: elevated, language_mode,
        powershell, process_64bit, system_drive. The `powershell` engine follows `elevated` alone.
    unreached: what a try to connect ends with, by the kind of what is tried (`checks.Target`): a
        name of .NET, or the status of an answer (engine `model`).
    attributes: path of a folder -> bits of its attributes, which Linux cannot keep.
    events: entries of the service control manager: {id, values, days_ago}.
    wanted: what a preflight must ask for, so that what is wrong is a defect.
    expects: ids of the checks that do not pass, in the order in which they are told.
    """

    name: str
    build: int
    registry: Mapping[str, Mapping[str, Any]]
    cim: Mapping[str, list[Mapping[str, Any]]]
    services: Mapping[str, Mapping[str, str]]
    features: Mapping[str, str]
    network: Mapping[str, list[Mapping[str, Any]]]
    files: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, Mapping[str, list[Any]]] = field(default_factory=dict)
    programs: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    durations: Mapping[str, float] = field(default_factory=dict)
    denied: tuple[str, ...] = ()
    process: Mapping[str, Any] = field(default_factory=dict)
    unreached: Mapping[str, str | int] = field(default_factory=dict)
    attributes: Mapping[str, int] = field(default_factory=dict)
    events: tuple[Mapping[str, Any], ...] = ()
    wanted: Mapping[str, Any] = field(default_factory=dict)
    expects: tuple[str, ...] = ()


def profile_names() -> tuple[str, ...]:
    """List the profiles that the lab ships."""
    return tuple(sorted(path.stem for path in PROFILES.glob("*.yaml")))


def defect_names() -> tuple[str, ...]:
    """List the defects that the lab ships: profiles that are laid over others, mostly one a check.

    Each is called as the check that it makes fail, and by a word more where there are several.
    """
    return tuple(sorted(_defects()))


def load_profile(name: str) -> Profile:
    """Read a shipped profile or defect by its name."""
    raw = _read(name)
    for key in ("denied", "expects", "events"):
        raw[key] = tuple(raw.get(key, ()))
    return Profile(name=name, **raw)


def _read(name: str) -> dict[str, Any]:
    path = PROFILES / f"{name}.yaml"
    raw = _load(path) if path.is_file() else _defects()[name]
    base = raw.pop("base", None)
    return _merged(_read(base), raw) if base else raw


def _defects() -> dict[str, dict[str, Any]]:
    """Read the defects by name; a file's `base` holds for those that name none."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(DEFECTS.glob("*.yaml")):
        rows = _load(path)
        base = rows.pop("base")
        found |= {name: {"base": base, **(row or {})} for name, row in rows.items()}
    return found


def _load(path: Path) -> dict[str, Any]:
    return deepcopy(_parsed(path))  # whoever gets it may change it


@cache
def _parsed(path: Path) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    raw: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - both loaders are the safe one
    return raw


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Lay changes over a base: mappings are merged, null removes, all else is replaced."""
    merged = dict(base)
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _merged(merged[key], value)
        else:
            merged[key] = value
    return merged
