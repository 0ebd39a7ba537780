"""What joins the pods of lab nodes: who has which address, who listens, and what gets lost.

It stands for the cluster's network and for kube-proxy, as far as a connection comes about or not.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Literal, TypeAlias

from wincnode.lab.cluster.authority import NODES_SEE

Json: TypeAlias = dict[str, Any]
CONNECT_S = 5.0
# What `Line.lost` may name: those of AT_NODES also with @NODE, for what is on one node alone.
LOSSES = ("services", "pod-dns", "egress", "pods", "udp", "large-packets", "nodeports")
AT_NODES = ("pods", "udp", "large-packets", "nodeports")
How: TypeAlias = Literal["tcp", "udp", "large"]
# What agnhost connect says: kubernetes/kubernetes:test/images/agnhost/connect/connect.go@81810de6
TIMEOUT = "TIMEOUT\n"
UDP_TIMEOUT = "TIMEOUT: read udp {place}: i/o timeout\n"
# Windows' code is another than the one that agnhost takes for REFUSED, and of UDP it has another.
# Source: WSAECONNREFUSED and WSAECONNRESET,
# learn.microsoft.com/windows/win32/winsock/windows-sockets-error-codes-2
REFUSED: Mapping[tuple[str, bool], str] = {
    ("windows", False): (
        "OTHER: dial tcp {place}: connectex: No connection could be made because the target "
        "machine actively refused it.\n"
    ),
    ("windows", True): (
        "UNKNOWN: read udp {place}: wsarecv: An existing connection was forcibly closed by the "
        "remote host.\n"
    ),
    ("linux", False): "REFUSED\n",
    ("linux", True): "REFUSED: read udp {place}: read: connection refused\n",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A pod that listens.

    Args: port: of TCP. udp_port: 0 where it has none.
    """

    uid: str
    node: str
    namespace: str
    labels: Mapping[str, str]
    address: str
    port: int
    udp_port: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """What a container tries.

    Args: place: `host:port`. how: a connection alone, a datagram, or packets as large as they come.
    """

    node: str
    namespace: str
    place: str
    how: How = "tcp"


class Wire:
    """The network of pods that lab nodes share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subnets: dict[str, int] = {}
        self._addresses: dict[str, str] = {}
        self._servers: dict[str, Server] = {}
        self._nodes: dict[str, set[str]] = {}

    def attach(self, node: str, address: str) -> None:
        """Let a node take part, by its own address."""
        with self._lock:
            self._subnets.setdefault(node, len(self._subnets) + 1)
            self._nodes.setdefault(address, set()).add(node)

    def address(self, node: str, uid: str) -> str:
        """Give a pod's address: of its node's subnet, and nobody else's."""
        with self._lock:
            if uid not in self._addresses:
                subnet = self._subnets.setdefault(node, len(self._subnets) + 1)
                place = sum(row.startswith(f"10.244.{subnet}.") for row in self._addresses.values())
                self._addresses[uid] = f"10.244.{subnet}.{place % 252 + 3}"
            return self._addresses[uid]

    def listen(self, server: Server) -> None:
        """Let a pod answer at its address."""
        with self._lock:
            self._servers[server.uid] = server

    def leave(self, uid: str) -> None:
        """Let a pod answer no more."""
        with self._lock:
            self._servers.pop(uid, None)

    def at(self, address: str) -> Server | None:
        """Give the pod that answers at an address."""
        with self._lock:
            return next((row for row in self._servers.values() if row.address == address), None)

    def behind(self, service: Json, port: int, protocol: str) -> tuple[Server, int] | None:
        """Give a pod that a service's port leads to, and the port there."""
        spec, meta = service["spec"], service["metadata"]
        rows = [
            row
            for row in spec.get("ports") or ()
            if port in (row["port"], row.get("nodePort"))
            and (row.get("protocol") or "TCP") == protocol
        ]
        wanted = spec.get("selector") or {}
        with self._lock:
            for server in sorted(self._servers.values(), key=lambda row: row.address):
                fits = all(server.labels.get(key) == value for key, value in wanted.items())
                if rows and wanted and fits and server.namespace == meta["namespace"]:
                    return server, int(rows[0].get("targetPort", rows[0]["port"]))
        return None

    def nodes_at(self, address: str) -> frozenset[str]:
        """Give the nodes whose own address it is."""
        with self._lock:
            return frozenset(self._nodes.get(address, ()))


