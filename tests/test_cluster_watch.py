"""One watch follows objects through ends, bookmarks, outages and forgotten versions."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster_access import administrator, failed, ok, told

from wincnode.cluster.api import NODES, Api, Object
from wincnode.cluster.watch import Watched, one, watch
from wincnode.errors import ClusterError, ClusterRefused
from wincnode.lab.cluster import ControlPlane, control_plane

ALL = Watched(resource=NODES)


def node(name: str, version: str = "", **labels: str) -> Object:
    meta: Object = {"name": name, "labels": labels}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {**meta, **({"resourceVersion": version} if version else {})},
    }


def listed(version: str, *rows: Object) -> Any:
    return ok({"metadata": {"resourceVersion": version}, "items": list(rows)})


def stream(*rows: tuple[str, Object]) -> Any:
    return ok("".join(json.dumps({"type": type, "object": row}) + "\n" for type, row in rows))


def names(api: Api, count: int, what: Watched = ALL, seconds: float = 5.0) -> list[list[str]]:
    """Give the names that are there after each of the first changes."""
    end = time.monotonic() + seconds
    seen = itertools.islice(watch(api, what, lambda: end), count)
    return [[row["metadata"]["name"] for row in rows] for rows in seen]


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    with control_plane(tmp_path) as running:
        yield running


def test_a_watch_gives_what_is_there_and_then_each_change(plane: ControlPlane) -> None:
    """One list and one watch, however many changes there are."""
    plane.objects.put("nodes", node("a"))
    api = administrator(plane.kubeconfig())
    end = time.monotonic() + 5
    seen = watch(api, one(NODES, "b"), lambda: end)
    assert next(seen) == []
    for change in ({}, {"x": "1"}, None):
        if change is None:
            plane.objects.delete("nodes", "b")
        else:
            plane.objects.put("nodes", node("b", **change))
    assert [[row["metadata"]["labels"] for row in next(seen)] for _ in range(3)] == [
        [{}],
        [{"x": "1"}],
        [],
    ]
    seen.close()
    assert [row.verb for row in plane.audit if row.resource == "nodes"] == ["list", "watch"]


def test_a_watch_ends_at_its_deadline(plane: ControlPlane) -> None:
    """A cluster in which nothing happens holds nobody up; the deadline may move meanwhile."""
    api = administrator(plane.kubeconfig())
    began = time.monotonic()
    ends = iter([began + 9, began + 9, began + 9])
    assert list(watch(api, one(NODES, "b"), lambda: next(ends, began + 0.2))) == [[]]
    assert 0.15 < time.monotonic() - began < 2


def test_an_outage_is_ridden_out(plane: ControlPlane) -> None:
    """The stream breaks, nothing answers for a while, and what happened meanwhile is not missed."""
    api = administrator(plane.kubeconfig())
    end = time.monotonic() + 5
    seen = watch(api, ALL, lambda: end)
    assert next(seen) == []
    plane.outage = True
    plane.objects.put("nodes", node("a"))
    threading.Timer(0.03, setattr, (plane, "outage", False)).start()
    assert [row["metadata"]["name"] for row in next(seen)] == ["a"]


def test_a_server_that_is_gone_for_good_is_told() -> None:
    """The patience is that of a request."""
    with told(listed("5"), None, None, None) as (server, api):
        with pytest.raises(ClusterError) as caught:
            names(api, 2)
    assert caught.value.id == "cluster.unreachable"
    assert len(server.asked) == 4


def test_a_stream_goes_on_where_it_ended() -> None:
    """A bookmark counts as a change that nobody needs to see."""
    added = ("ADDED", node("a", "6"))
    bookmark = ("BOOKMARK", {"metadata": {"resourceVersion": "9"}})
    with told(listed("5"), stream(added, bookmark), stream(("DELETED", node("a", "12")))) as (
        server,
        api,
    ):
        assert names(api, 3) == [[], ["a"], []]
    query = "watch=true&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds=5"
    assert [path.partition("?")[2] for _, path in server.asked] == [
        "limit=500",
        query.format(5),
        query.format(9),
    ]


@pytest.mark.parametrize(
    "gone",
    [
        failed(410),
        stream(("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "old"})),
    ],
)
def test_what_the_server_has_forgotten_is_listed_anew(gone: Any) -> None:
    """410 comes as a status or within the stream; objects that went meanwhile are gone."""
    first, second = listed("5", node("a", "1"), node("b", "2")), listed("8", node("b", "2"))
    with told(first, gone, second) as (_, api):
        assert names(api, 2) == [["a", "b"], ["b"]]


@pytest.mark.parametrize(
    ("last", "id"),
    [
        (stream(("ERROR", {"kind": "Status", "code": 403, "message": "no"})), "cluster.forbidden"),
        (failed(403), "cluster.forbidden"),
        (ok("<html>\n"), "cluster.bad-reply"),
        (ok('{"type": "ADDED"}\n'), "cluster.bad-reply"),
    ],
)
def test_a_refusal_ends_the_watch(last: Any, id: str) -> None:
    """Nothing of it passes by waiting."""
    with told(listed("5"), last) as (_, api), pytest.raises(ClusterError) as caught:
        names(api, 2)
    assert caught.value.id == id
    assert "watch nodes: " in caught.value.message


def test_a_change_may_arrive_in_pieces(plane: ControlPlane) -> None:
    """A line is whole when its end is there."""
    big = node("a", "6", x="y" * 200_000)
    with told(listed("5"), stream(("ADDED", big), ("MODIFIED", node("b", "7")))) as (_, api):
        assert names(api, 3) == [[], ["a"], ["a", "b"]]


def test_a_watch_without_the_right_is_told(plane: ControlPlane) -> None:
    """The verb that is missing is named."""
    api = administrator(plane.kubeconfig("few", [("list", "nodes")]))
    with pytest.raises(ClusterRefused, match="cannot watch resource"):
        names(api, 2, one(NODES, "a"))
