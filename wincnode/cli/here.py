"""A Windows host in the place of nodes: what verbs do that take --local."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wincnode.cli.options import DEFAULT_INVENTORIES, Asked, gathered
from wincnode.errors import ConfigError

if TYPE_CHECKING:
    from wincnode.inventory.model import Inventory


def this_host(
    inventory: Inventory, nodes: Sequence[str] | None, ignore: Sequence[str] | None
) -> Asked:
    """Give this host as the one node that is asked, by the transport that needs no network.

    Args: ignore: ids of checks.
    Raises: ConfigError: this host is not Windows, or further nodes are named.
    """
    from wincnode.commands.inspect import Options, check_ids
    from wincnode.transport import ConnectionSettings, open_transport

    if nodes:
        raise ConfigError("--local means this host alone; it takes no NODE")
    here = ConnectionSettings(scheme="local")
    open_transport(here).close()  # refused here, before anything is drawn, where it cannot work
    name = platform.node().partition(".")[0].lower()
    options = Options(nodes=(name,), ignore=frozenset(ignore or ()))
    check_ids(options.ignore)
    return Asked(
        inventory=inventory,
        options=options,
        connect=lambda _: open_transport(here),
    )


def inventory_here(paths: list[Path], vault: list[Path] | None, *, else_of: Path) -> Inventory:
    """Read the inventory; where only its default name is looked for, it may be missing."""
    from wincnode.inventory.model import Inventory

    if paths == DEFAULT_INVENTORIES and not paths[0].exists():
        return Inventory(path=else_of)
    return gathered(paths, vault)
