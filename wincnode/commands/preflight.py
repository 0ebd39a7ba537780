"""Can these nodes run the wanted containers: read facts, run every check, change nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator

from wincnode.commands.inspect import Item, Opener, Options, Watcher, inspect, over_nodes
from wincnode.inventory.model import Inventory
from wincnode.report import NodeReport, Report


def run(inventory: Inventory, options: Options, *, connect: Opener, watch: Watcher) -> Report:
    """Check the nodes side by side.

    Args: connect: opens a node's transport. watch: is told each event and each node's result.
    """

    def work(name: str) -> Iterator[Item]:
        began = time.monotonic()
        transport = connect(name)
        try:
            found = yield from inspect(
                transport, node=name, inventory=inventory, ignore=options.ignore
            )
        finally:
            transport.close()
        yield NodeReport(
            node=name,
            status=found.status,
            computer=found.computer,
            build=found.build,
            findings=found.findings,
            seconds=time.monotonic() - began,
        )

    return over_nodes("preflight", options, work, watch=watch)
