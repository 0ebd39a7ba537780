"""What a Ready Node shows last: a pod runs on it, of the image that every pod there starts with.

It is kubeadm's own check of a cluster, bound to one node: in kube-system, the pause image, not as
root, with a deadline. So nothing is pulled that other pods do not pull.
Source: kubernetes/kubernetes:cmd/kubeadm/app/phases/upgrade/health.go@v1.36.3 (createJob)
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from wincnode.cluster.api import EVENTS, NODES, PODS, Api, Object
from wincnode.cluster.bound_pods import NAMESPACE, bound
from wincnode.cluster.stages import Stage, StageMissed
from wincnode.cluster.watch import Watched, watch
from wincnode.errors import ClusterError
from wincnode.events import printable

LABELS: Mapping[str, str] = {
    "app.kubernetes.io/managed-by": "wincnode",
    "app.kubernetes.io/component": "probe",
}
# On a Node: what was proven of it, and with which versions.
PROVEN = "wincnode/proven"
TIMEOUT_S = 300.0
MOST_EVENTS = 5
# How an API server says that a quota, a policy or a webhook lets no such pod in; the last one where
# a webhook does not answer.
# Source: kubernetes/apiserver:pkg/admission/errors.go, and below pkg/admission/plugin
# webhook/errors/statuserror.go, policy/validating/dispatcher.go, webhook/mutating/dispatcher.go,
# all @v0.36.3
REFUSALS = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.INTERNAL_SERVER_ERROR,
    }
)


# How it says that a webhook, which would have effects of its own, is not called in a dry run.
# Source: NewDryRunUnsupportedErr in kubernetes/apiserver@v0.36.3,
# pkg/admission/plugin/webhook/errors/statuserror.go
NO_DRY_RUN = "does not support dry run"


class PodRefused(ClusterError):
    """The cluster takes no such pod: a quota, a policy or a webhook is against it."""


def pod(node: str, image: str, *, run: str, timeout_s: float = TIMEOUT_S) -> Object:
    """Give the pod that is bound to a Node."""
    text = node[:200].replace(".", "-").rstrip("-")
    container = {
        "name": "probe",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "resources": {"requests": {"cpu": "10m", "memory": "20Mi"}},
    }
    name = f"wincnode-probe-{text}-{run}"
    return bound(node, name, [container], labels=LABELS, limit_s=timeout_s)


def is_ours(pod: Object) -> bool:
    """Tell whether a pod is one of these, left by a client that was killed."""
    labels = pod["metadata"].get("labels") or {}
    return all(labels.get(name) == value for name, value in LABELS.items())


def has_run(pod: Object) -> bool:
    """Tell whether a pod has an address, and its container runs or has ended well."""
    state = pod.get("status", {})
    rows = state.get("containerStatuses") or ()
    runs = state.get("phase") == "Running" and bool(rows) and all(row["ready"] for row in rows)
    return bool(state.get("podIP")) and (runs or state.get("phase") == "Succeeded")


def stage(image: str, timeout_s: float = TIMEOUT_S) -> Stage:
    """Give the stage that a Node passes when the pod has run."""
    return Stage(name=f"proven by a pod of {image}", holds=has_run, timeout_s=timeout_s)


def prove(api: Api, node: str, wanted: Stage, image: str, *, run: str) -> None:
    """Let a pod run on a Node, and take it away, with those that a killed client has left there.

    Raises: StageMissed, PodRefused, ClusterError.
    """
    made = pod(node, image, run=run, timeout_s=wanted.timeout_s)
    end = time.monotonic() + wanted.timeout_s
    seen: Object | None = None
    sent = gone = False
    try:
        for rows in watch(api, _ours(node), lambda: end):
            uid = made["metadata"].get("uid")
            if uid is None:
                _remove(api, [row for row in rows if not _ends(row)])
                _rehearse(api, made)
                sent = True
                made = created(api, made)
                continue
            there = next((row for row in rows if row["metadata"]["uid"] == uid), None)
            if there is not None and wanted.holds(there):
                return
            gone = seen is not None and there is None
            seen = there or seen
            if gone or (there is not None and _phase(there) == "Failed"):
                break
    finally:
        if sent:
            _remove(api, [made])
    said = "\n".join((_said(made, seen, gone=gone), *_events(api, made)))
    text = f"{api.server}: the Node {node} is not {wanted.name}, given {wanted.timeout_s:.0f} s"
    raise StageMissed(f"{text}: {said}", stage=wanted, seen=seen)


def _ours(node: str) -> Watched:
    labels = ",".join(f"{name}={value}" for name, value in LABELS.items())
    return Watched(
        resource=PODS, namespace=NAMESPACE, fields=f"spec.nodeName={node}", labels=labels
    )


def _rehearse(api: Api, made: Object) -> None:
    """Ask whether the cluster takes the pod: where it never does, a join changes nothing by asking.

    Quotas count no dry run, and policies judge it like any other request.
    Source: kubernetes/apiserver:pkg/admission/plugin/resourcequota/controller.go@v0.36.3
    """
    try:
        created(api, made, dry_run=True)
    except PodRefused as error:
        if NO_DRY_RUN not in error.message:
            raise


def created(api: Api, made: Object, *, dry_run: bool = False) -> Object:
    """Create a pod.

    Raises: PodRefused: the cluster takes no such pod. ClusterError.
    """
    try:
        return api.create(PODS, made, namespace=NAMESPACE, dry_run=dry_run)
    except ClusterError as error:
        if error.status not in REFUSALS:
            raise
        raise PodRefused(error.message, id=error.id, status=error.status) from error


def _remove(api: Api, pods: Sequence[Object]) -> None:
    for row in pods:
        meta = row["metadata"]
        api.delete(PODS, meta["name"], namespace=NAMESPACE, uid=meta.get("uid", ""))


def _ends(pod: Object) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _phase(pod: Object) -> str:
    return str(pod.get("status", {}).get("phase", "Pending"))


def _said(made: Object, seen: Object | None, *, gone: bool) -> str:
    """Say in a line how far the pod has come."""
    name = f"the pod {NAMESPACE}/{made['metadata']['name']}"
    if seen is None:
        return f"{name} was not seen"
    if gone:
        return f"{name} was deleted by somebody else"
    state = seen.get("status", {})
    rows = [state, *map(_state, state.get("containerStatuses") or ())]
    words = (": ".join(filter(None, (row.get("reason"), row.get("message")))) for row in rows)
    why = "; ".join(filter(None, words)) or "nothing more is told"
    return printable(f"{name} was last seen as {_phase(seen)}: {why}")


def _state(status: Object) -> Mapping[str, Any]:
    """Give why a container waits or has ended; nothing of one that runs."""
    state = status.get("state") or {}
    found: Mapping[str, Any] = state.get("waiting") or state.get("terminated") or {}
    return found


def _events(api: Api, made: Object) -> Iterator[str]:
    """Give what the kubelet told of the pod, a line each; of a sandbox it tells nowhere else."""
    uid = made["metadata"].get("uid", "")
    try:
        found = api.list(EVENTS, namespace=NAMESPACE, fields=f"involvedObject.uid={uid}").items
    except ClusterError:
        # That the stage was missed must not get lost.
        return
    rows = sorted(found, key=lambda row: str(row.get("lastTimestamp")))
    for row in rows[-MOST_EVENTS:]:
        yield printable(f"event of the pod: {row.get('reason')}: {row.get('message')}")


def proof(node: Object, image: str) -> str:
    """Give what a pod proves: its image, on the versions that the Node has."""
    info = node["status"]["nodeInfo"]
    names = ("kubeletVersion", "containerRuntimeVersion", "kernelVersion")
    return f"{image} on {', '.join(info[name] for name in names)}"


def is_proven(node: Object, image: str) -> bool:
    """Tell whether a pod of the image has run on the Node with the versions that it has."""
    notes = node["metadata"].get("annotations") or {}
    return bool(notes.get(PROVEN) == proof(node, image))


def note(api: Api, node: Object, image: str) -> None:
    """Note on a Node that it is proven, so that it is not proven again.

    Raises: ClusterError.
    """
    patch = {"metadata": {"annotations": {PROVEN: proof(node, image)}}}
    api.patch(NODES, node["metadata"]["name"], patch)
