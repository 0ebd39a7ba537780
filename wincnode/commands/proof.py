"""After `install` and before `join`: the ladder shows that a node runs what it is to run."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from wincnode.checks import Verdict
from wincnode.commands.execution import After
from wincnode.commands.inspect import Inspection
from wincnode.commands.install import is_joined
from wincnode.commands.situation import installed
from wincnode.commands.smoke import by_run
from wincnode.events import Event
from wincnode.fleet import Stop
from wincnode.hcs.errors import load_meanings
from wincnode.inventory.model import Inventory
from wincnode.report import NodeReport
from wincnode.transport import Transport


def after_install(inventory: Inventory) -> After:
    """Give what follows an install: a node that is in a cluster is left alone.

    A rung that fails makes the install fail; one that could not be tried is no more than told.
    """
    known = load_meanings()

    def go_on(
        transport: Transport, found: Inspection, result: NodeReport, stop: Stop
    ) -> Generator[Event, None, NodeReport]:
        if is_joined(found) or stop.asked:
            return result
        now = installed(inventory, build=result.build)
        alone = NodeReport(node=result.node, status="done", build=result.build)
        shown = yield from by_run(transport, now, alone, known=known, pull=True, stop=stop)
        return together(result, shown)

    return go_on


def together(result: NodeReport, shown: NodeReport) -> NodeReport:
    """Add to an install what the ladder showed."""
    verdicts = {row.verdict for row in shown.findings}
    result = replace(
        result,
        findings=(*shown.findings, *result.findings),
        notes=(*result.notes, *shown.notes),
    )
    if Verdict.FAIL in verdicts:
        return replace(result, status="failed")
    return replace(result, status="warnings") if Verdict.UNKNOWN in verdicts else result
