"""What pods of a network's test try, and what became of each: values alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from wincnode.checks import Verdict
from wincnode.cluster.api import Object
from wincnode.cluster.trial_places import MOST_SAID, Front, Host, Places, hopeless, words
from wincnode.events import printable

PORT, SERVER_PORT, UDP_PORT = 80, 8080, 8081
# A pod of a large cluster would have a container for each of its nodes.
MOST_PEERS = 8
# Other Windows nodes to which UDP and large packets are tried, a container each.
MOST_FAR = 3
# Some packets of 1500 bytes and more there, and as many back; a command line holds 32767.
LARGE_BYTES = 8000
# How agnhost begins what it says of a connection that failed.
# Source: kubernetes/kubernetes:test/images/agnhost/connect/connect.go@81810de6
FAILURES = ("TIMEOUT", "REFUSED", "DNS", "OTHER")
# So it calls an error of UDP that is neither, such as Windows' of a port that nobody listens on.
UDP_FAILURES = (*FAILURES, "UNKNOWN: read udp", "UNKNOWN: write udp")
# Of curl: no connection, too late, an empty answer, and a connection that broke on either way.
# Source: curl/curl:docs/libcurl/libcurl-errors.md (CURLE_COULDNT_CONNECT and others)
CURL_FAILURES = frozenset({7, 28, 52, 55, 56})
# To what small packets must come before it says anything that large ones do not.
SMALL = {"pod.mtu": ("pod.pods", "pod.linux")}
How = Literal["tcp", "udp", "large"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One thing that a node's pod tries.

    Args:
        trial: an id of trial_table.TRIALS. target: what it is called in reports.
        place: `host:port`; empty where it cannot be tried. why: it cannot.
        how: what is sent: a connection alone, a datagram, or LARGE_BYTES there and back.
        of: the node that it tells of, where that is not the one whose pod tries.
        peer: the node at the other end, where there is one.
    """

    trial: str
    target: str
    place: str = ""
    why: str = ""
    how: How = "tcp"
    of: str = ""
    peer: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """What became of an attempt. `said` is the evidence."""

    attempt: Attempt
    verdict: Verdict
    said: str


def attempts(node: str, places: Places) -> tuple[Attempt, ...]:
    """List what a node's pod tries: pods, the service by address and name, beyond, NodePorts."""
    near, made = _ring(node, places.hosts), places.front
    others = [host for host in near if host.node != node]
    far = (*others[:MOST_FAR], *(host for host in places.linux if host.pod_ip))
    rows = [_to_pod("pod.pods", host) for host in near]
    rows += [_to_pod("pod.linux", host, target=f"to {host.node}") for host in places.linux]
    rows += [_to_pod("pod.udp", host, how="udp") for host in far]
    rows += [_to_pod("pod.mtu", host, how="large") for host in far]
    if made is not None:
        rows += [
            _to_service(made),
            Attempt(trial="pod.dns", target="name of the service", place=f"{made.name}:{PORT}"),
        ]
    rows += [Attempt(trial="pod.egress", target=place, place=place) for place in places.egress]
    if made is not None:
        rows += [_to_node_port(host, made) for host in others]
    if not others:
        why = "there is no second Windows node that is Ready"
        # Where there is a Linux node, UDP and large packets go there.
        more = () if far else ("pod.udp", "pod.mtu")
        rows += [
            Attempt(trial=trial, target="another node", why=why)
            for trial in ("pod.pods", *more, "pod.nodeport")
        ]
    if not places.egress:
        why = "the inventory names nothing outside that could be tried"
        rows.append(Attempt(trial="pod.egress", target="outside", why=why))
    return tuple(rows)


def from_linux(linux: Host, nodes: Sequence[str], places: Places) -> tuple[Attempt, ...]:
    """List what a Linux node's pod tries: pods of the nodes that are tested, the first of many."""
    hosts = {host.node: host for host in places.hosts}
    rows = []
    for name in nodes[:MOST_PEERS]:
        host = hosts.get(name) or Host(node=name, why="it has no server")
        row = _to_pod("pod.linux", host, target=f"from {linux.node}")
        row = row if linux.pod_ip else replace(row, place="", why=linux.why)
        rows.append(replace(row, of=name, peer=linux.node))
    return tuple(rows)


