"""Patches of objects: JSON merge patch, and strategic merge patch in its usual forms.

Source: RFC 7386; kubernetes/community:contributors/devel/sig-api-machinery/strategic-merge-patch.md
"""

from __future__ import annotations

import copy
from typing import Any

from wincnode.lab.cluster.fields import Path, list_keys
from wincnode.lab.cluster.status import Json, bad_request

SETS = frozenset({"finalizers"})


def merged(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def strategic(target: Any, patch: Any, path: Path = ()) -> Any:
    """Apply a strategic merge patch.

    Raises: ApiError: a directive that no client of ours sends.
    """
    if isinstance(patch, list):
        return _listed(target, patch, path)
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    if patch.get("$patch") == "replace":
        return {name: value for name, value in patch.items() if name != "$patch"}
    result = dict(target) if isinstance(target, dict) else {}
    retained = patch.get("$retainKeys")
    if retained is not None:
        result = {name: value for name, value in result.items() if name in retained}
    for name, value in patch.items():
        if name.startswith("$"):
            _directive(result, name, value)
        elif value is None:
            result.pop(name, None)
        else:
            result[name] = strategic(result.get(name), value, (*path, f"f:{name}"))
    return result


def _directive(result: Json, name: str, value: Any) -> None:
    word, _, field = name.partition("/")
    if word == "$deleteFromPrimitiveList":
        result[field] = [row for row in result.get(field, ()) if row not in value]
    elif word not in {"$setElementOrder", "$retainKeys"}:
        raise bad_request(f"the lab does not know the directive {name}")


def _listed(target: Any, patch: list[Any], path: Path) -> list[Any]:
    have = list(target) if isinstance(target, list) else []
    if path and path[-1][2:] in SETS:
        return have + [row for row in patch if row not in have]
    keys = list_keys(path)[:1]
    if not keys:
        return [copy.deepcopy(row) for row in patch]
    (key,) = keys
    if any(row.get("$patch") == "replace" for row in patch):
        return [row for row in patch if "$patch" not in row]
    for row in patch:
        at = next((n for n, old in enumerate(have) if old.get(key) == row.get(key)), None)
        if row.get("$patch") == "delete":
            have = [old for old in have if old.get(key) != row.get(key)]
        elif at is None:
            have.append(strategic({}, row, (*path, "k:{}")))
        else:
            have[at] = strategic(have[at], row, (*path, "k:{}"))
    return have
