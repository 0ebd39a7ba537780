"""A request to the API server: which verb on which object its method and path mean.

Source: kubernetes/apiserver:pkg/endpoints/request/requestinfo.go
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import yaml

from wincnode.lab.cluster import protobuf
from wincnode.lab.cluster.resources import Resource
from wincnode.lab.cluster.rights import Action
from wincnode.lab.cluster.status import Json, bad_request, no_such_path
from wincnode.lab.cluster.users import User

APPLY = "application/apply-patch+yaml"
ONE = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "POST": "create"}
MANY = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Raw:
    """What came over the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is asked for; `resource` is None where the path is of no resource."""

    raw: Raw
    user: User
    path: str
    query: Mapping[str, str]
    verb: str
    resource: Resource | None = None
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def dry(self) -> bool:
        """Whether nothing is to be kept of it."""
        return "dryRun" in self.query

    @property
    def kind(self) -> str:
        """The body's content type alone."""
        return self.raw.headers.get("content-type", "").partition(";")[0].strip()

    @property
    def manager(self) -> str:
        """Who changes fields: what the client says, else the first word of its name."""
        agent = self.raw.headers.get("user-agent", "unknown")
        return self.query.get("fieldManager") or agent.partition("/")[0].partition(" ")[0]

    @property
    def action(self) -> Action:
        """What there must be a right to."""
        if self.resource is None:
            return Action(verb=self.verb, path=self.path)
        return Action(
            verb=self.verb,
            group=self.resource.group,
            resource=self.resource.plural,
            subresource=self.subresource,
            namespace=self.namespace,
            name=self.name,
            field_selector=self.query.get("fieldSelector", ""),
        )

    def content(self) -> Json:
        """Read the body.

        Raises: ApiError: it is no object.
        """
        if self.kind == protobuf.MEDIA_TYPE:
            return protobuf.decoded(self.raw.body)
        try:
            value: Any = (
                yaml.safe_load(self.raw.body) if self.kind == APPLY else json.loads(self.raw.body)
            )
        except (ValueError, yaml.YAMLError) as error:
            raise bad_request(f"the object provided is unrecognized: {error}") from error
        if not isinstance(value, dict):
            raise bad_request("the object provided is unrecognized")
        return value


def understood(raw: Raw, user: User, served: Iterable[Resource]) -> Request:
    """Give what a request means.

    Raises: ApiError: it is on a resource that nobody serves.
    """
    parts = urlsplit(raw.target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    words = [unquote(word) for word in parts.path.split("/") if word]
    rest, group, version = _prefix(words)
    if not rest:
        verb = raw.method.lower()
        return Request(raw=raw, user=user, path=parts.path, query=query, verb=verb)
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in {"status", "finalize"}:
        namespace, rest = rest[1], rest[2:]
    resource = next(
        (r for r in served if (r.group, r.version, r.plural) == (group, version, rest[0])), None
    )
    if resource is None:
        raise no_such_path()
    name = rest[1] if len(rest) > 1 else ""
    subresource = "/".join(rest[2:])
    if subresource and subresource not in dict(resource.subresources):
        raise no_such_path()
    return Request(
        raw=raw,
        user=user,
        path=parts.path,
        query=query,
        verb=_verb(raw.method, query, is_one=bool(name)),
        resource=resource,
        namespace=namespace,
        name=name or _selected_name(query),
        subresource=subresource,
    )


def _prefix(words: list[str]) -> tuple[list[str], str, str]:
    """Split a path into what comes after group and version, and these; empty for other paths."""
    match words:
        case ["api", version, *rest]:
            return rest, "", version
        case ["apis", group, version, *rest]:
            return rest, group, version
    return [], "", ""


def _verb(method: str, query: Mapping[str, str], *, is_one: bool) -> str:
    verb = (ONE if is_one else MANY).get(method, method.lower())
    return "watch" if verb == "list" and query.get("watch") in {"1", "true", ""} else verb


def _selected_name(query: Mapping[str, str]) -> str:
    """Give the one name that a list is limited to: it counts as the object's in rules."""
    for term in query.get("fieldSelector", "").split(","):
        if term.startswith("metadata.name="):
            return term.removeprefix("metadata.name=").removeprefix("=")
    return ""
