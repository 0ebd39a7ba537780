"""Where pods of a network's test can connect to: servers, the service before them, what is outside.

All of it is read from objects of the cluster, which others write, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from wincnode.cluster.api import Object
from wincnode.cluster.stages import is_ready
from wincnode.events import printable

# A container's words of a failure are told up to here.
MOST_SAID = 300
# Nodes that are named where none of many will do.
MOST_NAMED = 3
# What a Linux node is called as long as none is chosen.
SOME_LINUX = "a Linux node"
# Where no other Linux node is, the cluster's DNS runs there too: CoreDNS tolerates this taint.
# Source: kubernetes/kubernetes:cmd/kubeadm/app/phases/addons/dns/manifests.go@v1.36.3
CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "NoSchedule")
OS_LABEL = "kubernetes.io/os"
# Reasons of a container that waits in vain.
# Source: kubernetes/kubernetes:pkg/kubelet/images/types.go@v1.36.3,
# kubernetes/kubernetes:pkg/kubelet/kuberuntime/kuberuntime_container.go@v1.36.3
HOPELESS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "RegistryUnavailable",
        "CreateContainerConfigError",
        "CreateContainerError",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """A node with a server.

    Args: node_ip: where its NodePorts answer. pod_ip: the server's; empty where none runs.
        why: none runs.
    """

    node: str
    node_ip: str = ""
    pod_ip: str = ""
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Front:
    """The service before the servers."""

    name: str
    address: str
    node_port: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """What there is to be tried.

    Args: hosts: Windows nodes with servers, who tries among them. linux: Linux nodes with servers.
        egress: `host:port` outside of the cluster. front: None where there is no service.
    """

    hosts: tuple[Host, ...]
    linux: tuple[Host, ...] = ()
    egress: tuple[str, ...] = ()
    front: Front | None = None


def front(made: Object) -> Front:
    """Read the service as the API server has completed it."""
    spec = made["spec"]
    ports = spec.get("ports") or [{}]
    return Front(
        name=str(made["metadata"]["name"]),
        address=address(spec.get("clusterIP")),
        node_port=int(ports[0].get("nodePort", 0)),
    )


def address(text: object) -> str:
    """Give an address as the cluster tells it, which stands in commands; empty where it is none."""
    try:
        return str(ip_address(str(text)))
    except ValueError:
        return ""


def words(state: Mapping[str, Any]) -> str:
    """Give what a state says of itself: its reason and its message."""
    said = ": ".join(str(state[name]) for name in ("reason", "message") if state.get(name))
    return printable(said, limit=MOST_SAID)


def hopeless(pod: Object) -> str:
    """Say why a pod will not run; empty where it may."""
    for row in pod.get("status", {}).get("containerStatuses") or ():
        waiting = (row.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in HOPELESS:
            return words(waiting)
    return ""


def host_of(node: Object, pod: Object | None, *, in_time: bool) -> Host | None:
    """Give a node's server as its pod stands; None where it is still to come up.

    Args: pod: None where somebody has taken it away. in_time: there is time left for it.
    """
    meta, addresses = node["metadata"], node.get("status", {}).get("addresses") or ()
    node_ip = next(
        (address(row.get("address")) for row in addresses if row.get("type") == "InternalIP"), ""
    )
    why = ""
    if pod is None:
        why = "its server was taken away by somebody else"
    else:
        state = pod.get("status", {})
        rows = state.get("containerStatuses") or ()
        pod_ip = address(state.get("podIP"))
        if pod_ip and rows and all(row.get("ready") for row in rows):
            return Host(node=meta["name"], node_ip=node_ip, pod_ip=pod_ip)
        ended = [(row.get("state") or {}).get("terminated") or {} for row in rows]
        if found := hopeless(pod):
            why = f"no image: {found}"
        elif state.get("phase") in {"Failed", "Succeeded"}:
            said = "; ".join(filter(None, map(words, (state, *ended)))) or "nothing more is told"
            why = f"its server ended: {said}"
        elif not in_time:
            waiting = [words((row.get("state") or {}).get("waiting") or {}) for row in rows]
            said = "; ".join(filter(None, (words(state), *waiting))) or "nothing more is told"
            why = f"its server did not come up in time, {state.get('phase', 'Pending')}: {said}"
    return Host(node=meta["name"], node_ip=node_ip, why=why) if why else None


def windows_nodes(nodes: Iterable[Object]) -> dict[str, Object]:
    """Give the Windows nodes that are Ready, by name."""
    return {
        row["metadata"]["name"]: row for row in nodes if _os(row) == "windows" and is_ready(row)
    }


def linux_nodes(
    nodes: Iterable[Object], named: Sequence[str] = ()
) -> tuple[dict[str, Object], tuple[Host, ...]]:
    """Choose the Linux nodes whose pods take part, by name; and tell of which none can.

    Those that are named do, whatever their taints; else the first that takes pods as they come, or
    that has no other taint than a control plane's.
    """
    rows = {row["metadata"]["name"]: row for row in nodes if _os(row) == "linux"}
    if named:
        there = {name: rows[name] for name in named if name in rows and is_ready(rows[name])}
        gone = (name for name in named if name not in there)
        why = "{} is no Linux node of the cluster that is Ready"
        return there, tuple(Host(node=name, why=why.format(name)) for name in gone)
    names = sorted(rows, key=lambda name: (CONTROL_PLANE in _taints(rows[name]), name))
    shut = {name: _shut(rows[name]) for name in names}
    free = [name for name, why in shut.items() if not why]
    if free:
        return {free[0]: rows[free[0]]}, ()
    said = ", ".join(f"{name} {why}" for name, why in list(shut.items())[:MOST_NAMED])
    why = "the cluster has no Linux node"
    if shut:
        why = f"no Linux node takes pods as they come: {said}; --linux-node takes one all the same"
    return {}, (Host(node=SOME_LINUX, why=printable(why, limit=MOST_SAID)),)


def _os(node: Object) -> str:
    return str((node["metadata"].get("labels") or {}).get(OS_LABEL, ""))


def _taints(node: Object) -> list[tuple[str, str]]:
    """Give key and effect of the taints that keep pods away.

    Source: kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration
    """
    rows = (node.get("spec") or {}).get("taints") or ()
    pairs = ((str(row.get("key")), str(row.get("effect"))) for row in rows)
    return [(key, effect) for key, effect in pairs if effect != "PreferNoSchedule"]


def _shut(node: Object) -> str:
    """Say why a node takes no pod of a test; empty where it does."""
    if not is_ready(node):
        return "is not Ready"
    if (node.get("spec") or {}).get("unschedulable"):
        return "is cordoned"
    for key, effect in _taints(node):
        if (key, effect) != CONTROL_PLANE:
            return f"has the taint {key}:{effect}"
    return ""
