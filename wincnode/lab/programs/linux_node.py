"""A Linux node of a lab's cluster: a Node that is Ready, and pods that take part in its network.

Beside Windows nodes it is what tests of the network need of Linux, and no more: no lease, no logs,
no images but by their names.
Source: kubernetes/kubernetes:pkg/kubelet/kubelet_node_status.go@v1.36.3 (labels);
cmd/kubeadm/app/constants/constants.go@v1.36.3 (the taint of a control plane)
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from wincnode.lab.cluster import authority
from wincnode.lab.cluster.authority import Authority
from wincnode.lab.programs import images, pod_status, pod_watch
from wincnode.lab.programs.api import ApiFailed, Client
from wincnode.lab.programs.wire import Line

Json: TypeAlias = dict[str, Any]
CONTROL_PLANE: Json = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
LINGER_S = 1.0


class Plane(Protocol):
    """The control plane that it registers with; what it writes goes to its folder."""

    folder: Path
    authority: Authority

    @property
    def server(self) -> str:
        """Its address."""

    @property
    def ca_pem(self) -> str:
        """The certificate of its authority."""

    @property
    def kubernetes(self) -> str:
        """Its version."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LinuxNode:
    """What its kubelet knows; `line` is its end of the wire, whose losses are its own."""

    client: Client
    node: str
    address: str
    line: Line
    ended: threading.Event = field(default_factory=threading.Event)

    def register(self, kubernetes: str, taints: Sequence[Json]) -> None:
        """Register a Node that is Ready.

        Raises: ApiFailed.
        """
        labels = {f"kubernetes.io/{name}": value for name, value in self._labels().items()}
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
        status = {
            "addresses": [{"type": "InternalIP", "address": self.address}],
            "conditions": [{**ready, "message": "kubelet is posting ready status"}],
            "nodeInfo": {
                "kubeletVersion": f"v{kubernetes.removeprefix('v')}",
                "operatingSystem": "linux",
                "architecture": "amd64",
                "containerRuntimeVersion": "containerd://2.3.7",
                "kernelVersion": "6.12.0",
                "osImage": "Linux",
            },
        }
        body: Json = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.node, "labels": labels},
            "spec": {"taints": list(taints)} if taints else {},
            "status": status,
        }
        self.client.call("POST", "/api/v1/nodes", body)
        self.line.wire.attach(self.node, self.address)

    def _labels(self) -> dict[str, str]:
        return {"os": "linux", "arch": "amd64", "hostname": self.node}

    def goes_on(self) -> bool:
        """Tell whether the node is there."""
        return not self.ended.is_set()

    def run(self, pod: Json) -> None:
        """Start a pod that is new, take away one that is to end, and leave others as they are."""
        with contextlib.suppress(ApiFailed):
            if pod["metadata"].get("deletionTimestamp"):
                self.line.wire.leave(pod["metadata"]["uid"])
                pod_status.take_away(self.client, pod)
            elif pod.get("status", {}).get("phase", "Pending") == "Pending":
                found = self._started(pod)
                if found != pod.get("status"):
                    pod_status.tell(self.client, pod, found)

    def _started(self, pod: Json) -> Json:
        for row in pod["spec"]["containers"]:
            if not images.has_linux(row["image"]):
                text = f'failed to pull and unpack image "{images.normal(row["image"])}": '
                text = f"rpc error: code = NotFound desc = {text}no match for platform in manifest"
                there: Json = pod.get("status") or {}
                told = [one.get("state") for one in there.get("containerStatuses") or ()]
                found = pod_status.not_pulled(self, pod, f"{text}: not found")
                states = [one["state"] for one in found["containerStatuses"]]
                return there if told == states else found
        return pod_status.started(self, pod)


@contextmanager
def linux_node(
    plane: Plane, line: Line, *, name: str, address: str, taints: Sequence[Json] = ()
) -> Iterator[LinuxNode]:
    """Let a Linux node take part in a cluster and in the network of its pods."""
    key, key_pem = authority.new_key()
    subject = authority.named(f"system:node:{name}", ("system:nodes",))
    pem = plane.folder / f"{name}.pem"
    pem.touch(mode=0o600)
    certificate = plane.authority.issue(subject, key.public_key(), usage=authority.CLIENT)
    pem.write_text(certificate + key_pem, encoding="ascii")
    client = Client(server=plane.server, ca=plane.ca_pem, pem=pem, agent="kubelet")
    line.system = "linux"
    made = LinuxNode(client=client, node=name, address=address, line=line)
    made.register(plane.kubernetes, taints)
    thread = threading.Thread(
        target=pod_watch.follow,
        args=(client, name, made.run),
        kwargs={"goes_on": made.goes_on, "ended": made.ended},
        daemon=True,
    )
    thread.start()
    try:
        yield made
    finally:
        made.ended.set()
        thread.join(LINGER_S)
