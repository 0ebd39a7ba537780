"""The pods and the service of a network's test: values alone.

A server runs on each node, behind one service; that of a Linux node stands beside it. A pod on each
node has a container for each thing that it tries, so that its status says what came of it: nothing
is executed in it, no log is read, and nothing of the node need be reachable from here.
The image is Kubernetes' own for such tests, as its documentation uses it: it has builds for Linux
and Windows, and curl in them.
Source: kubernetes/kubernetes:test/images/agnhost/{netexec,connect}@81810de6,
test/images/agnhost/{BASEIMAGE,Dockerfile,Dockerfile_windows};
kubernetes.io/docs/tutorials/hello-minikube
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from wincnode.cluster.api import SERVICES, Object
from wincnode.cluster.bound_pods import NAMESPACE, System, bound
from wincnode.cluster.trials import LARGE_BYTES, PORT, SERVER_PORT, UDP_PORT, Attempt

IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.53"
PREFIX = "wincnode-net"
OWNED: Mapping[str, str] = {
    "app.kubernetes.io/managed-by": "wincnode",
    "app.kubernetes.io/component": "network-test",
}
RUN = "wincnode/run"
ROLE = "wincnode/role"
# An annotation: whose test it is.
OPERATOR = "wincnode/operator"
CONNECT_S = 5
# Where curl leaves what it got.
NOWHERE: Mapping[System, str] = {"windows": "NUL", "linux": "/dev/null"}
# A beside is a server that the service does not lead to.
Role = Literal["server", "beside", "client"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Maker:
    """Whose pods and service they are.

    Args: run: a word that no other test has. operator: who tests, for others who find them.
        images: of the pods of each system.
    """

    run: str
    operator: str = ""
    images: Mapping[System, str]


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


def service(maker: Maker) -> Object:
    """Give the service before the servers of a run."""
    made = {
        "apiVersion": SERVICES.api_version,
        "kind": SERVICES.kind,
        "metadata": {
            "name": name_of(maker.run),
            "namespace": NAMESPACE,
            "labels": labels(maker.run, "server"),
        },
        "spec": {
            "type": "NodePort",
            "selector": labels(maker.run, "server"),
            "ports": [{"name": "http", "protocol": "TCP", "port": PORT, "targetPort": SERVER_PORT}],
        },
    }
    return _signed(made, maker)


def server(node: str, maker: Maker, *, limit_s: float, system: System = "windows") -> Object:
    """Give the pod that answers on a node."""
    ports = [f"--http-port={SERVER_PORT}", f"--udp-port={UDP_PORT}"]
    role: Role = "server" if system == "windows" else "beside"
    made = bound(
        node,
        f"{PREFIX}-server-{_short(node)}-{maker.run}",
        [_container("server", maker.images[system], {"args": ["netexec", *ports]})],
        labels=labels(maker.run, role),
        limit_s=limit_s,
        system=system,
    )
    return _signed(made, maker)


def client(
    node: str,
    maker: Maker,
    attempts: Sequence[Attempt],
    *,
    number: int,
    limit_s: float,
    system: System = "windows",
) -> Object:
    """Give the pod that tries from a node; its containers are called by the attempts' places."""
    rows = [
        _container(f"t{place}", maker.images[system], _words(row, system))
        for place, row in enumerate(attempts)
    ]
    made = bound(
        node,
        f"{PREFIX}-client-{number}-{_short(node)}-{maker.run}",
        rows,
        labels=labels(maker.run, "client"),
        limit_s=limit_s,
        system=system,
    )
    return _signed(made, maker)


def _words(attempt: Attempt, system: System) -> dict[str, list[str]]:
    """Give what a container of the image is told to try.

    Source: the server answers /echo with what it was sent, and the datagram `hostname` that connect
    sends, kubernetes/kubernetes:test/images/agnhost/netexec/netexec.go@81810de6
    """
    match attempt.how:
        case "large":
            flags = ["--silent", "--show-error", "--fail", "--globoff"]
            flags += ["--max-time", str(CONNECT_S), "--output", NOWHERE[system]]
            url = f"http://{attempt.place}/echo?msg={'x' * LARGE_BYTES}"
            return {"command": ["curl"], "args": [*flags, url]}
        case "udp":
            how = ["--protocol=udp"]
        case _:
            how = []
    return {"args": ["connect", attempt.place, f"--timeout={CONNECT_S}s", *how]}


def _signed(made: Object, maker: Maker) -> Object:
    """Let an object say whose it is."""
    if not maker.operator:
        return made
    return {**made, "metadata": {**made["metadata"], "annotations": {OPERATOR: maker.operator}}}


def _short(node: str) -> str:
    return node[:180].replace(".", "-").rstrip("-")


def _container(name: str, image: str, what: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        **what,
        "imagePullPolicy": "IfNotPresent",
        # What it prints last is in the pod's status: no log need be read.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": {"requests": {"cpu": "10m", "memory": "20Mi"}},
    }
