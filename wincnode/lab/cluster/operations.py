"""What each verb does to the objects of the cluster."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable, Mapping
from typing import TypeAlias

from wincnode.lab.cluster import admission, eviction, patches, quotas, services, status
from wincnode.lab.cluster.apply import Manager, applied, tracked
from wincnode.lab.cluster.deletion import deleted
from wincnode.lab.cluster.requests import APPLY, Request
from wincnode.lab.cluster.resources import Resource
from wincnode.lab.cluster.rights import Action, may
from wincnode.lab.cluster.selectors import selector
from wincnode.lab.cluster.status import Json
from wincnode.lab.cluster.store import Store

STALE = (
    "the object has been modified; please apply your changes to the latest version and try again"
)
PATCHES = {
    "application/merge-patch+json": patches.merged,
    "application/strategic-merge-patch+json": patches.strategic,
}
# core/v1 Namespaces that go with what is in them need no finalizer here.
INSIDE = ("pods", "secrets", "configmaps", "serviceaccounts", "services")


def answer(store: Store, request: Request, resource: Resource) -> tuple[int, Json]:
    """Carry a request on a resource out.

    Returns: HTTP status and body.
    Raises: ApiError.
    """
    with store.changed:
        if request.subresource == "eviction" and request.verb == "create":
            return 201, eviction.evict(store, request, _there(store, request, resource))
        act = VERBS.get(request.verb)
        if act is None:
            text = "the server does not allow this method on the requested resource"
            raise status.ApiError(405, "MethodNotAllowed", text)
        return act(store, request, resource)


def listed(store: Store, request: Request, resource: Resource) -> Json:
    """Give a list of what is selected."""
    fits = selector(request.query.get("fieldSelector", ""), request.query.get("labelSelector", ""))
    rows = [row for row in store.rows(resource.name, request.namespace) if fits(row)]
    return {
        "kind": f"{resource.kind}List",
        "apiVersion": resource.api_version,
        "metadata": {"resourceVersion": str(store.version)},
        # Items of a typed list carry neither, as they all are alike.
        "items": [{k: v for k, v in row.items() if k not in {"kind", "apiVersion"}} for row in rows]
        if resource.known
        else rows,
    }


def _there(store: Store, request: Request, resource: Resource) -> Json:
    found = store.get(resource.name, request.name, request.namespace)
    if found is None:
        raise status.not_found(resource.where, request.name)
    return found


def _create(store: Store, request: Request, resource: Resource, body: Json) -> Json:
    _refuse_other(request, resource, body)
    meta = body.setdefault("metadata", {})
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = meta["generateName"] + secrets.token_hex(3)[:5]
    _enter_namespace(store, request, resource, meta)
    if meta.get("resourceVersion"):
        raise status.bad_request("resourceVersion should not be set on objects to be created")
    if store.get(resource.name, meta.get("name", ""), request.namespace) is not None:
        raise status.already_exists(resource.where, meta["name"])
    meta.pop("managedFields", None)
    admission.complete(request, body)
    if resource.name == "services":
        services.allocate(store, body)
    admission.restrict(request, None, body)
    quotas.refuse_beyond(store, request, body)
    body = tracked(None, body, _manager(store, request, resource, "Update"), known=resource.known)
    return _kept(store, request, resource, body)


def _update(store: Store, request: Request, resource: Resource) -> Json:
    body = request.content()
    _refuse_other(request, resource, body)
    before = store.get(resource.name, request.name, request.namespace)
    if before is None:
        raise status.not_found(resource.where, request.name)
    return _changed(store, request, resource, before, body)


def _patch(store: Store, request: Request, resource: Resource) -> tuple[int, Json]:
    before = store.get(resource.name, request.name, request.namespace)
    patch = request.content()
    if request.kind == APPLY:
        return _apply(store, request, resource, before, patch)
    if before is None:
        raise status.not_found(resource.where, request.name)
    change: Callable[[Json, Json], Json] | None = PATCHES.get(request.kind)
    if change is None or (change is patches.strategic and not resource.known):
        text = "the body of the request was in an unknown format - accepted media types include: "
        text += ", ".join([*PATCHES, APPLY])
        raise status.ApiError(415, "UnsupportedMediaType", text)
    after = change(before, patch)
    if "resourceVersion" not in patch.get("metadata", {}):
        after["metadata"].pop("resourceVersion", None)
    return 200, _changed(store, request, resource, before, after)


def _apply(
    store: Store, request: Request, resource: Resource, before: Json | None, wanted: Json
) -> tuple[int, Json]:
    _refuse_other(request, resource, wanted)
    if not request.query.get("fieldManager"):
        raise status.ApiError(
            422,
            "Invalid",
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for '
            "apply patch",
        )
    meta = wanted.setdefault("metadata", {})
    if meta.get("managedFields"):
        raise status.bad_request("metadata.managedFields must be nil")
    meta["name"] = request.name
    _enter_namespace(store, request, resource, meta)
    if resource.plural == "secrets":
        admission.keep_strings(wanted)
    if before is not None and meta.pop("resourceVersion", None) not in {
        None,
        before["metadata"]["resourceVersion"],
    }:
        raise status.conflict(resource.where, request.name, STALE)
    after = applied(
        before,
        wanted,
        _manager(store, request, resource, "Apply"),
        force=request.query.get("force") == "true",
        known=resource.known,
    )
    if before is None:
        after["metadata"] = {**meta, **after["metadata"]}
        admission.complete(request, after)
        admission.restrict(request, None, after)
        return 201, _kept(store, request, resource, after)
    admission.restrict(request, before, after)
    _count(resource, before, after)
    return 200, _kept(store, request, resource, after)


def _changed(store: Store, request: Request, resource: Resource, before: Json, after: Json) -> Json:
    """Keep a changed object, after all that must hold of it."""
    version = after.setdefault("metadata", {}).get("resourceVersion")
    if version and version != before["metadata"]["resourceVersion"]:
        raise status.conflict(resource.where, request.name, STALE)
    after = _own_part(request, resource, before, after)
    if resource.plural == "secrets":
        admission.keep_strings(after)
    admission.restrict(request, before, after)
    if request.subresource == "approval":
        _refuse_approval(store, request, before)
    who = _manager(store, request, resource, "Update")
    after = tracked(before, after, who, known=resource.known)
    _count(resource, before, after)
    return _kept(store, request, resource, after)


def _own_part(request: Request, resource: Resource, before: Json, after: Json) -> Json:
    """Take from a change what its path may change: status on /status, all else elsewhere."""
    fixed = ("uid", "creationTimestamp", "generation", "namespace", "managedFields")
    if request.subresource in {"status", "approval"}:
        result = copy.deepcopy(before)
        result["status"] = after.get("status", {})
        if resource.plural == "nodes":
            # A kubelet's status patch may bring labels too: registry/core/node/strategy.go
            for name in ("labels", "annotations"):
                if name in after["metadata"]:
                    result["metadata"][name] = after["metadata"][name]
        return result
    result = copy.deepcopy(after)
    meta = result["metadata"]
    meta |= {name: before["metadata"][name] for name in fixed if name in before["metadata"]}
    if "status" in dict(resource.subresources):
        result.pop("status", None)
        if "status" in before:
            result["status"] = copy.deepcopy(before["status"])
    return result


def _refuse_approval(store: Store, request: Request, before: Json) -> None:
    signer = before["spec"]["signerName"]
    group = "certificates.k8s.io"
    for name in admission.may_approve(signer):
        action = Action(verb="approve", group=group, resource="signers", name=name)
        if may(store, request.user, action):
            return
    why = f'user not permitted to approve requests with signerName "{signer}"'
    raise admission.forbid(request, request.name, why)


def _delete(store: Store, request: Request, resource: Resource) -> Json:
    found = _there(store, request, resource)
    options = request.content() if request.raw.body else {}
    for field in ("uid", "resourceVersion"):
        asked = options.get("preconditions", {}).get(field)
        if asked not in {None, found["metadata"][field]}:
            why = f"Precondition failed: {field} in precondition: {asked}, {field} in object meta: "
            why += found["metadata"][field]
            raise status.conflict(resource.where, request.name, why)
    admission.restrict(request, found, None)
    if not (request.dry or options.get("dryRun")):
        if still := deleted(store, resource.name, found, options.get("gracePeriodSeconds")):
            return still
        if resource.plural == "namespaces":
            _empty(store, request.name)
    uid = found["metadata"]["uid"]
    where = {"group": resource.group} if resource.group else {}
    return status.success(name=request.name, kind=resource.plural, uid=uid, **where)


def _empty(store: Store, namespace: str) -> None:
    for inside in INSIDE:
        for row in store.rows(inside, namespace):
            store.delete(inside, row["metadata"]["name"], namespace)


def _delete_all(store: Store, request: Request, resource: Resource) -> Json:
    gone = listed(store, request, resource)
    if not request.dry:
        for row in gone["items"]:
            deleted(store, resource.name, row)
    return gone


def _kept(store: Store, request: Request, resource: Resource, object: Json) -> Json:
    if not request.dry:
        return store.put(resource.name, object)
    return store.completed(resource.name, object)


def _enter_namespace(store: Store, request: Request, resource: Resource, meta: Json) -> None:
    if not resource.namespaced:
        meta.pop("namespace", None)
        return
    if meta.setdefault("namespace", request.namespace) != request.namespace:
        raise status.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if store.get("namespaces", request.namespace) is None:
        raise status.not_found({"resource": "namespaces"}, request.namespace)


def _refuse_other(request: Request, resource: Resource, body: Json) -> None:
    """Refuse a body that is not of the path's kind or name."""
    kind = dict(resource.subresources).get(request.subresource, resource.kind)
    if body.setdefault("kind", kind) != kind:
        text = f"the kind in the data ({body['kind']}) does not match the expected kind ({kind})"
        raise status.bad_request(text)
    if body.setdefault("apiVersion", resource.api_version) != resource.api_version:
        text = f"the API version in the data ({body['apiVersion']}) does not match the expected "
        raise status.bad_request(f"{text}API version ({resource.api_version})")
    name = body.get("metadata", {}).get("name")
    if request.name and name and name != request.name:
        text = f"the name of the object ({name}) does not match the name on the URL "
        raise status.bad_request(f"{text}({request.name})")


def _count(resource: Resource, before: Json, after: Json) -> None:
    if resource.group in admission.COUNTED or not resource.known:
        generation = before["metadata"].get("generation", 1)
        changed = before.get("spec") != after.get("spec")
        after["metadata"]["generation"] = generation + int(changed)


def _manager(store: Store, request: Request, resource: Resource, operation: str) -> Manager:
    return Manager(
        name=request.manager,
        operation=operation,
        api_version=resource.api_version,
        subresource=request.subresource,
        time=store.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


Act: TypeAlias = Callable[[Store, Request, Resource], tuple[int, Json]]
VERBS: Mapping[str, Act] = {
    "get": lambda s, q, r: (200, _there(s, q, r)),
    "list": lambda s, q, r: (200, listed(s, q, r)),
    "create": lambda s, q, r: (201, _create(s, q, r, q.content())),
    "update": lambda s, q, r: (200, _update(s, q, r)),
    "patch": _patch,
    "delete": lambda s, q, r: (200, _delete(s, q, r)),
    "deletecollection": lambda s, q, r: (200, _delete_all(s, q, r)),
}