def _ring(node: str, hosts: Sequence[Host]) -> tuple[Host, ...]:
    """Give the node itself and those that follow it, so that all are tried from some node."""
    names = [host.node for host in hosts]
    if node not in names:
        return tuple(hosts[:MOST_PEERS])
    at = names.index(node)
    return (*hosts[at:], *hosts[:at])[:MOST_PEERS]


def _to_pod(trial: str, host: Host, *, target: str = "", how: How = "tcp") -> Attempt:
    made = Attempt(trial=trial, target=target or host.node, how=how, peer=host.node)
    if not host.pod_ip:
        return replace(made, why=host.why)
    port = UDP_PORT if how == "udp" else SERVER_PORT
    return replace(made, place=f"{_bracketed(host.pod_ip)}:{port}")


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


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def untried(rows: Sequence[Attempt], why: str) -> tuple[Tried, ...]:
    """Say of attempts that they were not made."""
    return tuple(Tried(attempt=row, verdict=Verdict.UNKNOWN, said=row.why or why) for row in rows)


def read(pod: Object, rows: Sequence[Attempt], *, number: int = 1) -> tuple[Tried, ...]:
    """Read what became of a pod's attempts from its status, which is not to be trusted.

    Args: number: how often they have been made by now.
    """
    status = pod.get("status", {})
    found = {row.get("name"): row for row in status.get("containerStatuses") or ()}
    # A pod that the kubelet refuses, for want of room, has no containers.
    refused = words(status) if status.get("phase") == "Failed" else ""
    again = f" ({number} tries)" if number > 1 else ""
    return tuple(
        _read(row, (found.get(f"t{place}") or {}).get("state") or {}, again, refused)
        for place, row in enumerate(rows)
    )


def _read(attempt: Attempt, state: Mapping[str, Any], again: str, refused: str) -> Tried:
    ended = state.get("terminated")
    if not isinstance(ended, dict):
        waiting = (
            words(state.get("waiting") or {}) or refused or "its container did not end in time"
        )
        return Tried(attempt=attempt, verdict=Verdict.UNKNOWN, said=f"{attempt.place}: {waiting}")
    if ended.get("exitCode") == 0:
        return Tried(attempt=attempt, verdict=Verdict.PASS, said=f"{_reached(attempt)}{again}")
    message = str(ended.get("message", "")).strip()
    # Another program, or one that did not start, says nothing of the network.
    verdict = Verdict.FAIL if _is_failure(attempt.how, ended, message) else Verdict.UNKNOWN
    said = printable(message or words(ended), limit=MOST_SAID)
    return Tried(attempt=attempt, verdict=verdict, said=f"{attempt.place}: {said}{again}")


def _reached(attempt: Attempt) -> str:
    match attempt.how:
        case "udp":
            return f"{attempt.place} answered a datagram"
        case "large":
            return f"{LARGE_BYTES} bytes went to {attempt.place} and came back"
    return f"connected to {attempt.place}"


def _is_failure(how: How, ended: Mapping[str, Any], message: str) -> bool:
    if how == "large":
        return ended.get("exitCode") in CURL_FAILURES
    return message.startswith(UDP_FAILURES if how == "udp" else FAILURES)


def sifted(rows: Iterable[Tried]) -> tuple[Tried, ...]:
    """Call unknown what a failure says nothing of: large packets where no small ones arrive."""
    found = tuple(rows)
    unreached = {
        (row.attempt.trial, row.attempt.peer)
        for row in found
        if row.verdict is not Verdict.PASS and not row.attempt.of
    }
    return tuple(
        replace(row, verdict=Verdict.UNKNOWN, said=f"{row.said}; small packets fail, too")
        if row.verdict is Verdict.FAIL
        and any((one, row.attempt.peer) in unreached for one in SMALL.get(row.attempt.trial, ()))
        else row
        for row in found
    )


def has_ended(pod: Object) -> bool:
    """Tell whether a pod will do nothing more, or waits in vain."""
    return pod.get("status", {}).get("phase") in {"Succeeded", "Failed"} or bool(hopeless(pod))
