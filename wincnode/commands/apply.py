"""Carry out playbooks: facts, checks, a plan per node, a detached run; the road of every verb."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from wincnode import playbook as playbooks
from wincnode.commands.execution import Job, carry_out, look
from wincnode.commands.inspect import (
    Inspection,
    Item,
    Options,
    Session,
    inspect,
    over_nodes,
    wanted,
)
from wincnode.inventory.model import Inventory, Node
from wincnode.plan import Plan
from wincnode.report import NodeReport, Report


def run(inventory: Inventory, options: Options, job: Job, session: Session) -> Report:
    """Carry out the job on the nodes side by side; a node that preflight blocks is left alone."""
    by_name = {node.name: node for node in inventory.nodes}
    against = wanted(inventory, ignore=options.ignore | job.mends)

    def work(name: str) -> Iterator[Item]:
        began = time.monotonic()
        transport = session.connect(name)
        try:
            found = yield from inspect(transport, node=name, against=against)
            result = NodeReport(
                node=name,
                status=found.status,
                computer=found.computer,
                build=found.build,
                findings=found.findings,
            )
            if result.status != "blocked":
                plan = _plan(job, by_name[name], found, inventory)
                result = yield from (
                    look(transport, plan, result, job=job)
                    if job.check
                    else carry_out(transport, plan, result, job=job, stop=session.stop)
                )
        finally:
            transport.close()
        yield replace(result, seconds=time.monotonic() - began)

    report = over_nodes(job.command.split()[0], options, work, session)
    return replace(report, pending_counts=job.pending_counts)


def _plan(job: Job, node: Node, found: Inspection, inventory: Inventory) -> Plan:
    return playbooks.render(
        job.playbooks,
        node,
        facts=found.facts.sections,
        inventory=inventory,
        more=job.more(node, found),
    )
