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
from wincnode.errors import ClusterError, ConfigError
from wincnode.images.named import Named
from wincnode.images.workloads import OS_LABELS, WINDOWS, images_of
from wincnode.inventory.model import Inventory
from wincnode.isolation import Version
from wincnode.support import load_support
from wincnode.worker.containerd import sandbox_image

LIMIT_BYTES = 64 * 1024 * 1024


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


def gather(sources: Sources, hosts: Sequence[str]) -> tuple[Named, ...]:
    """Give all images that are named, of the inventory's those for the hosts.

    Raises: ConfigError. ClusterError.
    """
    found = [Named(name=name) for name in sources.images]
    if sources.manifests == "-" and sys.stdin is None:
        raise ConfigError("--images-from -: stdin is closed")
    if sources.manifests == "-":
        found += from_manifests(sys.stdin.buffer, "stdin")
    elif sources.manifests:
        with _opened(Path(sources.manifests)) as opened:
            found += from_manifests(opened, sources.manifests)
    if sources.inventory is not None:
        found += from_inventory(sources.inventory, nodes_of(hosts))
    if sources.cluster:
        api = _api(sources)
        try:
            found += from_cluster(api)
        except (AttributeError, KeyError, TypeError) as err:
            text = f"the cluster's nodes or pods have a form of their own: {type(err).__name__}"
            raise ClusterError(text, id="cluster.bad-reply") from err
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


def from_manifests(opened: IO[bytes], name: str) -> tuple[Named, ...]:
    """Give the images that a stream of Kubernetes manifests names for Windows.

    Raises: ConfigError: it is no YAML, larger than 64 MiB, or holds nothing of that kind.
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
    if not any(isinstance(row, dict | list) for row in objects):
        raise ConfigError(f"{name}: holds no object of Kubernetes")
    return images_of(objects, why=name)


def from_cluster(api: Api) -> tuple[Named, ...]:
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
    return images_of(pods, why="the cluster's pods")


def from_inventory(inventory: Inventory, hosts: Sequence[Version]) -> Iterator[Named]:
    """Give what every node of an inventory runs: its sandbox, its network, and what it is to run.

    Raises: ConfigError: the inventory does not say enough, or no pause image fits a build.
    """
    for host in hosts:
        yield from sandbox(inventory, host.build)
    yield from network(inventory)
    for name in inventory.preflight.images:
        yield Named(name=name, why="preflight.images")


def sandbox(inventory: Inventory, build: int) -> Iterator[Named]:
    """Give the image that each pod on a build starts with, where the inventory leads to one.

    Raises: ConfigError: no pause image fits the build.
    """
    if inventory.runtime.sandbox_image or inventory.cluster.kubernetes:
        name = sandbox_image(inventory, build=build, support=load_support())
        yield Named(name=name, why="pause", role="pause", builds=(build,))


def network(inventory: Inventory) -> Iterator[Named]:
    """Give the images of the cluster's network, where the inventory names one.

    Raises: ConfigError: the inventory does not say enough.
    """
    if inventory.cluster.cni is not None:
        _, found = cluster_render.manifests_of(inventory, cluster_render.chosen_builds(()))
        for manifest in found:
            yield from images_of(manifest.documents(), why=manifest.name, role="network")


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as err:
        raise ConfigError(f"{path}: cannot be read: {err.strerror}") from err
