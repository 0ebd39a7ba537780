"""The cluster that a verb works on: the one of the command line, the inventory, or kubectl."""

from __future__ import annotations

from pathlib import Path

from wincnode.cluster import access
from wincnode.cluster.access import Task
from wincnode.cluster.api import Api
from wincnode.cluster.kubeconfig import ClusterAccess, load
from wincnode.inventory.model import Inventory


def access_of(inventory: Inventory, kubeconfig: Path | None, context: str | None) -> ClusterAccess:
    """Resolve a context of a kubeconfig: the given one, the inventory's, or what kubectl finds.

    Raises: ConfigError.
    """
    named = inventory.cluster.kubeconfig
    return load(kubeconfig or (Path(named) if named else None), context)


def connected(
    inventory: Inventory,
    task: Task,
    *,
    kubeconfig: Path | None,
    context: str | None,
    may_ask: bool,
) -> Api:
    """Reach the cluster as an account with every right that the task takes.

    Raises: ConfigError. ClusterError: also where a right is missing; nothing was done.
    """
    api = Api(access_of(inventory, kubeconfig, context), may_ask=may_ask)
    access.require(api, access.needed([task]))
    return api
