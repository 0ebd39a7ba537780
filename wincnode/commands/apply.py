"""Carry out playbooks: facts, checks, a plan per node, a detached run; the road of every verb."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from wincnode import playbook as playbooks
from wincnode.commands.apart import apart
from wincnode.commands.execution import Job, carry_out, look
from wincnode.commands.inspect import (
    NONE_UNFIT,
    Inspection,
    Options,
    Session,
    over_fit_nodes,
    wanted,
)
from wincnode.events import Event
from wincnode.facts import SECTIONS
from wincnode.inventory.model import Inventory, Node
from wincnode.plan import Plan
from wincnode.report import NodeReport, Report
from wincnode.transport import Transport


def run(inventory: Inventory, options: Options, job: Job, session: Session) -> Report:
    """Carry out the job on the nodes side by side; a node that preflight blocks is left alone."""
    by_name = {node.name: node for node in inventory.nodes}
    against = wanted(inventory, ignore=options.ignore | job.mends)
    if not job.makes_workers:
        # A playbook of one's own asks nothing of workers, and of reboots where it may reboot.
        more = ("startup",) if job.reboots.policy != "never" else ()
        against = replace(against, sections=(*SECTIONS, *more))

    def go_on(
        transport: Transport, found: Inspection, result: NodeReport
    ) -> Generator[Event, None, NodeReport]:
        plan = _plan(job, by_name[result.node], found, inventory)
        if job.check:
            return (yield from look(transport, plan, result, job=job))
        result = yield from carry_out(transport, plan, result, job=job, stop=session.stop)
        if job.after is None or result.status != "done":
            return result
        return (yield from job.after(transport, found, result, session.stop))

    unfit = NONE_UNFIT if job.check else apart(options, session)
    name = job.command.split()[0]
    report = over_fit_nodes(name, options, against, session, go_on, unfit=unfit)
    return replace(report, pending_counts=job.pending_counts)


def _plan(job: Job, node: Node, found: Inspection, inventory: Inventory) -> Plan:
    return playbooks.render(
        job.playbooks,
        node,
        facts=found.facts.sections,
        inventory=inventory,
        more=job.more(node, found),
    )
