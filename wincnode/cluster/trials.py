"""What pods of a network's test try, and what became of each: values alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from wincnode.checks import Verdict
from wincnode.events import printable

if TYPE_CHECKING:
    # Explaining an id needs no client of the cluster.
    from wincnode.cluster.api import Object

PORT, SERVER_PORT = 80, 8080
# A pod of a large cluster would have a container for each of its nodes.
MOST_PEERS = 8
# A container's words of a failure are told up to here.
MOST_SAID = 300
# How agnhost begins what it says of a connection that failed.
# Source: kubernetes/kubernetes:test/images/agnhost/connect/connect.go@81810de6
FAILURES = ("TIMEOUT", "REFUSED", "DNS", "OTHER")
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
class Attempt:
    """One thing that a node's pod tries.

    Args:
        trial: an id of trial_table.TRIALS. target: what it is called in reports.
        place: `host:port`; empty where it cannot be tried. why: it cannot.
    """

    trial: str
    target: str
    place: str = ""
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """What became of an attempt. `said` is the evidence."""

    attempt: Attempt
    verdict: Verdict
    said: str


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


def front(made: Object) -> Front:
    """Read the service as the API server has completed it."""
    spec = made["spec"]
    ports = spec.get("ports") or [{}]
    return Front(
        name=str(made["metadata"]["name"]),
        address=_address(spec.get("clusterIP")),
        node_port=int(ports[0].get("nodePort", 0)),
    )


def attempts(
    node: str, hosts: Sequence[Host], egress: Sequence[str], made: Front | None
) -> tuple[Attempt, ...]:
    """List what a node's pod tries: pods, the service by address and name, beyond, NodePorts.

    Args: hosts: nodes with servers, the node itself among them. made: None where there is none.
    """
    near = _ring(node, hosts)
    others = [host for host in near if host.node != node]
    rows = [_to_pod(host) for host in near]
    if made is not None:
        rows += [
            _to_service(made),
            Attempt(trial="pod.dns", target="name of the service", place=f"{made.name}:{PORT}"),
        ]
    rows += [Attempt(trial="pod.egress", target=place, place=place) for place in egress]
    if made is not None:
        rows += [_to_node_port(host, made) for host in others]
    if not others:
        why = "there is no second Windows node that is Ready"
        rows += [
            Attempt(trial=trial, target="another node", why=why)
            for trial in ("pod.pods", "pod.nodeport")
        ]
    if not egress:
        why = "the inventory names nothing outside that could be tried"
        rows.append(Attempt(trial="pod.egress", target="outside", why=why))
    return tuple(rows)


def _ring(node: str, hosts: Sequence[Host]) -> tuple[Host, ...]:
    """Give the node itself and those that follow it, so that all are tried from some node."""
    names = [host.node for host in hosts]
    if node not in names:
        return tuple(hosts[:MOST_PEERS])
    at = names.index(node)
    return (*hosts[at:], *hosts[:at])[:MOST_PEERS]


def _to_pod(host: Host) -> Attempt:
    if not host.pod_ip:
        return Attempt(trial="pod.pods", target=host.node, why=host.why)
    place = f"{_bracketed(host.pod_ip)}:{SERVER_PORT}"
    return Attempt(trial="pod.pods", target=host.node, place=place)


def _to_service(made: Front) -> Attempt:
    if not made.address:
        return Attempt(trial="pod.service", target="service", why="the service has no address")
    place = f"{_bracketed(made.address)}:{PORT}"
    return Attempt(trial="pod.service", target="service", place=place)


def _to_node_port(host: Host, made: Front) -> Attempt:
    if not host.node_ip or not made.node_port:
        why = host.why or "the node has no address, or the service no NodePort"
        return Attempt(trial="pod.nodeport", target=host.node, why=why)
    place = f"{_bracketed(host.node_ip)}:{made.node_port}"
    return Attempt(trial="pod.nodeport", target=host.node, place=place)


def _address(text: object) -> str:
    """Give an address as the cluster tells it, which stands in commands; empty where it is none."""
    try:
        return str(ip_address(str(text)))
    except ValueError:
        return ""


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def untried(rows: Sequence[Attempt], why: str) -> tuple[Tried, ...]:
    """Say of attempts that they were not made."""
    return tuple(Tried(attempt=row, verdict=Verdict.UNKNOWN, said=row.why or why) for row in rows)


def read(pod: Object, rows: Sequence[Attempt], *, number: int = 1) -> tuple[Tried, ...]:
    """Read what became of a pod's attempts from its status, which is not to be trusted.

    Args: number: how often they have been made by now.
    """
    found = {row.get("name"): row for row in pod.get("status", {}).get("containerStatuses") or ()}
    again = f" ({number} tries)" if number > 1 else ""
    return tuple(
        _read(row, (found.get(f"t{place}") or {}).get("state") or {}, again)
        for place, row in enumerate(rows)
    )


def _read(attempt: Attempt, state: Mapping[str, Any], again: str) -> Tried:
    ended = state.get("terminated")
    if not isinstance(ended, dict):
        waiting = _words(state.get("waiting") or {}) or "its container did not end in time"
        return Tried(attempt=attempt, verdict=Verdict.UNKNOWN, said=f"{attempt.place}: {waiting}")
    if ended.get("exitCode") == 0:
        said = f"connected to {attempt.place}{again}"
        return Tried(attempt=attempt, verdict=Verdict.PASS, said=said)
    message = str(ended.get("message", "")).strip()
    # Another program, or one that did not start, says nothing of the network.
    verdict = Verdict.FAIL if message.startswith(FAILURES) else Verdict.UNKNOWN
    said = printable(message or _words(ended), limit=MOST_SAID)
    return Tried(attempt=attempt, verdict=verdict, said=f"{attempt.place}: {said}{again}")


def _words(state: Mapping[str, Any]) -> str:
    said = ": ".join(str(state[name]) for name in ("reason", "message") if state.get(name))
    return printable(said, limit=MOST_SAID)


def has_ended(pod: Object) -> bool:
    """Tell whether a pod will do nothing more, or waits in vain."""
    return pod.get("status", {}).get("phase") in {"Succeeded", "Failed"} or bool(hopeless(pod))


def hopeless(pod: Object) -> str:
    """Say why a pod will not run; empty where it may."""
    for row in pod.get("status", {}).get("containerStatuses") or ():
        waiting = (row.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in HOPELESS:
            return _words(waiting)
    return ""


def host_of(node: Object, pod: Object | None, *, in_time: bool) -> Host | None:
    """Give a node's server as its pod stands; None where it is still to come up.

    Args: pod: None where somebody has taken it away. in_time: there is time left for it.
    """
    meta, addresses = node["metadata"], node.get("status", {}).get("addresses") or ()
    node_ip = next(
        (_address(row.get("address")) for row in addresses if row.get("type") == "InternalIP"), ""
    )
    why = ""
    if pod is None:
        why = "its server was taken away by somebody else"
    else:
        state = pod.get("status", {})
        rows = state.get("containerStatuses") or ()
        pod_ip = _address(state.get("podIP"))
        if pod_ip and rows and all(row.get("ready") for row in rows):
            return Host(node=meta["name"], node_ip=node_ip, pod_ip=pod_ip)
        ended = [(row.get("state") or {}).get("terminated") or {} for row in rows]
        if found := hopeless(pod):
            why = f"no image: {found}"
        elif state.get("phase") in {"Failed", "Succeeded"}:
            said = "; ".join(filter(None, map(_words, (state, *ended)))) or "nothing more is told"
            why = f"its server ended: {said}"
        elif not in_time:
            waiting = [_words((row.get("state") or {}).get("waiting") or {}) for row in rows]
            said = "; ".join(filter(None, (_words(state), *waiting))) or "nothing more is told"
            why = f"its server did not come up in time, {state.get('phase', 'Pending')}: {said}"
    return Host(node=meta["name"], node_ip=node_ip, why=why) if why else None
