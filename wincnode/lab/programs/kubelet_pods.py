"""What a lab node's kubelet makes of a pod, and tells of it: as far as images and network decide.

Source: kubernetes/kubernetes:pkg/kubelet/kubelet_pods.go, pkg/kubelet/status/status_manager.go,
pkg/kubelet/images/{types,image_manager}.go, pkg/kubelet/events/event.go@v1.36.3;
containerd/containerd:internal/cri/server/{container_start,helpers}.go@v2.3.7
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from wincnode.lab.programs import images, pod_status
from wincnode.lab.programs.api import Client
from wincnode.lab.programs.containerd import Containerd, Runtime, pull
from wincnode.lab.programs.kubelet_log import Log
from wincnode.lab.programs.wire import Line
from wincnode.lab.windows.machine import Machine

Json: TypeAlias = dict[str, Any]
ENDED = frozenset({"Succeeded", "Failed"})
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
        pod_status.take_away(host.client, pod)
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
            pod_status.tell(host.client, pod, pod_status.started(host, pod))
        return
    status = _stopped(host, pod, problem)
    if _states(pod.get("status", {})) != _states(status):
        host.log.error("Error syncing pod, skipping", err=problem.message)
        # What failed is recorded where it fails; the status follows from the next look.
        _post_event(host, pod, problem)
        pod_status.tell(host.client, pod, status)


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


def _stopped(host: Host, pod: Json, problem: _Problem) -> Json:
    final = problem.ended and pod["spec"].get("restartPolicy") == "Never"
    phase = "Failed" if final else "Pending"
    return pod_status.status(host, pod, phase, problem.state, ready=False)


def _states(status: Json) -> list[Json]:
    return [row.get("state", {}) for row in status.get("containerStatuses") or ()]


def _post_event(host: Host, pod: Json, problem: _Problem) -> None:
    meta, now = pod["metadata"], pod_status.now()
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
