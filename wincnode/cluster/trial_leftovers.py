"""What tests of the network have made in the cluster: taken away, or left to whose test it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from wincnode.cluster import trial_pods
from wincnode.cluster.api import PODS, SERVICES, Api, Object, Resource
from wincnode.cluster.bound_pods import NAMESPACE
from wincnode.errors import ClusterError
from wincnode.events import printable

# After it no test is under way: its pods have ended, or it waits for longer, which its pods tell.
STALE = timedelta(hours=1)
# What was deleted is gone after its second of grace, and some for the kubelet.
GONE_S = 30.0


def of_others(api: Api, run: str) -> tuple[list[str], list[str]]:
    """Take away what tests left whose client was killed, and leave alone what may be under way.

    Args: run: one's own.
    Returns: the names of what is gone; a text for each other test of which something stays.
    Raises: ClusterError.
    """
    runs: dict[str, list[tuple[Resource, Object]]] = {}
    for resource, row in _made(api, ""):
        runs.setdefault(str(row["metadata"]["labels"].get(trial_pods.RUN)), []).append(
            (resource, row)
        )
    gone: list[str] = []
    kept: list[str] = []
    for other, rows in runs.items():
        if other == run:
            continue
        if all(_is_stale(row, api.now()) for _, row in rows):
            names, error = _all_deleted(api, rows)
            gone += names
            if error is not None:
                why = f"what a test has left stays: {error.message}; {by_hand(other)} takes it away"
                kept.append(printable(why, limit=500))
        elif not all("deletionTimestamp" in row["metadata"] for _, row in rows):
            kept.append(_whose(other, [row for _, row in rows]))
    return gone, kept


def remove(api: Api, run: str) -> None:
    """Delete the pods and the service of a run.

    Raises: ClusterError: the first, once all were tried.
    """
    _, error = _all_deleted(api, _made(api, run))
    if error is not None:
        raise error


def waited_for(api: Api, run: str, look_s: float) -> list[str]:
    """Wait until a run's pods are gone; gives those that stay.

    Raises: ClusterError.
    """
    end = time.monotonic() + GONE_S
    while True:
        rows = api.list(PODS, namespace=NAMESPACE, labels=trial_pods.selector(run)).items
        if not rows or time.monotonic() >= end:
            return sorted(row["metadata"]["name"] for row in rows)
        threading.Event().wait(look_s)


def by_hand(run: str) -> str:
    """Give the command that takes away what a run made."""
    return f"kubectl -n {NAMESPACE} delete pods,services -l {trial_pods.RUN}={printable(run)}"


def _made(api: Api, run: str) -> Iterator[tuple[Resource, Object]]:
    for resource in (PODS, SERVICES):
        labels = trial_pods.selector(run)
        for row in api.list(resource, namespace=NAMESPACE, labels=labels).items:
            yield resource, row


def _all_deleted(
    api: Api, rows: Iterable[tuple[Resource, Object]]
) -> tuple[list[str], ClusterError | None]:
    """Delete objects; gives the names of those that are gone, and the first error."""
    gone: list[str] = []
    first: ClusterError | None = None
    for resource, row in rows:
        try:
            name = _deleted(api, resource, row)
        except ClusterError as error:
            first = first or error
        else:
            gone += [name] if name else []
    return gone, first


def _deleted(api: Api, resource: Resource, row: Object) -> str:
    """Delete an object; gives its name, empty where somebody has."""
    meta = row["metadata"]
    if "deletionTimestamp" in meta:
        return ""
    api.delete(resource, meta["name"], namespace=NAMESPACE, uid=meta["uid"])
    return str(meta["name"])


def _is_stale(row: Object, now: datetime) -> bool:
    """Tell whether no client waits for an object any more, by the clock of the API server."""
    made = _moment(row)
    limit_s = row.get("spec", {}).get("activeDeadlineSeconds") or 0
    return made is not None and now - made > max(STALE, timedelta(seconds=limit_s))


def _moment(row: Object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(row["metadata"].get("creationTimestamp")))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _whose(run: str, rows: list[Object]) -> str:
    """Say of another test whose it is, since when, and how it is taken away."""
    notes = [row["metadata"].get("annotations") or {} for row in rows]
    who = next((note[trial_pods.OPERATOR] for note in notes if trial_pods.OPERATOR in note), "")
    times = [moment for row in rows if (moment := _moment(row))]
    since = f" since {min(times):%H:%M} UTC" if times else ""
    return printable(
        f"another test of the network, of {who or 'somebody'}{since}, may be under way: what it"
        f" made is left alone for an hour; {by_hand(run)} takes it away",
        limit=500,
    )
