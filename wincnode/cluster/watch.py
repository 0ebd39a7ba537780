"""How objects change: one list, then one stream of changes, which is taken up where it broke.

Source of the rules: kubernetes.io/docs/reference/using-api/api-concepts,
"Efficient detection of changes"
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import urllib3

from wincnode.cluster.api import Api, Object, Resource, selectors
from wincnode.cluster.connection import Passing, Request
from wincnode.cluster.failures import PASSING, Call, refusal
from wincnode.errors import ClusterError

# Bookmarks come about once a minute; a stream that is silent for longer is dead.
# Source: kubernetes/kubernetes:staging/src/k8s.io/apiserver/pkg/storage/cacher/cacher.go,
# defaultBookmarkFrequency
SILENT_S = 90.0
LONGEST_S = 300
LIMIT_LINE = 8 * 1024 * 1024
PIECE = 64 * 1024

# Gives the time, by time.monotonic, at which to stop; it is asked before each wait.
Deadline = Callable[[], float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """What is watched: the objects of a resource that the selectors pick."""

    resource: Resource
    namespace: str = ""
    fields: str = ""
    labels: str = ""


def one(resource: Resource, name: str, *, namespace: str = "") -> Watched:
    """Give what watches one object, which need not be there yet."""
    return Watched(resource=resource, namespace=namespace, fields=f"metadata.name={name}")


class _Expired(Exception):
    """The server no longer knows the changes since the version that was seen."""


def watch(api: Api, what: Watched, deadline: Deadline) -> Iterator[list[Object]]:
    """Give the objects that are there, and again after each change, until the deadline.

    Raises: ClusterError: the server refuses, or cannot be reached several times in a row.
    """
    while time.monotonic() < deadline():
        found = api.list(
            what.resource, namespace=what.namespace, fields=what.fields, labels=what.labels
        )
        there = {_key(row): row for row in found.items}
        yield list(there.values())
        try:
            for row in _changes(api, what, found.version, deadline):
                if row["type"] == "DELETED":
                    there.pop(_key(row["object"]), None)
                else:
                    there[_key(row["object"])] = row["object"]
                yield list(there.values())
        except _Expired:
            continue


def _key(object: Object) -> tuple[str, str]:
    meta = object["metadata"]
    return meta.get("namespace", ""), meta["name"]


def _changes(api: Api, what: Watched, version: str, deadline: Deadline) -> Iterator[Any]:
    """Give the changes after a version; a connection that ends is followed by another.

    Raises: _Expired, ClusterError.
    """
    patience, failures = api.connection.patience, 0
    while (left := deadline() - time.monotonic()) > 0:
        began, silent = time.monotonic(), True
        try:
            for row in _events(api, what, version, deadline):
                failures, silent = 0, False
                version = row["object"]["metadata"]["resourceVersion"]
                if row["type"] != "BOOKMARK":
                    yield row
            if silent and time.monotonic() - began < patience.wait_s:
                # Something on the way ends each stream at once.
                time.sleep(min(patience.wait_s, left))
        except Passing as problem:
            failures += 1
            if failures >= patience.tries:
                raise problem.error from problem
            time.sleep(min(patience.pause(failures, asked_s=problem.after_s), left))


def _events(api: Api, what: Watched, version: str, deadline: Deadline) -> Iterator[Any]:
    """Give the rows of one connection.

    Raises: _Expired, Passing, ClusterError.
    """
    left = deadline() - time.monotonic()
    call = Call(verb="watch", resource=str(what.resource), namespace=what.namespace)
    request = Request(
        call=call,
        method="GET",
        path=what.resource.path(namespace=what.namespace),
        query=(
            *selectors(what.fields, what.labels),
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", version),
            ("timeoutSeconds", str(min(math.ceil(left), LONGEST_S))),
        ),
    )
    try:
        with api.connection.opened(request, silent_s=min(left, SILENT_S)) as response:
            for line in _lines(api, call, response, deadline):
                yield _row(api, call, line)
    except ClusterError as err:
        if err.status == HTTPStatus.GONE:
            raise _Expired from err
        raise


def _row(api: Api, call: Call, line: bytes) -> Any:
    try:
        row = json.loads(line)
        kind, object = row["type"], row["object"]
    except (ValueError, KeyError, TypeError):
        raise api.connection.bad_reply(call, "a change is no JSON object") from None
    if kind == "ERROR":
        error = refusal(api.server, call, int(object.get("code") or 0), object)
        raise Passing(error) if error.status in PASSING else error
    return row


def _lines(
    api: Api, call: Call, response: urllib3.BaseHTTPResponse, deadline: Deadline
) -> Iterator[bytes]:
    """Give the lines of a stream until it ends, or the deadline comes."""
    rest = b""
    while (left := deadline() - time.monotonic()) > 0:
        _wait_at_most(response, min(left, SILENT_S))
        with api.connection.told(call):
            try:
                piece = response.read1(PIECE)
            except urllib3.exceptions.ReadTimeoutError:
                if deadline() <= time.monotonic():
                    return
                raise
        if not piece:
            return
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > LIMIT_LINE:
            raise api.connection.bad_reply(call, "a change of more than 8 MiB")
        yield from filter(None, lines)


def _wait_at_most(response: urllib3.BaseHTTPResponse, seconds: float) -> None:
    """Let the next read wait so long; a connection that is closed already does not wait."""
    sock = getattr(response.connection, "sock", None)
    if sock is not None:
        sock.settimeout(seconds)
