"""Pods leave a Node: by eviction, as far as their budgets allow.

Source of what is evicted and what is not: kubernetes/kubectl:pkg/drain/filters.go; of pods on a
Node whose kubelet is silent: the same, skipDeletedFilter, as kubernetes-sigs/cluster-api uses it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from wincnode.cluster.api import PODS, Api, Object
from wincnode.cluster.probe import is_ours
from wincnode.cluster.watch import Watched, watch
from wincnode.errors import ClusterError

MIRROR = "kubernetes.io/config.mirror"
ENDED = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Drain:
    """How far a drain may go.

    Args:
        timeout_s: seconds for all pods to be gone. delete_emptydir: also pods that lose data with
            it. force: also pods that nothing will make again. retry_s: between two tries to evict
            what a budget holds back (kubectl's own, kubernetes/kubectl:pkg/cmd/drain/drain.go).
        silent: the Node's kubelet does not report, so that nobody tells when a pod has ended: each
            is waited for until its grace period is over, and no longer.
    """

    timeout_s: float = 600.0
    delete_emptydir: bool = False
    force: bool = False
    retry_s: float = 5.0
    silent: bool = False


def drain(
    api: Api,
    node: str,
    how: Drain = Drain(),
    told: Callable[[str], None] = lambda _text: None,
) -> int:
    """Evict the pods of a Node, wait until they are gone, and give their number.

    Pods of DaemonSets and mirror pods stay.
    Args: told: is told of each pod that is evicted, and each that is held back.
    Raises: ClusterError: of id cluster.drain before the first eviction where pods must not be
        evicted, or at the end of the time.
    """
    end = time.monotonic() + how.timeout_s
    pods = leaving(api.list(PODS, fields=_on(node)).items, how)
    if refused := tuple(refusals(pods, how)):
        raise ClusterError(
            "\n".join(f"{api.server}: {node}: {text}" for text in refused),
            remedy="Allow it, or move the pods yourself.",
            id="cluster.drain",
        )
    _evict(api, node, pods, how, end, told)
    if left := _wait(api, node, pods, how, end):
        told(f"not waited for, as the kubelet is silent: {', '.join(map(_name, left))}")
    return len(pods)


def leaving(pods: Sequence[Object], how: Drain) -> list[Object]:
    """Give the pods of a Node that are to leave it."""
    return [row for row in pods if not stays(row) and not (how.silent and _left_s(row) < 0)]


def stays(pod: Object) -> bool:
    """Tell whether a pod is left alone: one of a DaemonSet, or a mirror of a static one."""
    meta = pod["metadata"]
    if MIRROR in (meta.get("annotations") or {}):
        return True
    return _controller(pod) == ("apps/v1", "DaemonSet") and not _ended(pod)


def refusals(pods: Sequence[Object], how: Drain) -> Iterator[str]:
    """Say of each pod that must not be evicted why not."""
    for pod in pods:
        if _ended(pod) or is_ours(pod):
            continue
        if not how.force and _controller(pod) is None:
            yield f"the pod {_name(pod)} has no controller that would make it again"
        volumes = pod.get("spec", {}).get("volumes") or ()
        if not how.delete_emptydir and any("emptyDir" in row for row in volumes):
            yield f"the pod {_name(pod)} keeps data in an emptyDir, which is lost with it"


def _evict(
    api: Api,
    node: str,
    pods: Sequence[Object],
    how: Drain,
    end: float,
    told: Callable[[str], None],
) -> None:
    """Evict what may be evicted, and try the rest again until the time is over."""
    left = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    while True:
        held: list[tuple[Object, ClusterError]] = []
        for pod in left:
            if (refusal := _evicted(api, pod)) is None:
                told(f"evicted {_name(pod)}")
            else:
                held.append((pod, refusal))
        if not held:
            return
        left = [pod for pod, _ in held]
        names = ", ".join(map(_name, left))
        if time.monotonic() + how.retry_s > end:
            pod, refusal = held[0]
            why = "; ".join(str(row.get("message", "")) for row in refusal.causes)
            raise ClusterError(
                f"{api.server}: {node}: budgets held back {names}"
                f" for {how.timeout_s:.0f} s: {why or refusal.message}",
                remedy="See the PodDisruptionBudgets, and whether other nodes take the pods.",
                id="cluster.drain",
            ) from refusal
        told(f"held back by a budget: {names}")
        time.sleep(how.retry_s)


def _evicted(api: Api, pod: Object) -> ClusterError | None:
    """Evict one pod; gives why it must be tried again later."""
    meta = pod["metadata"]
    name = {"name": meta["name"], "namespace": meta["namespace"]}
    uid = {"preconditions": {"uid": meta["uid"]}}
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": name,
        "deleteOptions": uid,
    }
    try:
        api.create(PODS, eviction, subresource="eviction", **name)
    except ClusterError as err:
        if err.status == HTTPStatus.NOT_FOUND:
            return None
        if err.status == HTTPStatus.CONFLICT:
            fresh = api.find(PODS, **name)
            same = fresh is not None and fresh["metadata"]["uid"] == meta["uid"]
            return err if same else None
        # A namespace that is being deleted lets nothing be created, not even an eviction.
        ending = any(row.get("reason") == "NamespaceTerminating" for row in err.causes)
        if err.status == HTTPStatus.TOO_MANY_REQUESTS or ending:
            return err
        raise
    return None


def _wait(api: Api, node: str, pods: Sequence[Object], how: Drain, end: float) -> list[Object]:
    """Wait until the pods are gone; gives those that are not waited for."""
    left = {pod["metadata"]["uid"]: pod for pod in pods}

    def until() -> float:
        if not how.silent:
            return end
        return min(end, time.monotonic() + max(map(_left_s, left.values())))

    if not left:
        return []
    for rows in watch(api, Watched(resource=PODS, fields=_on(node)), until):
        there = {row["metadata"]["uid"]: row for row in rows}
        left = {uid: there[uid] for uid in left if uid in there}
        if not left:
            return []
    if how.silent and all(_left_s(pod) <= 0 for pod in left.values()):
        return list(left.values())
    raise ClusterError(
        f"{api.server}: {node}: evicted, but not gone in time:"
        f" {', '.join(map(_name, left.values()))}",
        remedy="A pod ends when its kubelet has stopped it; see whether the node is reachable.",
        id="cluster.drain",
    )


def _on(node: str) -> str:
    return f"spec.nodeName={node}"


def _left_s(pod: Object) -> float:
    """Give the seconds until a pod's grace period is over; no end where nobody deletes it."""
    end = pod["metadata"].get("deletionTimestamp")
    if not end:
        return math.inf
    return (datetime.fromisoformat(end) - datetime.now(UTC)).total_seconds()


def _controller(pod: Object) -> tuple[str, str] | None:
    rows = pod["metadata"].get("ownerReferences") or ()
    found = next((row for row in rows if row.get("controller")), None)
    return (found["apiVersion"], found["kind"]) if found else None


def _ended(pod: Object) -> bool:
    return pod.get("status", {}).get("phase") in ENDED


def _name(pod: Object) -> str:
    meta = pod["metadata"]
    return f"{meta['namespace']}/{meta['name']}"
