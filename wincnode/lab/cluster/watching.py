"""Watches: the changes of selected objects from a version on, as they happen.

Source: kubernetes/apiserver:pkg/storage/cacher; "Efficient detection of changes", "Watch bookmarks"
and "Streaming lists" in kubernetes.io/docs/reference/using-api/api-concepts
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from wincnode.lab.cluster.requests import Request
from wincnode.lab.cluster.resources import Resource
from wincnode.lab.cluster.selectors import Fits, selector
from wincnode.lab.cluster.status import Json, expired
from wincnode.lab.cluster.store import Change, Store, TooOld, of

# How long a watch lasts that does not say; kubernetes/apiserver --min-request-timeout.
LASTS_S = 1800.0
# kubernetes/apiserver:pkg/storage/cacher/cacher.go (defaultBookmarkFrequency)
BOOKMARK_S = 60.0
GLANCE_S = 0.25
INITIAL_END = "k8s.io/initial-events-end"


def events(
    store: Store, request: Request, resource: Resource, goes_on: Callable[[], bool]
) -> Iterator[Json]:
    """Give each event of a watch, until its time is over.

    Raises: ApiError: a selector that nobody understands.
    """
    fits = selector(request.query.get("fieldSelector", ""), request.query.get("labelSelector", ""))
    with store.changed:
        since = _since(store, request)
        first = list(_initial(store, request, resource, fits))
    yield from first
    ends = time.monotonic() + float(request.query.get("timeoutSeconds") or LASTS_S)
    marks = request.query.get("allowWatchBookmarks") in {"true", "1"}
    next_mark = time.monotonic() + BOOKMARK_S
    while goes_on() and time.monotonic() < ends:
        try:
            changes = store.changes(since)
        except TooOld:
            yield {"type": "ERROR", "object": expired().body()}
            return
        for change in of(changes, resource.name, request.namespace):
            yield from _seen(change, fits)
        since = changes[-1].version if changes else since
        if marks and time.monotonic() >= next_mark:
            next_mark += BOOKMARK_S
            yield _bookmark(resource, since, {})
        store.wait(since, max(0.0, min(GLANCE_S, ends - time.monotonic())))
    if marks:
        yield _bookmark(resource, since, {})


def _since(store: Store, request: Request) -> int:
    """Give the version that the changes start after; without one, what is there comes first."""
    text = request.query.get("resourceVersion", "")
    return int(text) if text not in {"", "0"} and not _streams(request) else store.version


def _streams(request: Request) -> bool:
    return request.query.get("sendInitialEvents") == "true"


def _initial(store: Store, request: Request, resource: Resource, fits: Fits) -> Iterator[Json]:
    streams = _streams(request)
    if not streams and request.query.get("resourceVersion", "") not in {"", "0"}:
        return
    if request.query.get("sendInitialEvents") == "false":
        return
    for row in store.rows(resource.name, request.namespace):
        if fits(row):
            yield {"type": "ADDED", "object": row}
    if streams:
        yield _bookmark(resource, store.version, {"annotations": {INITIAL_END: "true"}})


def _seen(change: Change, fits: Fits) -> Iterator[Json]:
    """Tell a change to a watch: what ceases to be selected is deleted for it."""
    is_in = fits(change.object)
    was_in = change.before is not None and fits(change.before)
    if change.type == "DELETED":
        if was_in:
            yield {"type": "DELETED", "object": change.object}
    elif is_in:
        yield {"type": "MODIFIED" if was_in else "ADDED", "object": change.object}
    elif was_in:
        yield {"type": "DELETED", "object": change.object}


def _bookmark(resource: Resource, version: int, more: Json) -> Json:
    meta = {"resourceVersion": str(version), "creationTimestamp": None, **more}
    shell = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": meta}
    return {"type": "BOOKMARK", "object": shell}
