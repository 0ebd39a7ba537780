"""The API server's objects: get, list, create, patch, apply, delete and watch them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import quote

from wincnode.cluster.connection import Connection, Patience, Request
from wincnode.cluster.failures import Call
from wincnode.cluster.kubeconfig import ClusterAccess
from wincnode.errors import ClusterError

Object = dict[str, Any]
Query = tuple[tuple[str, str], ...]
PatchKind = Literal["merge", "strategic-merge", "apply"]

FIELD_MANAGER = "wincnode"
PAGE = 500
DRY_RUN: Query = (("dryRun", "All"),)
# JSON is YAML, so that an apply patch may be sent as JSON by every version.
# Source: kubernetes.io/docs/reference/using-api/server-side-apply, "Serialization"
CONTENT_TYPES: Mapping[PatchKind, str] = {
    "merge": "application/merge-patch+json",
    "strategic-merge": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """One kind of object and the path that it is served under."""

    plural: str
    kind: str
    group: str = ""
    version: str = "v1"
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """What its objects carry as apiVersion."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, *, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Give the path of an object, or of all objects where there is no name."""
        words = ["apis", self.group] if self.group else ["api"]
        words.append(self.version)
        if namespace:
            words += ["namespaces", namespace]
        words += [self.plural, *filter(None, (name, subresource))]
        return "/" + "/".join(quote(word, safe="") for word in words)


