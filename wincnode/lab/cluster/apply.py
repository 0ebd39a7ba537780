"""Server-side apply: who owns which field, and who would take one from another.

Source: kubernetes.io/docs/reference/using-api/server-side-apply; the texts:
kubernetes/apimachinery:pkg/util/managedfields/internal/conflict.go
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

from wincnode.lab.cluster.fields import (
    Path,
    Paths,
    dotted,
    find_item,
    flat,
    item_step,
    list_keys,
    nested,
    owned,
    value_at,
)
from wincnode.lab.cluster.status import ApiError, Json

_ABSENT = object()


@dataclass(frozen=True, kw_only=True, slots=True)
class Manager:
    """Who changes an object, and how."""

    name: str
    operation: str
    api_version: str
    subresource: str
    time: str
    paths: Paths = frozenset()

    @property
    def id(self) -> tuple[str, str, str]:
        """What tells a manager from others."""
        return self.name, self.operation, self.subresource


def applied(live: Json | None, wanted: Json, who: Manager, *, force: bool, known: bool) -> Json:
    """Give the object after an apply.

    Raises: ApiError: another manager owns a field that would change.
    """
    before = live or {name: wanted[name] for name in ("apiVersion", "kind")}
    rows = _managers(before)
    mine = next((row.paths for row in rows if row.id == who.id), frozenset())
    others = [row for row in rows if row.id != who.id]
    paths = owned(wanted, known=known)
    taken = {
        (row, path)
        for row in others
        for path in paths & row.paths
        if value_at(before, path, _ABSENT) != value_at(wanted, path)
    }
    if taken and not force:
        raise _conflict(taken)
    lost = frozenset(path for _, path in taken)
    others = [replace(row, paths=row.paths - lost) for row in others]
    kept = frozenset().union(*(row.paths for row in others))
    result = copy.deepcopy(before)
    for path in sorted(mine - paths - kept, key=len, reverse=True):
        _remove(result, path)
    result = dict(_laid(result, wanted, (), known=known))
    same = paths == mine and _bare(result) == _bare(before)
    if not same:
        _write(result, [*others, replace(who, paths=paths)])
    return result


def tracked(before: Json | None, after: Json, who: Manager, *, known: bool) -> Json:
    """Give an object that was created or updated, with its managers brought up to date."""
    old = before or {}
    there = owned(after, known=known)
    changed = frozenset(
        path for path in there if value_at(old, path, _ABSENT) != value_at(after, path)
    )
    result = copy.deepcopy(after)
    rows = _managers(old)
    mine = next((row.paths for row in rows if row.id == who.id), frozenset())
    others = [replace(row, paths=(row.paths & there) - changed) for row in rows if row.id != who.id]
    if changed or not (owned(old, known=known) <= there):
        _write(result, [*others, replace(who, paths=(mine & there) | changed)])
    elif "managedFields" in old.get("metadata", {}):
        result["metadata"]["managedFields"] = old["metadata"]["managedFields"]
    return result


def _conflict(taken: set[tuple[Manager, Path]]) -> ApiError:
    rows = sorted((_told(row), dotted(path)) for row, path in taken)
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": field}
        for who, field in rows
    ]
    count = f"{len(rows)} conflict{'s' if len(rows) > 1 else ''}"
    if len(rows) == 1:
        text = f"conflict with {rows[0][0]}: {rows[0][1]}"
    else:
        names = sorted({who for who, _ in rows})
        text = "\n".join(
            f"conflicts with {name}:\n"
            + "\n".join(f"- {field}" for who, field in rows if who == name)
            for name in names
        )
    return ApiError(409, "Conflict", f"Apply failed with {count}: {text}", causes=causes)


def _told(row: Manager) -> str:
    below = f" with subresource {row.subresource!r}".replace("'", '"') if row.subresource else ""
    return f'"{row.name}"{below} using {row.api_version}'


def _managers(object: Json) -> list[Manager]:
    return [
        Manager(
            name=row["manager"],
            operation=row["operation"],
            api_version=row["apiVersion"],
            subresource=row.get("subresource", ""),
            time=row["time"],
            paths=flat(row["fieldsV1"]),
        )
        for row in object.get("metadata", {}).get("managedFields", ())
    ]


def _write(object: Json, managers: list[Manager]) -> None:
    object.setdefault("metadata", {})["managedFields"] = [
        {
            "manager": row.name,
            "operation": row.operation,
            "apiVersion": row.api_version,
            "time": row.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": nested(row.paths),
            **({"subresource": row.subresource} if row.subresource else {}),
        }
        for row in managers
        if row.paths
    ]


def _bare(object: Json) -> Json:
    meta = {k: v for k, v in object.get("metadata", {}).items() if k != "managedFields"}
    return {**object, "metadata": meta}


def _remove(object: Any, path: Path) -> None:
    *above, last = path
    if last == ".":
        *above, last = above
    at = value_at(object, tuple(above))
    if isinstance(at, dict):
        at.pop(last[2:], None)
    elif isinstance(at, list) and path[-1] == ".":
        at[:] = [row for row in at if row is not find_item(at, last)]


def _laid(have: Any, want: Any, path: Path, *, known: bool) -> Any:
    """Lay what is wanted over what is there."""
    if isinstance(want, dict):
        result = dict(have) if isinstance(have, dict) else {}
        for name, value in want.items():
            result[name] = _laid(result.get(name), value, (*path, f"f:{name}"), known=known)
        return result
    keys = list_keys(path) if known and isinstance(want, list) else ()
    if not keys or not all(isinstance(row, dict) for row in want):
        return copy.deepcopy(want)
    rows = list(have) if isinstance(have, list) else []
    for row in want:
        step = item_step(row, keys)
        old = find_item(rows, step)
        new = _laid(old, row, (*path, step), known=known)
        if old is None:
            rows.append(new)
        else:
            rows[next(n for n, there in enumerate(rows) if there is old)] = new
    return rows
