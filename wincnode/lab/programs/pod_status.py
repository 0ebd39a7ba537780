"""What a lab node's kubelet tells of a pod, on Windows and on Linux alike.

Source: kubernetes/kubernetes:pkg/kubelet/{kubelet_pods,status/status_manager}.go@v1.36.3
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias

from wincnode.lab.programs import agnhost, images
from wincnode.lab.programs.api import STRATEGIC, ApiFailed, Client
from wincnode.lab.programs.wire import Line

Json: TypeAlias = dict[str, Any]
POD_IP = "10.244.1.2"


class Home(Protocol):
    """The node of a pod: its name and address, how it speaks to the cluster, and its wire."""

    @property
    def client(self) -> Client:
        """Speaks to the cluster as the node."""

    @property
    def node(self) -> str:
        """Its name."""

    @property
    def address(self) -> str:
        """Its own address."""

    @property
    def line(self) -> Line:
        """By which its pods reach others."""


def started(home: Home, pod: Json) -> Json:
    """Give the status of a pod that has started; one that may end, and need not wait, has ended."""
    if all(agnhost.is_one(row) for row in pod["spec"]["containers"]):
        return _tested(home, pod)
    spec = pod["spec"]
    stays = spec.get("restartPolicy") != "Never" or all(
        images.normal(row["image"]).rpartition(":")[0].endswith("/pause")
        for row in spec["containers"]
    )
    ended = {"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": now()}}
    state = {"running": {"startedAt": now()}} if stays else ended
    phase = "Running" if stays else "Succeeded"
    address = home.address if spec.get("hostNetwork") else POD_IP
    return {**status(home, pod, phase, state, ready=stays), "podIP": address}


def _tested(home: Home, pod: Json) -> Json:
    """Give the status of a pod of agnhost, whose containers do what they are told."""
    services = home.client.call("GET", "/api/v1/services")["items"]
    address = home.line.wire.address(home.node, pod["metadata"]["uid"])
    ends = [
        agnhost.run(row, pod, home.line, home.node, services) for row in pod["spec"]["containers"]
    ]
    goes_on = None in ends
    failed = any(row is not None and row.code for row in ends)
    phase = "Running" if goes_on else "Failed" if failed else "Succeeded"
    found = status(home, pod, phase, {"running": {"startedAt": now()}}, ready=goes_on)
    for row, end in zip(found["containerStatuses"], ends, strict=True):
        if end is not None:
            row |= {"state": _ended(end), "ready": False, "started": False}
    return {**found, "podIP": address}


def _ended(end: agnhost.Ended) -> Json:
    """Give how a container ended; the end of its log is told of an error alone.

    Source: kubernetes/api:core/v1/types.go@v0.36.3 (TerminationMessageFallbackToLogsOnError)
    """
    reason = "Error" if end.code else "Completed"
    ended = {"exitCode": end.code, "reason": reason, "finishedAt": now()}
    return {"terminated": {**ended, **({"message": end.said} if end.code else {})}}


def status(home: Home, pod: Json, phase: str, state: Json, *, ready: bool) -> Json:
    """Give a status whose containers are all in one state."""
    rows = [
        {
            "name": row["name"],
            "image": row["image"],
            "imageID": row["image"] if phase != "Pending" else "",
            "ready": ready,
            "started": ready,
            "restartCount": 0,
            "state": state,
        }
        for row in pod["spec"]["containers"]
    ]
    return {
        "phase": phase,
        "hostIP": home.address,
        "startTime": pod.get("status", {}).get("startTime") or now(),
        "conditions": [
            {"type": "Ready", "status": str(ready)},
            {"type": "Initialized", "status": "True"},
        ],
        "containerStatuses": rows,
    }


def not_pulled(home: Home, pod: Json, text: str) -> Json:
    """Give the status of a pod whose image cannot be had."""
    waiting = {"waiting": {"reason": "ErrImagePull", "message": text}}
    return status(home, pod, "Pending", waiting, ready=False)


def tell(client: Client, pod: Json, found: Json) -> None:
    """Tell a pod's status.

    Raises: ApiFailed.
    """
    client.call("PATCH", f"{path(pod)}/status", {"status": found}, STRATEGIC)


def take_away(client: Client, pod: Json) -> None:
    """Tell that a pod has ended, which deletes it.

    Raises: ApiFailed.
    """
    body = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
    try:
        client.call("DELETE", path(pod), body)
    except ApiFailed as error:
        if error.code not in {404, 409}:
            raise


def path(pod: Json) -> str:
    """Give where a pod stands."""
    meta = pod["metadata"]
    return f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"


def now() -> str:
    """Give the time as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