NODES = Resource(plural="nodes", kind="Node", namespaced=False)
PODS = Resource(plural="pods", kind="Pod")
SERVICES = Resource(plural="services", kind="Service")
EVENTS = Resource(plural="events", kind="Event")
SECRETS = Resource(plural="secrets", kind="Secret")
CONFIG_MAPS = Resource(plural="configmaps", kind="ConfigMap")
ACCESS_REVIEWS = Resource(
    plural="selfsubjectaccessreviews",
    kind="SelfSubjectAccessReview",
    group="authorization.k8s.io",
    namespaced=False,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """Objects, and the version of the cluster that they were read at."""

    items: tuple[Object, ...]
    version: str


class Api:
    """One API server, as one user; every method raises ClusterError or ConfigError.

    Args: may_ask: whether an exec plugin of the kubeconfig may ask whoever sits there.
    """

    def __init__(
        self,
        access: ClusterAccess,
        *,
        patience: Patience = Patience(),  # noqa: B008 - frozen
        may_ask: bool = True,
    ) -> None:
        self.connection = Connection(access, patience, may_ask=may_ask)

    @property
    def server(self) -> str:
        """The server's address, without what could be a password."""
        return self.connection.server

    def now(self) -> datetime:
        """Give the time by the server's clock, as its last answer told it."""
        return datetime.now(UTC) + timedelta(seconds=self.connection.ahead_s)

    def version(self) -> Object:
        """Give what /version says: `gitVersion` and more."""
        return self.read("/version", Call(verb="get", resource="/version"))

    def read(self, path: str, call: Call, query: Query = ()) -> Object:
        """Get whatever stands at a path."""
        return self.connection.send(
            Request(call=call, method="GET", path=path, query=query, safe=True)
        )

    def get(self, resource: Resource, name: str, *, namespace: str = "") -> Object:
        """Give an object.

        Raises: ClusterError: of status 404 where there is none.
        """
        call = Call(verb="get", resource=str(resource), name=name, namespace=namespace)
        return self.read(resource.path(namespace=namespace, name=name), call)

    def find(self, resource: Resource, name: str, *, namespace: str = "") -> Object | None:
        """Give an object, or nothing where there is none."""
        try:
            return self.get(resource, name, namespace=namespace)
        except ClusterError as err:
            if err.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def list(
        self, resource: Resource, *, namespace: str = "", fields: str = "", labels: str = ""
    ) -> Listing:
        """Give all objects that the selectors pick, of all namespaces where none is given."""
        call = Call(verb="list", resource=str(resource), namespace=namespace)
        path, query = resource.path(namespace=namespace), selectors(fields, labels)
        items: list[Object] = []
        more: Query = (("limit", str(PAGE)),)
        while True:
            try:
                page = self.read(path, call, (*query, *more))
            except ClusterError as err:
                # The pages are of one moment, which the server may forget; then all in one.
                if err.status != HTTPStatus.GONE or not items:
                    raise
                items, more = [], ()
                continue
            items += page.get("items") or []
            token = page["metadata"].get("continue")
            if token and ("continue", token) in more:
                raise self.connection.bad_reply(call, "its pages have no end")
            if not token:
                version = str(page["metadata"].get("resourceVersion", ""))
                return Listing(items=tuple(items), version=version)
            more = (("limit", str(PAGE)), ("continue", token))

    def create(
        self,
        resource: Resource,
        object: Object,
        *,
        namespace: str = "",
        name: str = "",
        subresource: str = "",
        safe: bool = False,
        dry_run: bool = False,
    ) -> Object:
        """Create an object, or send one to the subresource of the named one.

        Args: safe: whether it may be sent twice, as a review may. dry_run: only find out whether
            the server takes it.
        """
        shown = name or object.get("metadata", {}).get("name", "")
        return self.connection.send(
            Request(
                call=_call("create", resource, shown, namespace, subresource),
                method="POST",
                path=resource.path(namespace=namespace, name=name, subresource=subresource),
                query=DRY_RUN if dry_run else (),
                body=object,
                safe=safe or dry_run,
            )
        )

    def patch(
        self,
        resource: Resource,
        name: str,
        patch: Object,
        *,
        kind: PatchKind = "merge",
        namespace: str = "",
        query: Query = (),
        safe: bool = False,
    ) -> Object:
        """Change an object and give what it is then."""
        return self.connection.send(
            Request(
                call=_call("patch", resource, name, namespace),
                method="PATCH",
                path=resource.path(namespace=namespace, name=name),
                query=query,
                body=patch,
                content_type=CONTENT_TYPES[kind],
                safe=safe,
            )
        )

    def apply(
        self, resource: Resource, object: Object, *, force: bool = False, dry_run: bool = False
    ) -> Object:
        """Apply an object on the server's side, and give what it is then or would be.

        Args: force: take fields over from other managers.
        Raises: ClusterError: of id cluster.conflict, with a cause for each field of others.
        """
        meta = object["metadata"]
        query = (
            ("fieldManager", FIELD_MANAGER),
            ("force", str(force).lower()),
            *(DRY_RUN if dry_run else ()),
        )
        return self.patch(
            resource,
            meta["name"],
            object,
            kind="apply",
            namespace=meta.get("namespace", ""),
            query=query,
            safe=dry_run,
        )

    def delete(self, resource: Resource, name: str, *, namespace: str = "", uid: str = "") -> bool:
        """Delete an object; False where there is none.

        Args: uid: only if the object still is that one, which makes it safe to ask twice.
        """
        request = Request(
            call=_call("delete", resource, name, namespace),
            method="DELETE",
            path=resource.path(namespace=namespace, name=name),
            body={"preconditions": {"uid": uid}} if uid else None,
            safe=bool(uid),
        )
        try:
            self.connection.send(request)
        except ClusterError as err:
            if err.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        return True


def selectors(fields: str, labels: str) -> Query:
    """Give the query that picks objects by fields and labels."""
    rows = (("fieldSelector", fields), ("labelSelector", labels))
    return tuple(row for row in rows if row[1])


def _call(verb: str, resource: Resource, name: str, namespace: str, subresource: str = "") -> Call:
    below = f"/{subresource}" if subresource else ""
    plural = f"{resource.plural}{below}"
    text = f"{plural}.{resource.group}" if resource.group else plural
    return Call(verb=verb, resource=text, name=name, namespace=namespace)
