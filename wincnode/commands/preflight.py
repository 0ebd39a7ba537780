"""Can these nodes run the wanted containers: read facts, run every check, change nothing."""

from __future__ import annotations

from wincnode.commands.inspect import Options, Session, over_fit_nodes, wanted
from wincnode.commands.targets import reachable
from wincnode.inventory.model import Inventory
from wincnode.report import Report


def run(inventory: Inventory, options: Options, session: Session) -> Report:
    """Check the nodes side by side.

    Raises: ConfigError: the kubeconfig or the lock file is there and cannot be used.
    """
    against = reachable(inventory, wanted(inventory, ignore=options.ignore))

    return over_fit_nodes("preflight", options, against, session)
