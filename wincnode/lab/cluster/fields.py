"""Which fields an object has, and who owns them: sets of paths as managedFields keeps them.

A path is a tuple of steps: `f:NAME` into a map, `k:{...}` to a list's item by its keys, `.` for
the item itself. Source: kubernetes-sigs/structured-merge-diff:fieldpath/serialize-pe.go;
which lists are maps of which keys: `+listMapKey` in kubernetes/api:core/v1/types.go
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from wincnode.lab.cluster.status import Json

Path: TypeAlias = tuple[str, ...]
Paths: TypeAlias = frozenset[Path]

# The last two names of a list's path, or its name alone, and its keys.
LIST_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "imagePullSecrets": ("name",),
    "conditions": ("type",),
    "ownerReferences": ("uid",),
    "containers.ports": ("containerPort", "protocol"),
    "initContainers.ports": ("containerPort", "protocol"),
    "spec.ports": ("port", "protocol"),
    "addresses": ("type",),
}
DEFAULTS = {"protocol": "TCP"}
# Server-side apply neither merges nor owns these.
STRIPPED = frozenset(
    {"name", "namespace", "uid", "resourceVersion", "creationTimestamp", "generation"}
    | {"managedFields", "deletionTimestamp", "selfLink", "generateName"}
)


def list_keys(path: Path) -> tuple[str, ...]:
    """Give the keys of the list at a path; nothing for a list that is one value."""
    names = [step[2:] for step in path if step.startswith("f:")]
    pair = ".".join(names[-2:])
    return LIST_KEYS.get(pair) or LIST_KEYS.get(names[-1] if names else "", ())


def item_step(item: Json, keys: tuple[str, ...]) -> str:
    """Give the step to a list's item."""
    named = {key: item.get(key, DEFAULTS.get(key, "")) for key in keys}
    return "k:" + json.dumps(named, separators=(",", ":"), sort_keys=True)


def owned(object: Json, *, known: bool) -> Paths:
    """Give the paths of an object's own fields.

    Args: known: whether the kind's lists have keys here; else each list is one value.
    """
    body = {name: value for name, value in object.items() if name not in {"apiVersion", "kind"}}
    meta = {name: value for name, value in body.pop("metadata", {}).items() if name not in STRIPPED}
    if meta:
        body["metadata"] = meta
    return frozenset(path for path, _ in leaves(body, known=known))


def leaves(value: Any, path: Path = (), *, known: bool) -> Iterator[tuple[Path, Any]]:
    """Walk a value's leaves; a map or list with nothing in it is one."""
    if isinstance(value, dict) and (value or not path):
        for name, row in value.items():
            yield from leaves(row, (*path, f"f:{name}"), known=known)
        return
    keys = list_keys(path) if known else ()
    if isinstance(value, list) and value and keys and all(isinstance(row, dict) for row in value):
        for row in value:
            below = (*path, item_step(row, keys))
            yield (*below, "."), None
            yield from leaves(row, below, known=known)
        return
    yield path, value


def value_at(object: Any, path: Path, default: Any = None) -> Any:
    """Give what stands at a path; `default` where nothing does."""
    for step in path:
        if step == ".":
            return None if object is not None else default
        if step.startswith("f:"):
            if not isinstance(object, dict) or step[2:] not in object:
                return default
            object = object[step[2:]]
        else:
            item = find_item(object, step)
            if item is None:
                return default
            object = item
    return object


def find_item(rows: Any, step: str) -> Json | None:
    """Find a list's item by its step."""
    keys = json.loads(step[2:])
    for row in rows if isinstance(rows, list) else ():
        if item_step(row, tuple(keys)) == item_step(keys, tuple(keys)):
            found: Json = row
            return found
    return None


def nested(paths: Iterable[Path]) -> Json:
    """Write a set as FieldsV1."""
    root: Json = {}
    for path in sorted(paths):
        at = root
        for step in path:
            at = at.setdefault(step, {})
    return root


def flat(fields: Mapping[str, Any], path: Path = ()) -> Paths:
    """Read FieldsV1 as a set; what has nothing below it is a leaf."""
    found: set[Path] = set()
    for step, below in fields.items():
        found |= flat(below, (*path, step)) if below else {(*path, step)}
    return frozenset(found)


def dotted(path: Path) -> str:
    """Tell a path to people: `.spec.template.spec.containers[name="x"].image`."""
    text = ""
    for step in path:
        if step.startswith("f:"):
            text += f".{step[2:]}"
        elif step.startswith("k:"):
            keys = json.loads(step[2:])
            text += "[" + ",".join(f"{k}={json.dumps(v)}" for k, v in keys.items()) + "]"
    return text
