"""What is known of the ids in a report: of checks, and of errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from wincnode import checks
from wincnode.cluster.trial_table import TRIALS
from wincnode.error_ids import load_error_ids
from wincnode.hcs.rungs import RUNGS


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One id: what it is about, why it matters, what to do, and who says so."""

    id: str
    title: str
    meaning: str
    remedy: str
    source: str
    severity: str
    page: str

    @property
    def anchor(self) -> str:
        """Give where the documentation speaks of it."""
        return f"{self.page}#{slug(self.id)}"


def slug(heading: str) -> str:
    """Give the anchor that GitHub and GitLab make of a heading that is an id."""
    return re.sub(r"[^a-z0-9_-]", "", heading.lower())


@cache
def catalogue() -> Mapping[str, Entry]:
    """Give what is known, by id; the rows of data that it is made of do not change."""
    found = {
        row.id: Entry(
            id=row.id,
            title=row.title,
            meaning=row.meaning,
            remedy=row.remedy,
            source=row.source,
            severity="error",
            page="docs/errors.md",
        )
        for row in load_error_ids().values()
    }
    for check in checks.all_checks():
        found[check.id] = Entry(
            id=check.id,
            title=check.title,
            meaning=check.proves,
            remedy=check.remedy,
            source=check.source,
            severity=check.severity.value,
            page="docs/checks.md",
        )
    for rung in RUNGS:
        found[f"smoke.{rung.id}"] = Entry(
            id=f"smoke.{rung.id}",
            title=rung.title,
            meaning=rung.proves,
            remedy=rung.remedy,
            source=rung.source,
            severity="error",
            page="docs/hcs.md",
        )
    for trial in TRIALS:
        found[trial.id] = Entry(
            id=trial.id,
            title=trial.title,
            meaning=trial.proves,
            remedy=trial.remedy,
            source=trial.source,
            severity="error",
            page="docs/connectivity.md",
        )
    return MappingProxyType(found)
