"""Manifests to the cluster: server-side apply of what differs, and of nothing else.

Source: kubernetes.io/docs/reference/using-api/server-side-apply
"""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

from wincnode.cluster.access import WRITE, Right
from wincnode.cluster.api import FIELD_MANAGER, Api, Object, Resource
from wincnode.cluster.failures import Call
from wincnode.differences import Row
from wincnode.errors import ClusterError
from wincnode.secrets import MASK

Action = Literal["create", "change", "same"]
# What others rest on comes first; the rest stays in the order in which it was rendered.
FIRST = (
    "Namespace",
    "CustomResourceDefinition",
    "ServiceAccount",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
)
# What the server writes by itself with each request.
OF_THE_SERVER = ("resourceVersion", "generation", "creationTimestamp", "uid", "managedFields")


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One wanted object and where it belongs."""

    resource: Resource
    object: Object

    def __str__(self) -> str:
        meta = self.object["metadata"]
        where = f" in {meta['namespace']}" if "namespace" in meta else ""
        return f"{self.object['kind']} {meta['name']}{where}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """What applying an object does: each field with what it is and what it would be."""

    target: Target
    action: Action
    rows: tuple[Row, ...] = ()


def targets(api: Api, objects: Sequence[Object]) -> tuple[Target, ...]:
    """Look up how the cluster serves the objects, and give them in the order to be applied.

    Raises: ClusterError: of id cluster.unknown-kind, which names all kinds that are not served.
    """
    served = {version: _served(api, version) for version in {row["apiVersion"] for row in objects}}
    unknown = dict.fromkeys(
        f"{row['kind']} ({row['apiVersion']})"
        for row in objects
        if row["kind"] not in served[row["apiVersion"]]
    )
    if unknown:
        raise ClusterError(
            f"{api.server}: the cluster knows no {', '.join(unknown)}",
            remedy="Install what defines them first, such as Calico's operator.",
            id="cluster.unknown-kind",
        )
    found = [Target(resource=served[row["apiVersion"]][row["kind"]], object=row) for row in objects]
    rank = {kind: number for number, kind in enumerate(FIRST)}
    return tuple(sorted(found, key=lambda row: rank.get(row.resource.kind, len(rank))))


def rights(wanted: Sequence[Target]) -> tuple[Right, ...]:
    """Give the rights that applying takes."""
    places = dict.fromkeys(
        (row.resource.group, row.resource.plural, row.object["metadata"].get("namespace", ""))
        for row in wanted
    )
    return tuple(
        Right(
            tasks=("apply",),
            verbs=WRITE,
            group=group,
            resource=plural,
            namespace=namespace,
            why="",
        )
        for group, plural, namespace in places
    )


def compare(api: Api, wanted: Sequence[Target], *, force: bool = False) -> tuple[Difference, ...]:
    """Tell what applying would do; nothing is changed.

    Args: force: as if fields were taken over from other managers.
    Raises: ClusterError: of id cluster.conflict, which names each field that others manage.
    """
    found, conflicts = [], []
    own = {row.object["metadata"]["name"] for row in wanted if row.resource.kind == "Namespace"}
    for target in wanted:
        try:
            found.append(_difference(api, target, own, force=force))
        except ClusterError as err:
            if err.status != HTTPStatus.CONFLICT:
                raise
            conflicts += [f"{target}: {text}" for text in _conflicts(err)]
    if conflicts:
        raise ClusterError(
            "\n".join(f"{api.server}: {text}" for text in conflicts),
            remedy="Nothing was applied. See who sets these fields; --force-conflicts takes them"
            " over.",
            id="cluster.conflict",
            status=HTTPStatus.CONFLICT,
        )
    return tuple(found)


def carry_out(
    api: Api, differences: Sequence[Difference], *, force: bool = False
) -> Iterator[Difference]:
    """Apply what differs, and give each of it once that is done.

    Raises: ClusterError: what came before stays applied.
    """
    for difference in differences:
        if difference.action == "same":
            continue
        target = difference.target
        api.apply(target.resource, target.object, force=force)
        yield difference


def _served(api: Api, version: str) -> Mapping[str, Resource]:
    """Give the resources of an API version by kind; none where it is not served."""
    group, _, short = version.rpartition("/")
    path = f"/apis/{version}" if group else f"/api/{version}"
    try:
        body = api.read(path, Call(verb="get", resource=path))
    except ClusterError as err:
        if err.status == HTTPStatus.NOT_FOUND:
            return {}
        raise
    return {
        row["kind"]: Resource(
            plural=row["name"],
            kind=row["kind"],
            group=group,
            version=short,
            namespaced=row["namespaced"],
        )
        for row in body["resources"]
        if "/" not in row["name"]
    }


def _difference(
    api: Api, target: Target, own_namespaces: Collection[str], *, force: bool
) -> Difference:
    meta = target.object["metadata"]
    namespace = meta.get("namespace", "")
    live = api.find(target.resource, meta["name"], namespace=namespace)
    if live is None and namespace in own_namespaces:
        # Nothing can be tried in a namespace that is not there yet.
        return Difference(target=target, action="create")
    after = api.apply(target.resource, target.object, force=force, dry_run=True)
    if live is None:
        return Difference(target=target, action="create")
    rows = tuple(_rows("", _own(live), _own(after)))
    if target.resource.kind == "Secret":
        rows = tuple((field, MASK, MASK) for field, _, _ in rows)
    if not rows and _managed(live) != _managed(after):
        rows = (("metadata.managedFields", "others'", f"{FIELD_MANAGER}'s too"),)
    return Difference(target=target, action="change" if rows else "same", rows=rows)


def _own(object: Object) -> Object:
    """Give an object without what the server writes by itself."""
    shown = copy.copy(object)
    shown["metadata"] = {k: v for k, v in object["metadata"].items() if k not in OF_THE_SERVER}
    return shown


def _managed(object: Object) -> list[Any]:
    """Give which fields are wincnode's."""
    rows = object["metadata"].get("managedFields") or ()
    return [row.get("fieldsV1") for row in rows if row.get("manager") == FIELD_MANAGER]


def _rows(place: str, have: Any, want: Any) -> Iterator[Row]:
    """Give the smallest parts that differ."""
    if have == want:
        return
    if isinstance(have, dict) and isinstance(want, dict):
        for key in dict.fromkeys((*have, *want)):
            yield from _rows(_below(place, key), have.get(key), want.get(key))
    elif isinstance(have, list) and isinstance(want, list) and len(have) == len(want):
        for number, pair in enumerate(zip(have, want, strict=True)):
            yield from _rows(f"{place}[{number}]", *pair)
    else:
        yield place, have, want


def _below(place: str, key: str) -> str:
    word = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f"[{key}]"
    return f"{place}.{word}" if place else word


def _conflicts(error: ClusterError) -> list[str]:
    """Say of each field in conflict who manages it."""
    rows = [row for row in error.causes if row.get("reason") == "FieldManagerConflict"]
    return [f"{row.get('field')}: {row.get('message')}" for row in rows] or [error.message]
