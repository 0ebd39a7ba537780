"""Evictions of pods, which PodDisruptionBudgets may refuse.

Source: kubernetes/kubernetes:pkg/registry/core/pod/storage/eviction.go;
pkg/controller/disruption/disruption.go
"""

from __future__ import annotations

import math
from typing import Any

from wincnode.lab.cluster import status
from wincnode.lab.cluster.deletion import ENDED, deleted
from wincnode.lab.cluster.requests import Request
from wincnode.lab.cluster.selectors import selected_by
from wincnode.lab.cluster.status import Json
from wincnode.lab.cluster.store import Store

BUDGETS = "poddisruptionbudgets.policy"


def evict(store: Store, request: Request, pod: Json) -> Json:
    """Take a pod away if each budget allows it.

    Raises: ApiError.
    """
    meta = pod["metadata"]
    # What has ended is in nobody's budget.
    if pod.get("status", {}).get("phase") not in ENDED:
        for budget in store.rows(BUDGETS, meta["namespace"]):
            if selected_by(budget["spec"].get("selector", {}), meta.get("labels", {})):
                _refuse(store, budget)
    if not request.dry:
        deleted(store, "pods", pod)
    return status.success()


def _refuse(store: Store, budget: Json) -> None:
    spec = budget["spec"]
    pods = [
        pod
        for pod in store.rows("pods", budget["metadata"]["namespace"])
        if selected_by(spec.get("selector", {}), pod["metadata"].get("labels", {}))
    ]
    healthy = sum(_is_ready(pod) for pod in pods)
    needed = _needed(spec, len(pods))
    if healthy <= needed:
        name = budget["metadata"]["name"]
        text = f"The disruption budget {name} needs {needed} healthy pods and has {healthy} "
        cause = {"reason": "DisruptionBudget", "message": f"{text}currently"}
        raise status.ApiError(
            429,
            "TooManyRequests",
            "Cannot evict pod as it would violate the pod's disruption budget.",
            causes=[cause],
        )


def _is_ready(pod: Json) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(row["type"] == "Ready" and row["status"] == "True" for row in conditions)


def _needed(spec: Json, expected: int) -> int:
    if "minAvailable" in spec:
        return _share(spec["minAvailable"], expected)
    return max(0, expected - _share(spec.get("maxUnavailable", 1), expected))


def _share(value: Any, whole: int) -> int:
    """Give a number, or a percentage rounded up."""
    text = str(value)
    return math.ceil(whole * int(text[:-1]) / 100) if text.endswith("%") else int(text)
