"""What `install` and `join` do on a node: playbooks that ship, and the variables they see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from wincnode import assets, node_ports, support
from wincnode import playbook as playbooks
from wincnode.artifacts import deliver
from wincnode.artifacts import lock as locks
from wincnode.artifacts.catalogue import load_catalogue
from wincnode.builds import load_builds, supported_builds
from wincnode.cluster import networks
from wincnode.commands import lock
from wincnode.commands.delivery import Files, supply
from wincnode.commands.execution import After, Job
from wincnode.commands.failures import explained
from wincnode.commands.inspect import Inspection
from wincnode.commands.reboots import Reboots
from wincnode.errors import ConfigError
from wincnode.events import printable
from wincnode.inventory import marks
from wincnode.inventory.model import Inventory, Node
from wincnode.support import Wish
from wincnode.worker import containerd, kubelet, kubelet_config, paths
from wincnode.worker.kubelet_flags import flag_mistakes, load_flags
from wincnode.worker.registries import registry_files
from wincnode.worker.variables import variables

# What makes variables that playbooks see of a node, of what was found there.
Variables = Callable[[Node, Inspection], Mapping[str, Any]]
# What the feature Containers brings, and a reboot of ours ends.
MENDS = frozenset({"feat.containers", "feat.hyperv", "svc.vmcompute", "svc.hns"})
PLAYBOOKS = ("prepare.yaml", "install.yaml")


@contextmanager
def job(
    inventory: Inventory,
    files: Files,
    *,
    today: date,
    reboots: Reboots,
    check: bool = False,
    pending_counts: bool = False,
    after: After | None = None,
) -> Iterator[Job]:
    """Give what `install` does on every node, while this host serves files if it is to.

    Args: after: what follows on a node where all went well.
    Raises: ConfigError: the lock file is missing or stale, or versions and flags of the inventory
        cannot work together; before any network is touched. ArtifactError: a file that this host
        is to give cannot be had.
    """
    wanted, _ = lock.plan(inventory, today=today, mirrors={})
    worker = worker_variables(inventory, today=today)
    entries = deliver.locked(locks.path_for(inventory.path), wanted)
    with supply(inventory, entries, files, check=check) as supplied:
        artifacts = deliver.variable(entries, load_catalogue(), supplied.delivery)
        yield Job(
            playbooks=tuple(playbooks.load(assets.playbook(Path(name))) for name in PLAYBOOKS),
            command="install",
            check=check,
            pending_counts=pending_counts,
            reboots=reboots,
            prepare=supplied.prepare,
            fallbacks=(*supplied.fallbacks, explained),
            makes_workers=True,
            after=after,
            mends=MENDS | ({"os.reboot"} if reboots.policy == "if-needed" else frozenset()),
            more=lambda node, found: {
                **worker(node, found),
                "artifacts": artifacts,
                "joined": is_joined(found),
                "ports": port_variables(inventory),
            },
        )


def port_variables(inventory: Inventory) -> Mapping[str, Any]:
    """Give the variable `ports`: those that Windows hands out, and the overlay's, if it is one."""
    start, count = node_ports.dynamic(node_ports.ports_of(inventory.cluster.node_ports))
    mode = networks.mode_of(inventory)
    overlay = networks.fact(mode, "port") if networks.fact(mode, "vni") else ""
    return {"start": start, "count": count, "overlay": overlay}


def worker_variables(inventory: Inventory, *, today: date) -> Variables:
    """Give what makes the variable `worker` of a node; its caller has judged the versions.

    Raises: ConfigError: flags of the inventory cannot work, or an authority's file cannot be read;
        and, for a node, versions cannot work on its Windows build.
    """
    if found := flag_mistakes(inventory, load_flags()):
        raise ConfigError(marks.positioned(found, inventory.path))
    tables = support.load_support()
    builds = supported_builds(load_builds())
    registries = inventory.runtime.registries
    authorities = {row.ca_file: _read(row.ca_file) for row in registries if row.ca_file}
    files = registry_files(registries, authorities)

    def more(node: Node, found: Inspection) -> Mapping[str, Any]:
        _refuse_combination(inventory, tables, build=found.build, today=today)
        _refuse_downgrade(inventory, found, node=node.name)
        kubernetes = inventory.cluster.kubernetes or ""
        wish = containerd.runtime(inventory, build=found.build, support=tables, builds=builds)
        worker = variables(
            wish,
            registries=files,
            kubelet=kubelet.service_command(node),
            drop_in=kubelet_config.drop_in(node, kubernetes),
        )
        return {"worker": worker}

    return more


def is_joined(found: Inspection, server: str = "") -> bool:
    """Tell whether a machine has a kubelet's credentials; with a server, of that cluster."""
    rows = found.facts.known("leftovers").rows("kubeconfigs")
    ours = [row.text("server") for row in rows if row.text("path") == paths.KUBECONFIG]
    return any(not server or text == server for text in ours)


def _refuse_combination(
    inventory: Inventory, tables: support.Support, *, build: int, today: date
) -> None:
    """Refuse what cannot work on a node's Windows build.

    Raises: ConfigError.
    """
    wish = Wish(
        kubernetes=inventory.cluster.kubernetes or "",
        containerd=inventory.runtime.containerd or "",
        build=build,
        hyperv="hyperv" in inventory.runtime.isolation,
        builds=load_builds(),
    )
    found = support.problems(tables, wish, today=today)
    if errors := [row.text for row in found if row.severity == "error"]:
        raise ConfigError("\n".join(f"{inventory.path}: {text}" for text in errors))


def _refuse_downgrade(inventory: Inventory, found: Inspection, *, node: str) -> None:
    """Refuse to put an older containerd, or a kubelet of an older minor, in the place of ours.

    Images that a newer containerd has unpacked are not promised to be readable by an older one.
    Source: containerd/containerd:RELEASES.md@301026e5 (upgrade path)
    A kubelet of a newer minor may have left checkpoints that an older one refuses to start with.
    Source: kubernetes/kubernetes#86689; within a minor, kubelets may go back.
    The other programs keep nothing that they would read again, and go either way.
    Raises: ConfigError.
    """
    runtime, leftovers = (found.facts.sections.get(name, {}) for name in ("runtime", "leftovers"))
    made = leftovers.get("made") or ()
    newer = [
        row
        for name, there, wanted, parts in (
            ("containerd", runtime.get("version"), inventory.runtime.containerd, 3),
            ("kubelet", runtime.get("kubelet"), inventory.cluster.kubernetes, 2),
        )
        if name in made and (row := _newer(name, there, wanted, parts=parts))
    ]
    if newer:
        raise ConfigError(
            f"{node}: {'; '.join(newer)}",
            remedy="Set runtime.containerd and cluster.kubernetes to what is installed or later,"
            " then `wincnode lock`; to go back, take the node out with `wincnode leave` and install"
            " it anew.",
            id="config.downgrade",
        )


def _newer(what: str, there: object, wanted: str | None, *, parts: int) -> str:
    """Say of a program that it is newer than is wanted; empty where it is not.

    Args: there: what the node says. parts: how many numbers of a version count.
    """
    if not (wanted and isinstance(there, str) and len(there) < 64):
        return ""
    if support.numbers(there)[:parts] <= support.numbers(wanted)[:parts]:
        return ""
    return f"{what} {printable(there)} is installed, and {wanted} is wanted"


def _read(path: str) -> str:
    try:
        return Path(path).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
