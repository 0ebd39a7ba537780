"""Updates of Windows, overrides of its features, and holes, as rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

UpdateKind = Literal["needed", "bad", "image"]
Component = Literal["kubelet", "containerd"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """Revisions of a build that lack something, or on which something is broken.

    Args:
        kind: `needed` and `image` concern revisions below `below`; `bad` those from `first` on.
        networks: the cluster networks that it matters with; empty: all.
        overlay: it matters only where packets travel in VXLAN.
    """

    id: str
    build: int
    kind: UpdateKind
    first: int
    below: int | None
    networks: tuple[str, ...]
    overlay: bool
    date: date
    effect: str
    source: str

    def concerns(self, revision: int) -> bool:
        """Tell whether a revision of the build is one of these."""
        return self.first <= revision and (self.below is None or revision < self.below)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """Who sets an override to which value."""

    value: int
    by: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Override:
    """A value of FeatureManagement's Overrides that recipes for nodes of a build set."""

    id: str
    build: int
    date: date
    effect: str
    recipes: tuple[Recipe, ...]

    @property
    def disputed(self) -> bool:
        """Tell whether the recipes differ."""
        return len({recipe.value for recipe in self.recipes}) > 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Vulnerability:
    """A hole; `fixed` gives the first version without it of each minor that got a fix."""

    id: str
    component: Component
    fixed: tuple[str, ...]
    severity: Literal["error", "warning"]
    date: date
    effect: str
    source: str

    def concerns(self, version: str) -> bool:
        """Tell whether a version has the hole: later minors do not, older ones do."""
        wanted = _numbers(version)
        fixes = {_numbers(text)[:2]: _numbers(text) for text in self.fixed}
        fix = fixes.get(wanted[:2])
        return wanted < fix if fix else wanted[:2] < max(fixes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Updates:
    """All rows, and the day to which they are known."""

    as_of: date
    updates: tuple[Update, ...]
    overrides: tuple[Override, ...]
    vulnerabilities: tuple[Vulnerability, ...]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version.lstrip("v"))[:3]))
