"""How locked files get to a node: which way it takes, and what its steps are told of each file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from wincnode.artifacts import lock as locks
from wincnode.artifacts.catalogue import Artifact, Wanted, file_of
from wincnode.artifacts.fetch import path_in
from wincnode.artifacts.lock import Entry
from wincnode.artifacts.push import Parcel
from wincnode.errors import ConfigError
from wincnode.events import StepFinished
from wincnode.node.kinds import Value
from wincnode.plan import Plan, Step

# `origin`: the node downloads from where the file was locked, a mirror too. `serve`: from this
# host. `push`: it is sent over WinRM. `auto`: these three in turn, until one works.
Way = Literal["origin", "serve", "push", "auto"]
# How the step ends that no source gave its file in time: node/kinds/download.ps1, node/steps.ps1.
NOT_HAD = (" cannot be had: ", "The step took longer than ")
# Where archives lie on a node.
ARCHIVES = r"C:\Program Files\wincnode\archives"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """The way that a node takes; the first of several.

    Args: served: where this host serves each artifact, for `serve`.
    """

    way: Way = "origin"
    served: Mapping[str, str] | None = None

    def sources(self, entry: Entry) -> list[str]:
        """Give the addresses that a node tries for a file, in this order; none where it is pushed.

        Raises: ConfigError: it is to be served and is not.
        """
        if self.way == "push":
            return []
        if self.way in {"origin", "auto"}:
            return [entry.url]
        url = (self.served or {}).get(entry.component)
        if url is None:
            raise ConfigError(f"{entry.component} is not served by this host")
        return [url]


def locked(path: Path, wanted: Iterable[Wanted]) -> tuple[Entry, ...]:
    """Read the lock file of what an inventory wants.

    Raises: ConfigError: it is missing, invalid, or not of this inventory as it is.
    """
    if not path.exists():
        text = f"{path}: missing; it pins the files that nodes install"
        raise ConfigError(text, remedy="Write it with `wincnode lock`.", id="config.lock")
    entries = locks.load(path)
    locks.refuse_stale(path, entries, wanted)
    return entries


def variable(
    entries: Iterable[Entry], catalogue: Iterable[Artifact], delivery: Delivery
) -> list[dict[str, Any]]:
    """Give what playbooks know as `artifacts`: a row for each file, in the lock file's order.

    `path` is where the file goes; of an archive, its `files` go to `folder`.
    """
    rows = {row.name: row for row in catalogue}
    return [
        {
            "component": entry.component,
            "version": entry.version,
            "file": file_of(entry.url),
            "url": entry.url,
            "sources": delivery.sources(entry),
            "sha256": entry.sha256,
            "size": entry.size,
            "path": path_on_node(entry, rows[entry.component]),
            "archive": rows[entry.component].archive,
            "folder": _folder(rows[entry.component]),
            "files": list(rows[entry.component].files),
        }
        for entry in entries
    ]


def parcels(
    entries: Sequence[Entry], catalogue: Iterable[Artifact], cache: Path
) -> tuple[Parcel, ...]:
    """Give what is pushed to a node: the locked files of the cache, where `fetch` put them."""
    rows = {row.name: row for row in catalogue}
    return tuple(
        Parcel(
            component=entry.component,
            source=path_in(cache, entry),
            target=path_on_node(entry, rows[entry.component]),
            sha256=entry.sha256,
            size=entry.size,
        )
        for entry in entries
    )


def not_had(plan: Plan, steps: Iterable[StepFinished]) -> str:
    """Say which file no source gave and why; nothing where a run failed by something else."""
    paths = {step.id: step.key["path"] for step in plan.steps if step.kind == "download"}
    for row in steps:
        if (
            row.step in paths
            and row.outcome == "failed"
            and any(text in row.error for text in NOT_HAD)
        ):
            return row.error if NOT_HAD[0] in row.error else f"{paths[row.step]}: {row.error}"
    return ""


def rerouted(plan: Plan, entries: Iterable[Entry], delivery: Delivery) -> Plan:
    """Give the plan with other sources for the locked files."""
    sources: dict[str, list[Value]] = {row.sha256: [*delivery.sources(row)] for row in entries}

    def turned(step: Step) -> Step:
        found = sources.get(str(step.want.get("sha256"))) if step.kind == "download" else None
        return step if found is None else replace(step, want={**step.want, "sources": found})

    return replace(plan, steps=tuple(turned(step) for step in plan.steps))


def path_on_node(entry: Entry, row: Artifact) -> str:
    """Give where a file goes on a node; an archive waits there to be unpacked."""
    return row.place if row.archive == "none" else f"{ARCHIVES}\\{file_of(entry.url)}"


def _folder(row: Artifact) -> str:
    return row.place.rpartition("\\")[0] if row.archive == "none" else row.place
