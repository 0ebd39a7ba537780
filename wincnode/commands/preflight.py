"""Can these nodes run the wanted containers: read facts, run every check, change nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator

from wincnode.commands.inspect import Item, Options, Session, inspect, over_nodes, wanted
from wincnode.inventory.model import Inventory
from wincnode.report import NodeReport, Report


def run(inventory: Inventory, options: Options, session: Session) -> Report:
    """Check the nodes side by side."""
    against = wanted(inventory, ignore=options.ignore)

    def work(name: str) -> Iterator[Item]:
        began = time.monotonic()
        transport = session.connect(name)
        try:
            found = yield from inspect(transport, node=name, against=against)
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

    return over_nodes("preflight", options, work, session)
