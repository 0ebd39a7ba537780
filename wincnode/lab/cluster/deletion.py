"""How objects end: a pod that a kubelet runs is marked, and goes when that kubelet has ended it.

Source: kubernetes/kubernetes:pkg/registry/core/pod/strategy.go (CheckGracefulDelete);
kubernetes/apiserver:pkg/registry/rest/delete.go (BeforeDelete)
"""

from __future__ import annotations

from datetime import timedelta

from wincnode.lab.cluster.status import Json
from wincnode.lab.cluster.store import Store

# What has ended, nobody has to end.
ENDED = frozenset({"Succeeded", "Failed"})


def deleted(store: Store, resource: str, object: Json, asked_s: int | None = None) -> Json | None:
    """Delete an object; gives it where it is a pod that is still there, and marked.

    Args: asked_s: seconds for it to end in; what the pod itself says without them.
    """
    meta = object["metadata"]
    left_s = _left_s(object, asked_s) if resource == "pods" else 0
    if left_s == 0:
        store.delete(resource, meta["name"], meta.get("namespace", ""))
        return None
    if meta.get("deletionTimestamp"):
        return object
    end = (store.now() + timedelta(seconds=left_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
    mark = {"deletionTimestamp": end, "deletionGracePeriodSeconds": left_s}
    return store.put(resource, {**object, "metadata": {**meta, **mark}})


def _left_s(pod: Json, asked_s: int | None) -> int:
    spec = pod["spec"]
    if not spec.get("nodeName") or pod.get("status", {}).get("phase") in ENDED:
        return 0
    seconds = spec.get("terminationGracePeriodSeconds", 0) if asked_s is None else asked_s
    return int(seconds) if seconds >= 0 else 1
