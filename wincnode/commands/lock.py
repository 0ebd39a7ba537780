"""Pin what nodes will install: the inventory's versions to URLs, SHA-256 and sizes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from wincnode import support
from wincnode.artifacts import lock as locks
from wincnode.artifacts.catalogue import Wanted, load_catalogue, wanted
from wincnode.artifacts.fetch import Moved, fetch, path_in
from wincnode.artifacts.lock import UNVERIFIED, Entry
from wincnode.artifacts.resolve import refuse_changed, resolve
from wincnode.artifacts.web import Pace
from wincnode.errors import ConfigError
from wincnode.inventory.model import Inventory
from wincnode.report import PENDING_EXIT_CODE
from wincnode.support import Problem, Wish

SCHEMA = "wincnode/lock-report/v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What to do beside the pinning.

    Args:
        check: write nothing. download: fill the cache too. allow_unverified: take files that
            nothing vouches for. mirrors: base URL by artifact, `""` for all; over the inventory's.
    """

    today: date
    cache: Path
    check: bool = False
    download: bool = False
    allow_unverified: bool = False
    mirrors: Mapping[str, str] = field(default_factory=dict)
    pace: Pace = Pace()  # noqa: RUF009 - frozen


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What was pinned, what differs from the file that was there, and what speaks against it."""

    path: Path
    check: bool
    entries: tuple[Entry, ...]
    changes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """Give 3 where a check found that the file would change."""
        return PENDING_EXIT_CODE if self.check and self.changes else 0


Told = Callable[[str, "Moved | str"], None]


def run(inventory: Inventory, job: Job, watch: Told) -> Outcome:
    """Resolve the inventory's versions and write its lock file.

    Args: watch: is told the artifact, and what is done with it or how far its download is.
    Raises: ConfigError: before any network is touched. ArtifactError.
    """
    rows, warnings = plan(inventory, today=job.today, mirrors=job.mirrors)
    path = locks.path_for(inventory.path)
    old = locks.load(path) if path.exists() else ()
    entries = []
    for row in rows:
        watch(row.name, f"{row.version}: {row.checksum_url}")
        entry = resolve(row, allow_unverified=job.allow_unverified, pace=job.pace)
        refuse_changed(entry, old)
        entries.append(entry)
    changes = _changes(old, entries, rows)
    if changes and not job.check:
        _write(path, locks.render(entries))
    if job.download:
        for entry in entries:
            _download(entry, job, watch)
    return Outcome(
        path=path,
        check=job.check,
        entries=tuple(entries),
        changes=changes,
        warnings=(*warnings, *_unverified(entries)),
    )


def plan(
    inventory: Inventory, *, today: date, mirrors: Mapping[str, str]
) -> tuple[tuple[Wanted, ...], tuple[str, ...]]:
    """Give the files that the inventory wants, and the warnings; no network is touched.

    Raises: ConfigError: versions are missing, or cannot work together.
    """
    kubernetes, containerd = _versions(inventory)
    wish = Wish(kubernetes=kubernetes, containerd=containerd)
    found = support.problems(support.load_support(), wish, today=today)
    if errors := [row for row in found if row.severity == "error"]:
        raise ConfigError("\n".join(f"{inventory.path}: {_said(row)}" for row in errors))
    mirror = {"": inventory.artifacts.mirror} if inventory.artifacts.mirror else {}
    rows = wanted(
        load_catalogue(),
        kubernetes=kubernetes,
        containerd=containerd,
        also=inventory.artifacts.also,
        mirrors={**mirror, **mirrors},
    )
    return rows, tuple(map(_said, found))


def to_data(outcome: Outcome) -> dict[str, Any]:
    """Give the outcome as JSON-able data of the versioned schema."""
    fields = locks.FIELDS
    return {
        "schema": SCHEMA,
        "command": "lock",
        "exit_code": outcome.exit_code,
        "path": str(outcome.path),
        "changes": list(outcome.changes),
        "warnings": list(outcome.warnings),
        "artifacts": [{name: getattr(row, name) for name in fields} for row in outcome.entries],
    }


def _versions(inventory: Inventory) -> tuple[str, str]:
    given = {
        "cluster.kubernetes": inventory.cluster.kubernetes or "",
        "runtime.containerd": inventory.runtime.containerd or "",
    }
    problems = [
        f"{inventory.path}: {name}: {'missing' if not text else f'{text} is no released version'}"
        for name, text in given.items()
        if len(support.numbers(text)) != 3 or "+" in text
    ]
    if problems:
        raise ConfigError("\n".join(problems), remedy="Give whole versions, such as 1.36.4.")
    kubernetes, containerd = (text.removeprefix("v") for text in given.values())
    return kubernetes, containerd


def _changes(
    old: tuple[Entry, ...], entries: list[Entry], rows: tuple[Wanted, ...]
) -> tuple[str, ...]:
    """Say what differs from the file that was there."""
    texts = locks.differences(old, rows)
    if texts:
        return texts
    # Versions and addresses are the same, so that only the way of checking can differ.
    return tuple(
        f"{entry.component} {entry.version} is verified in another way"
        for entry in entries
        if entry not in old
    )


def _download(entry: Entry, job: Job, watch: Told) -> None:
    def moved(step: Moved) -> None:
        watch(entry.component, step)

    fetched = fetch(entry, path_in(job.cache, entry), watch=moved, pace=job.pace)
    watch(entry.component, "downloaded and verified" if fetched else "is in the cache, verified")


def _write(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error


def _said(problem: Problem) -> str:
    return f"{problem.text} (source: {problem.source})" if problem.source else problem.text


def _unverified(entries: list[Entry]) -> list[str]:
    return [
        f"{entry.component} {entry.version} is locked as it is; nothing vouches for it"
        for entry in entries
        if entry.verified == UNVERIFIED
    ]
