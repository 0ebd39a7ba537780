"""The inventory to what is wanted of the cluster, or to everything that speaks against it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from wincnode.builds import Build
from wincnode.cluster.networks import Mode, Network
from wincnode.inventory import Inventory
from wincnode.inventory.fields import SERVER
from wincnode.inventory.model import Cluster
from wincnode.support import numbers

# The taint that the Kubernetes documentation puts on Windows nodes.
# Source: kubernetes.io/docs/concepts/windows/user-guide, "Taints and tolerations"
OS_TAINT = "os=windows:NoSchedule"
# Pre-releases are left out, and `+` stands in no image's tag.
# Source: kubernetes-sigs/sig-windows-tools:.github/workflows/sync-kube-proxy-images.yaml@401ee6fc
RELEASE = r"v?\d+\.\d+\.\d+"
HTTPS_PORT = 443
LARGEST_PORT = 65535

# A field of the inventory such as `cluster.cni.mode`, and what is wrong with it.
Mistake = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """All that the manifests are made of; a text is empty where the network does not need it."""

    network: Network
    mode: Mode
    builds: tuple[Build, ...]
    isolation: tuple[str, ...]
    taints: tuple[str, ...]
    hyperv_builds: tuple[int, ...] = ()
    kubernetes: str = ""
    pod_cidr: str = ""
    service_cidr: str = ""
    api_host: str = ""
    api_port: int = HTTPS_PORT
    vxlan_adapter: str = ""


def wanted(
    inventory: Inventory,
    *,
    networks: Mapping[str, Network],
    builds: Sequence[Build],
    kubeconfig_server: str = "",
) -> Wanted | tuple[Mistake, ...]:
    """Give what is wanted, or every mistake that keeps it from working.

    Args:
        builds: those that get RuntimeClasses.
        kubeconfig_server: URL of the API server by the kubeconfig, for an inventory without one.
    """
    cluster = inventory.cluster
    network = networks.get(cluster.cni.name) if cluster.cni else None
    if cluster.cni is None or network is None:
        return (_no_network(cluster, networks),)
    # What stands before an @ could be a password.
    server = cluster.api_server or urlsplit(kubeconfig_server).netloc.rpartition("@")[2]
    mistakes = (*_of_cluster(inventory, network), *_of_server(network, server))
    if mistakes:
        return mistakes
    host, port = host_and_port(server) if server else ("", HTTPS_PORT)
    return Wanted(
        network=network,
        mode=network.modes[cluster.cni.mode or next(iter(network.modes))],
        builds=tuple(builds),
        isolation=inventory.runtime.isolation,
        taints=windows_taints(inventory),
        hyperv_builds=tuple(map(int, inventory.runtime.hyperv_builds)),
        kubernetes=(cluster.kubernetes or "").removeprefix("v"),
        pod_cidr=_prefix(cluster.pod_cidr),
        service_cidr=_prefix(cluster.service_cidr),
        api_host=host,
        api_port=port,
        vxlan_adapter=cluster.cni.vxlan_adapter or "",
    )


def windows_taints(inventory: Inventory) -> tuple[str, ...]:
    """List the taints that say no more than "Windows"; others set nodes aside on purpose."""
    given = (taint for node in inventory.nodes for taint in node.taints)
    return tuple(dict.fromkeys((OS_TAINT, *(row for row in given if "=windows:" in row))))


def host_and_port(server: str) -> tuple[str, int]:
    """Divide `HOST:PORT`; https is the default.

    Raises: ValueError: the port is none.
    """
    parts = urlsplit(f"//{server}")
    port = HTTPS_PORT if parts.port is None else parts.port
    if not port:
        raise ValueError(server)
    return parts.hostname or "", port


def _prefix(cidr: str | None) -> str:
    """Give a network with the length of its prefix, as CNIs read it, also if a mask was given."""
    return str(ipaddress.ip_network(cidr)) if cidr else ""


def _no_network(cluster: Cluster, networks: Mapping[str, Network]) -> Mistake:
    allowed = f"one of {', '.join(networks)}"
    if cluster.cni is None:
        return "cluster.cni", f"missing; {allowed}"
    return "cluster.cni", f"is {cluster.cni.name!r}; {allowed}"


def _of_cluster(inventory: Inventory, network: Network) -> Iterator[Mistake]:
    cluster = inventory.cluster
    for name in network.needs:
        if name != "api_server" and not getattr(cluster, name):
            yield f"cluster.{name}", f"missing; {network.name} needs it"
    yield from _of_cni(cluster, network)
    yield from _of_versions(inventory, network)
    yield from _of_subnets(cluster, network)


def _of_cni(cluster: Cluster, network: Network) -> Iterator[Mistake]:
    cni = cluster.cni
    if cni is None:
        return
    if cni.mode and cni.mode not in network.modes:
        allowed = ", ".join(network.modes)
        yield "cluster.cni.mode", f"is {cni.mode!r}; {network.name} takes one of {allowed}"
    if cni.vxlan_adapter and "vxlan_adapter" not in network.options:
        yield "cluster.cni.vxlan_adapter", f"{network.name} does not take it"


def _of_versions(inventory: Inventory, network: Network) -> Iterator[Mistake]:
    kubernetes = inventory.cluster.kubernetes or ""
    given = {
        "cluster.kubernetes": kubernetes,
        "runtime.containerd": inventory.runtime.containerd or "",
    }
    if kubernetes and "kubernetes" in network.needs and not re.fullmatch(RELEASE, kubernetes):
        text = f"is {kubernetes!r}; images are tagged with a release's three numbers, as in 1.36.4"
        yield "cluster.kubernetes", text
    for row in network.minimum:
        version = given[row.field]
        if version and numbers(version) < numbers(row.version):
            text = f"is {version!r}; at least {row.version}: {row.because} ({row.source})"
            yield row.field, text


def _of_subnets(cluster: Cluster, network: Network) -> Iterator[Mistake]:
    subnets = {
        name: ipaddress.ip_network(cidr)
        for name in ("pod_cidr", "service_cidr")
        if name in network.needs and (cidr := getattr(cluster, name))
    }
    limit = network.ipv4_only
    if limit:
        for name, subnet in subnets.items():
            if subnet.version != 4:
                yield f"cluster.{name}", f"is {str(subnet)!r}; {limit.because} ({limit.source})"
    if len(subnets) == 2 and subnets["pod_cidr"].overlaps(subnets["service_cidr"]):
        yield "cluster.service_cidr", "overlaps pod_cidr: one address would mean two things"


def _of_server(network: Network, server: str) -> Iterator[Mistake]:
    if "api_server" not in network.needs:
        return
    where = "cluster.api_server"
    if not server:
        yield where, f"missing; {network.name} needs it, or a kubeconfig that names a server"
        return
    if not re.fullmatch(SERVER, server):
        yield where, f"is {server!r} by the kubeconfig; it takes HOST or HOST:PORT"
        return
    try:
        host, _ = host_and_port(server)
    except ValueError:
        yield where, f"is {server!r}; the port is a number from 1 to {LARGEST_PORT}"
        return
    if host == "localhost" or _is_unreachable(host):
        yield where, f"is {server!r}, which on a node is the node itself; give the real address"


def _is_unreachable(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
