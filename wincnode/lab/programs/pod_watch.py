"""How a lab node's kubelet hears of the pods that are given to its node."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeAlias

from wincnode.lab.programs.api import ApiFailed, Client

Json: TypeAlias = dict[str, Any]
RETRY_S = 1.0
WATCH_S = 30.0


def follow(
    client: Client,
    node: str,
    run: Callable[[Json], None],
    *,
    goes_on: Callable[[], bool],
    ended: threading.Event,
) -> None:
    """Hand each pod of a node on, and again when it changes, until the kubelet ends."""
    path = f"/api/v1/pods?fieldSelector=spec.nodeName%3D{node}"
    while goes_on():
        try:
            found = client.call("GET", path)
            for pod in found["items"]:
                run(pod)
            version = found["metadata"]["resourceVersion"]
            watch = f"{path}&watch=1&resourceVersion={version}&timeoutSeconds=5"
            for event in client.watch(watch, WATCH_S):
                if event["type"] in {"ADDED", "MODIFIED"}:
                    run(event["object"])
                if not goes_on():
                    return
        except ApiFailed:
            ended.wait(RETRY_S)
