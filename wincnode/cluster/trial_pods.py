"""The pods and the service of a network's test: values alone.

A server runs on each node, behind one service. A pod on each node has a container for each thing
that it tries, so that its status says what came of it: nothing is executed in it, no log is read,
and nothing of the node need be reachable from here.
The image is Kubernetes' own for such tests, as its documentation uses it.
Source: kubernetes/kubernetes:test/images/agnhost/{netexec,connect}@81810de6;
kubernetes.io/docs/tutorials/hello-minikube
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from wincnode.cluster.api import SERVICES, Object
from wincnode.cluster.bound_pods import NAMESPACE, bound
from wincnode.cluster.trials import PORT, SERVER_PORT, Attempt

IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.53"
PREFIX = "wincnode-net"
OWNED: Mapping[str, str] = {
    "app.kubernetes.io/managed-by": "wincnode",
    "app.kubernetes.io/component": "network-test",
}
RUN = "wincnode/run"
ROLE = "wincnode/role"
CONNECT_S = 5
Role = Literal["server", "client"]


def name_of(run: str) -> str:
    """Give the name of a run's service, by which pods look it up."""
    return f"{PREFIX}-{run}"


def labels(run: str, role: Role) -> dict[str, str]:
    """Give the labels of what a run makes."""
    return {**OWNED, RUN: run, ROLE: role}


def selector(run: str = "") -> str:
    """Give the selector of what a run made, or every run."""
    wanted = {**OWNED, **({RUN: run} if run else {})}
    return ",".join(f"{name}={value}" for name, value in wanted.items())


def service(run: str) -> Object:
    """Give the service before the servers of a run."""
    return {
        "apiVersion": SERVICES.api_version,
        "kind": SERVICES.kind,
        "metadata": {
            "name": name_of(run),
            "namespace": NAMESPACE,
            "labels": labels(run, "server"),
        },
        "spec": {
            "type": "NodePort",
            "selector": labels(run, "server"),
            "ports": [{"name": "http", "protocol": "TCP", "port": PORT, "targetPort": SERVER_PORT}],
        },
    }


def server(node: str, image: str, *, run: str, limit_s: float) -> Object:
    """Give the pod that answers on a node."""
    rows = [_container("server", image, ["netexec", f"--http-port={SERVER_PORT}"])]
    name = f"{PREFIX}-server-{_short(node)}-{run}"
    return bound(node, name, rows, labels=labels(run, "server"), limit_s=limit_s)


def client(
    node: str, image: str, attempts: Sequence[Attempt], *, run: str, number: int, limit_s: float
) -> Object:
    """Give the pod that tries from a node; its containers are called by the attempts' places."""
    rows = [
        _container(f"t{place}", image, ["connect", row.place, f"--timeout={CONNECT_S}s"])
        for place, row in enumerate(attempts)
    ]
    name = f"{PREFIX}-client-{number}-{_short(node)}-{run}"
    return bound(node, name, rows, labels=labels(run, "client"), limit_s=limit_s)


def _short(node: str) -> str:
    return node[:180].replace(".", "-").rstrip("-")


def _container(name: str, image: str, args: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "args": args,
        "imagePullPolicy": "IfNotPresent",
        # What it prints last is in the pod's status: no log need be read.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": {"requests": {"cpu": "10m", "memory": "20Mi"}},
    }
