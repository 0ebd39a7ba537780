"""What a lab node's kubelet makes of a pod, and tells of it: as far as images and network decide.

Source: kubernetes/kubernetes:pkg/kubelet/kubelet_pods.go, pkg/kubelet/status/status_manager.go,
pkg/kubelet/images/{types,image_manager}.go, pkg/kubelet/events/event.go@v1.36.3;
containerd/containerd:internal/cri/server/{container_start,helpers}.go@v2.3.7
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from wincnode.lab.programs import agnhost, images
from wincnode.lab.programs.api import STRATEGIC, ApiFailed, Client
from wincnode.lab.programs.containerd import Containerd, Runtime, pull
from wincnode.lab.programs.kubelet_log import Log
from wincnode.lab.programs.wire import Line
from wincnode.lab.windows.machine import Machine

Json: TypeAlias = dict[str, Any]
ENDED = frozenset({"Succeeded", "Failed"})
POD_IP = "10.244.1.2"
NO_MATCH = "no match for platform in manifest: not found"


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """What pods find on their node.

    Args: node: its name. address: its own. line: by which pods reach each other.
    """

    machine: Machine
    containerd: Containerd
    client: Client
    log: Log
    node: str
    address: str
    line: Line


@dataclass(frozen=True, kw_only=True, slots=True)
class _Problem:
    """Why a container does not run: the event's reason, and the container's state."""

    event: str
    message: str
    state: Json
    ended: bool = False


def handle(host: Host, pod: Json, work: Callable[[], None]) -> None:
    """Start a pod that is new, take away one that is to end, and leave others as they are.

    Args: work: what the pod does on the node as long as it runs.
    Raises: ApiFailed.
    """
    if pod["metadata"].get("deletionTimestamp"):
        host.line.wire.leave(pod["metadata"]["uid"])
        _take_away(host.client, pod)
        return
    runtime, on_host = host.containerd.running, bool(pod["spec"].get("hostNetwork"))
    phase = pod.get("status", {}).get("phase", "Pending")
    without_network = bool(host.containerd.network()) and not on_host
    if runtime is None or phase in ENDED or without_network:
        return
    problem = _problem(host.machine, runtime, pod)
    if problem is None:
        work()
        if phase == "Pending":
            _tell(host.client, pod, _running(host, pod))
        return
    status = _stopped(host, pod, problem)
    if _states(pod.get("status", {})) != _states(status):
        host.log.error("Error syncing pod, skipping", err=problem.message)
        # What failed is recorded where it fails; the status follows from the next look.
        _post_event(host, pod, problem)
        _tell(host.client, pod, status)


def _problem(machine: Machine, runtime: Runtime, pod: Json) -> _Problem | None:
    """Find what keeps a pod from running; what is missing is fetched."""
    build, sandbox = machine.profile.build, runtime.config.sandbox
    if sandbox and not images.fits(sandbox, build):
        text = f'failed to get sandbox image "{sandbox}": {_not_pulled(sandbox)}'
        waiting = {"waiting": {"reason": "ContainerCreating"}}
        return _Problem(event="FailedCreatePodSandBox", message=text, state=waiting)
    if sandbox:
        # Beside the images of containers it is small, and takes no time here.
        runtime.images.add(images.normal(sandbox))
    spec = pod["spec"]
    # One after the other, as without maxParallelImagePulls.
    for row in (*(spec.get("initContainers") or ()), *spec["containers"]):
        image = row["image"]
        there = images.normal(image) in runtime.images.rows()
        fits = images.fits(image, build)
        if not there and images.is_index(image) and not fits:
            text = f"rpc error: code = NotFound desc = {_not_pulled(image)}"
            waiting = {"waiting": {"reason": "ErrImagePull", "message": text}}
            return _Problem(event="Failed", message=text, state=waiting)
        pull(machine, runtime, image, in_step=False)
        if not fits:
            return _mismatch()
    return None


def _not_pulled(image: str) -> str:
    return f'failed to pull and unpack image "{images.normal(image)}": {NO_MATCH}'


def _mismatch() -> _Problem:
    """Give how a container ends that Windows does not start; 0xc0370101 of the compute service."""
    text = "failed to create containerd task: failed to create shim task: "
    text += "hcs::CreateComputeSystem 4f: The container operating system does not match the host "
    text += "operating system.: unknown"
    ended = {"terminated": {"exitCode": 128, "reason": "StartError", "message": text}}
    return _Problem(event="Failed", message=text, state=ended, ended=True)


def _tested(host: Host, pod: Json) -> Json:
    """Give the status of a pod of agnhost, whose containers do what they are told."""
    services = host.client.call("GET", "/api/v1/services")["items"]
    address = host.line.wire.address(host.node, pod["metadata"]["uid"])
    ends = [
        agnhost.run(row, pod, host.line, host.node, services) for row in pod["spec"]["containers"]
    ]
    goes_on = None in ends
    failed = any(row is not None and row.code for row in ends)
    phase = "Running" if goes_on else "Failed" if failed else "Succeeded"
    status = _status(host, pod, phase, {"running": {"startedAt": _now()}}, ready=goes_on)
    for row, end in zip(status["containerStatuses"], ends, strict=True):
        if end is not None:
            row |= {"state": _ended(end), "ready": False, "started": False}
    return {**status, "podIP": address}


def _ended(end: agnhost.Ended) -> Json:
    """Give how a container ended; the end of its log is told of an error alone.

    Source: kubernetes/api:core/v1/types.go@v0.36.3 (TerminationMessageFallbackToLogsOnError)
    """
    reason = "Error" if end.code else "Completed"
    ended = {"exitCode": end.code, "reason": reason, "finishedAt": _now()}
    return {"terminated": {**ended, **({"message": end.said} if end.code else {})}}


def _running(host: Host, pod: Json) -> Json:
    """Give the status of a pod that has started; one that may end, and need not wait, has ended."""
    if all(agnhost.is_one(row) for row in pod["spec"]["containers"]):
        return _tested(host, pod)
    spec, now = pod["spec"], _now()
    stays = spec.get("restartPolicy") != "Never" or all(
        images.normal(row["image"]).rpartition(":")[0].endswith("/pause")
        for row in spec["containers"]
    )
    ended = {"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": now}}
    state = {"running": {"startedAt": now}} if stays else ended
    phase = "Running" if stays else "Succeeded"
    address = host.address if spec.get("hostNetwork") else POD_IP
    return {**_status(host, pod, phase, state, ready=stays), "podIP": address}


def _stopped(host: Host, pod: Json, problem: _Problem) -> Json:
    final = problem.ended and pod["spec"].get("restartPolicy") == "Never"
    return _status(host, pod, "Failed" if final else "Pending", problem.state, ready=False)


def _status(host: Host, pod: Json, phase: str, state: Json, *, ready: bool) -> Json:
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
        "hostIP": host.address,
        "startTime": pod.get("status", {}).get("startTime") or _now(),
        "conditions": [
            {"type": "Ready", "status": str(ready)},
            {"type": "Initialized", "status": "True"},
        ],
        "containerStatuses": rows,
    }


def _tell(client: Client, pod: Json, status: Json) -> None:
    client.call("PATCH", f"{_path(pod)}/status", {"status": status}, STRATEGIC)


def _states(status: Json) -> list[Json]:
    return [row.get("state", {}) for row in status.get("containerStatuses") or ()]


def _take_away(client: Client, pod: Json) -> None:
    """Tell that a pod has ended, which deletes it."""
    body = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
    try:
        client.call("DELETE", _path(pod), body)
    except ApiFailed as error:
        if error.code not in {404, 409}:
            raise


def _post_event(host: Host, pod: Json, problem: _Problem) -> None:
    meta, now = pod["metadata"], _now()
    names = {"name": meta["name"], "namespace": meta["namespace"]}
    body = {
        "metadata": {**names, "name": f"{meta['name']}.{secrets.token_hex(8)}"},
        "involvedObject": {"kind": "Pod", "apiVersion": "v1", "uid": meta["uid"], **names},
        "type": "Warning",
        "reason": problem.event,
        "message": problem.message,
        "source": {"component": "kubelet", "host": host.node},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
    host.client.call("POST", f"/api/v1/namespaces/{meta['namespace']}/events", body)


def _path(pod: Json) -> str:
    meta = pod["metadata"]
    return f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