@dataclass(kw_only=True)
class Line:
    """One node's end of the wire.

    Args: lost: of LOSSES; packets of the node's pods that get lost. system: of the node.
    """

    wire: Wire = field(default_factory=Wire)
    lost: set[str] = field(default_factory=set)
    system: Literal["windows", "linux"] = "windows"

    def connect(self, call: Call, services: Sequence[Json]) -> str:
        """Try a connection from a pod; gives what agnhost prints, nothing where it comes about."""
        host, _, text = call.place.rpartition(":")
        port = int(text)
        if not _is_address(host):
            service = _named(host, call.namespace, services)
            if service is None or "pod-dns" in self.lost:
                return f"DNS: lookup {host}: no such host\n"
            host = service["spec"]["clusterIP"]
        for service in services:
            if service["spec"].get("clusterIP") == host:
                return self._through(service, port, call, lost="services" in self.lost)
        if nodes := self.wire.nodes_at(host):
            for service in services:
                if port in [row.get("nodePort") for row in service["spec"].get("ports") or ()]:
                    return self._through(service, port, call, lost=self._loses("nodeports", nodes))
        server = self.wire.at(host.strip("[]"))
        if server is not None:
            return self._to(server, port, call)
        return self._outside(host, port, call)

    def _through(self, service: Json, port: int, call: Call, *, lost: bool) -> str:
        """Go on to a pod behind a service; without one the packets are dropped."""
        found = self.wire.behind(service, port, "UDP" if call.how == "udp" else "TCP")
        return _late(call) if lost or found is None else self._to(*found, call)

    def _to(self, server: Server, port: int, call: Call) -> str:
        nodes = {server.node}
        # Between pods of one node nothing is packed into other packets.
        large = call.how == "large" and server.node != call.node
        if (
            self._loses("pods", nodes)
            or (call.how == "udp" and self._loses("udp", nodes))
            or (large and self._loses("large-packets", nodes))
        ):
            return _late(call)
        there = server.udp_port if call.how == "udp" else server.port
        return "" if port == there else self._refused(call)

    def _loses(self, what: str, nodes: frozenset[str] | set[str]) -> bool:
        return what in self.lost or any(f"{what}@{node}" in self.lost for node in nodes)

    def _refused(self, call: Call) -> str:
        return REFUSED[self.system, call.how == "udp"].format(place=call.place)

    def _outside(self, host: str, port: int, call: Call) -> str:
        """Leave the cluster, over a real connection; nobody outside is told a datagram."""
        if "egress" in self.lost or call.how == "udp":
            return _late(call)
        here = "127.0.0.1" if host == NODES_SEE else host
        try:
            socket.create_connection((here, port), timeout=CONNECT_S).close()
        except TimeoutError:
            return _late(call)
        except ConnectionRefusedError:
            return self._refused(call)
        except OSError as error:
            return f"OTHER: dial tcp {call.place}: {error.strerror}\n"
        return ""


def _late(call: Call) -> str:
    return UDP_TIMEOUT.format(place=call.place) if call.how == "udp" else TIMEOUT


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _named(host: str, namespace: str, services: Sequence[Json]) -> Json | None:
    """Find a service by the name that a pod uses: its own, alone or with what follows it."""
    name, _, rest = host.partition(".")
    space = rest.partition(".")[0] or namespace
    for service in services:
        meta = service["metadata"]
        if (meta["name"], meta["namespace"]) == (name, space):
            return service
    return None
