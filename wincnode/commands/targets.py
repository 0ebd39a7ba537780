"""What a node must reach, by the inventory and its lock file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from wincnode import checks
from wincnode.artifacts import lock as locks
from wincnode.checks import Target
from wincnode.cluster.kubeconfig import authority_of
from wincnode.cluster.networks import load_networks
from wincnode.images import reference
from wincnode.inventory.model import Inventory
from wincnode.registry.endpoints import endpoints
from wincnode.support import PAUSE

# kubernetes.io/docs/reference/networking/ports-and-protocols
API_PORT = 6443
# Each node tries its neighbours in the inventory; of hundreds it need not try all.
MOST_PEERS = 10


def reachable(inventory: Inventory, against: checks.Wanted) -> checks.Wanted:
    """Add what must be reached to what is wanted of the nodes.

    Raises: ConfigError: the kubeconfig's authority or the lock file cannot be read.
    """
    server = _server(inventory, against.server)
    targets = [Target(kind="api", name="api", url=server)] if server else []
    targets += [*_registries(inventory), *_downloads(inventory)]
    return replace(
        against,
        server=against.server or server,
        targets=(*targets, *_names(targets)),
        authority=_authority(inventory),
    )


def peers(inventory: Inventory, node: str) -> tuple[Target, ...]:
    """Give the nodes that follow a node in the inventory, where WinRM answers there."""
    names = [row.name for row in inventory.nodes]
    at = names.index(node) + 1 if node in names else 0
    return tuple(
        Target(
            kind="tcp",
            name=row.name,
            url=f"tcp://{_host(row.address or row.name)}:{row.connection.effective_port}",
        )
        for row in (*inventory.nodes[at:], *inventory.nodes[:at])
        if row.name != node
    )[:MOST_PEERS]


def _host(address: str) -> str:
    """Give an address as it stands in a URL."""
    return f"[{address}]" if ":" in address and not address.startswith("[") else address


def _names(targets: Iterable[Target]) -> Iterator[Target]:
    """Give the names among the places that must be reached, each once."""
    hosts = dict.fromkeys(urlsplit(row.url).hostname or "" for row in targets)
    for host in hosts:
        try:
            ip_address(host)
        except ValueError:
            if host:
                yield Target(kind="dns", name=host, url=f"dns://{host}")


def _server(inventory: Inventory, kubeconfig: str) -> str:
    """Give the address by which nodes reach the API server; empty where none is named."""
    named = inventory.cluster.api_server
    if not named:
        return kubeconfig
    return f"https://{named}" if urlsplit(f"//{named}").port else f"https://{named}:{API_PORT}"


def _authority(inventory: Inventory) -> str:
    if inventory.cluster.kubeconfig is None:
        return ""
    return authority_of(Path(inventory.cluster.kubeconfig))


def _registries(inventory: Inventory) -> Iterator[Target]:
    by_host = {row.host: row for row in inventory.runtime.registries}
    images = {row.host: row for row in map(reference.parse, _images(inventory))}
    for host in sorted(images):
        for place in endpoints(images[host], registries=by_host):
            # containerd trusts by a registry's own entry, Windows by its store.
            own_trust = place.verify is not True
            yield Target(kind="registry", name=host, url=f"{place.base}/", own_trust=own_trust)


def _images(inventory: Inventory) -> Iterator[str]:
    """List what every node is to pull: the sandbox's image, the network's, and those of pods."""
    yield from inventory.preflight.images
    cluster, runtime = inventory.cluster, inventory.runtime
    if runtime.sandbox_image:
        yield runtime.sandbox_image
    elif cluster.kubernetes and runtime.containerd:
        yield PAUSE
    network = load_networks().get(cluster.cni.name) if cluster.cni else None
    for fact in network.facts if network else ():
        if fact.name in {"image", "proxy_image"}:
            yield fact.value


def _downloads(inventory: Inventory) -> Iterator[Target]:
    """Give a locked file of each host; nothing where nothing is locked yet."""
    if not inventory.path.name:
        return  # This host is judged without an inventory.
    path = locks.path_for(inventory.path)
    if not path.exists():
        return
    seen: set[str] = set()
    for entry in locks.load(path):
        host = urlsplit(entry.url).netloc
        if host not in seen:
            seen.add(host)
            yield Target(kind="download", name=entry.component, url=entry.url)
