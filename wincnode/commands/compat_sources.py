"""Where the images that are asked about come from: manifests, the cluster, an inventory."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import yaml

from wincnode.builds import load_builds, supported_builds
from wincnode.cluster import access
from wincnode.cluster.api import NODES, PODS, Api
from wincnode.cluster.kubeconfig import load
from wincnode.commands import cluster_render, compat
from wincnode.errors import ConfigError
from wincnode.inventory.model import Inventory
from wincnode.isolation import Version
from wincnode.registry.workloads import OS_LABELS, WINDOWS, images_of
from wincnode.support import load_support
from wincnode.worker.containerd import sandbox_image

LIMIT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """One image, and where it was named.

    Args: hosts: the builds that it is for; all where there are none.
    """

    name: str
    why: str
    hosts: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Where images are named, and how their registries and the cluster are reached.

    Args: manifests: a file, `-` for stdin. cluster: whether its pods are asked about.
    """

    images: Sequence[str] = ()
    manifests: str = ""
    inventory: Inventory | None = None
    cluster: bool = False
    kubeconfig: Path | None = None
    context: str | None = None
    may_ask: bool = False
    plain_http: Collection[str] = ()


def gather(sources: Sources, hosts: Sequence[str]) -> tuple[Wanted, ...]:
    """Give all images that are named, of the inventory's those for the hosts.

    Raises: ConfigError. ClusterError.
    """
    found = [Wanted(name=name, why="") for name in sources.images]
    if sources.manifests == "-":
        found += from_manifests(sys.stdin.buffer, "stdin")
    elif sources.manifests:
        with _opened(Path(sources.manifests)) as opened:
            found += from_manifests(opened, sources.manifests)
    if sources.inventory is not None:
        found += from_inventory(sources.inventory, hosts)
    if sources.cluster:
        found += from_cluster(_api(sources))
    return tuple(found)


def _api(sources: Sources) -> Api:
    named = sources.inventory.cluster.kubeconfig if sources.inventory else None
    path = sources.kubeconfig or (Path(named) if named else None)
    return Api(load(path, sources.context), may_ask=sources.may_ask)


def nodes_of(texts: Sequence[str]) -> tuple[Version, ...]:
    """Give the named hosts, or the builds that Kubernetes supports as nodes."""
    builds = load_builds()
    if texts:
        return compat.hosts_of(texts, builds)
    return tuple(Version(build=row.build) for row in supported_builds(builds))


def from_manifests(opened: IO[bytes], name: str) -> tuple[Wanted, ...]:
    """Give the images that a stream of Kubernetes manifests names for Windows.

    Raises: ConfigError: it is no YAML, or larger than 64 MiB.
    """
    content = opened.read(LIMIT_BYTES + 1)
    if len(content) > LIMIT_BYTES:
        raise ConfigError(f"{name}: more than 64 MiB")
    try:
        objects = list(yaml.safe_load_all(content))
    except (yaml.YAMLError, ValueError, RecursionError) as err:
        mark = getattr(err, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigError(f"{name}{line}: is no YAML") from err
    return tuple(Wanted(name=image, why=name) for image in images_of(objects))


def from_cluster(api: Api) -> tuple[Wanted, ...]:
    """Give the images of the cluster's pods that are not on, or bound to, another system.

    Raises: ClusterError: also where the account may not list nodes and pods.
    """
    access.require(api, access.needed(["compat"]))
    others = {
        row["metadata"]["name"]
        for row in api.list(NODES).items
        if any(
            (row["metadata"].get("labels") or {}).get(label, WINDOWS) != WINDOWS
            for label in OS_LABELS
        )
    }
    pods = [
        row["spec"] for row in api.list(PODS).items if row["spec"].get("nodeName") not in others
    ]
    return tuple(Wanted(name=image, why="the cluster's pods") for image in images_of(pods))


def from_inventory(inventory: Inventory, hosts: Sequence[str]) -> Iterator[Wanted]:
    """Give what every node of an inventory runs: pause, the network's agent and kube-proxy.

    Raises: ConfigError: the inventory does not say enough, or no pause image fits a build.
    """
    support = load_support()
    if inventory.runtime.sandbox_image or inventory.cluster.kubernetes:
        for host in nodes_of(hosts):
            name = sandbox_image(inventory, build=host.build, support=support)
            yield Wanted(name=name, why="pause", hosts=(host.build,))
    if inventory.cluster.cni is not None:
        _, found = cluster_render.manifests(cluster_render.Options(inventory=inventory.path))
        for manifest in found:
            for name in images_of(manifest.documents()):
                yield Wanted(name=name, why=manifest.name)


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as err:
        raise ConfigError(f"{path}: cannot be read: {err.strerror}") from err
