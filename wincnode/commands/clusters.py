"""The cluster that a verb works on: the one of the command line, the inventory, or kubectl."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wincnode.cluster import access
from wincnode.cluster.access import Task
from wincnode.cluster.api import Api
from wincnode.cluster.kubeconfig import ClusterAccess, load, server_of
from wincnode.errors import ConfigError
from wincnode.inventory.model import Inventory


def access_of(inventory: Inventory, kubeconfig: Path | None, context: str | None) -> ClusterAccess:
    """Resolve a context of a kubeconfig: the given one, the inventory's, or what kubectl finds.

    Raises: ConfigError.
    """
    named = inventory.cluster.kubeconfig
    if kubeconfig is not None or named is None:
        return load(kubeconfig, context)
    with _told_by_field(inventory):
        return load(Path(named), context)


def server_named(inventory: Inventory) -> str:
    """Give the API server of the inventory's kubeconfig; empty where it names none.

    Raises: ConfigError.
    """
    if inventory.cluster.kubeconfig is None:
        return ""
    with _told_by_field(inventory):
        return server_of(Path(inventory.cluster.kubeconfig))


@contextmanager
def _told_by_field(inventory: Inventory) -> Iterator[None]:
    """Say of a mistake in the kubeconfig by which field of the inventory it is read."""
    try:
        yield
    except ConfigError as error:
        text = f"{inventory.path}: cluster.kubeconfig: {error.message}"
        raise ConfigError(text, remedy=error.remedy, id=error.id) from error


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
