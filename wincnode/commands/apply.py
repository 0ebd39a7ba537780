"""Carry out a playbook: facts, checks, a plan per node, a detached run; the road of every verb."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass

from wincnode import playbook as playbooks
from wincnode import runner
from wincnode.commands.inspect import (
    Inspection,
    Item,
    Opener,
    Options,
    Watcher,
    inspect,
    over_nodes,
)
from wincnode.events import Event, Finished, StepFinished
from wincnode.inventory.model import Inventory, Node
from wincnode.plan import Mode, Plan, to_wire
from wincnode.playbook import Playbook
from wincnode.report import NodeReport, Report, Status, status_of
from wincnode.secrets import Secret, resolve
from wincnode.transport import Transport


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What is to be done on every node; `check` only shows what would change."""

    playbook: Playbook
    command: str
    check: bool = False


def run(
    inventory: Inventory, options: Options, job: Job, *, connect: Opener, watch: Watcher
) -> Report:
    """Carry out the job on the nodes side by side; a node that preflight blocks is left alone."""
    by_name = {node.name: node for node in inventory.nodes}

    def work(name: str) -> Iterator[Item]:
        began = time.monotonic()
        transport = connect(name)
        try:
            found = yield from inspect(
                transport, node=name, inventory=inventory, ignore=options.ignore
            )
            steps: tuple[StepFinished, ...] = ()
            status = found.status
            if status != "blocked":
                plan = _plan(job, by_name[name], found, inventory)
                steps, status = yield from _carry_out(transport, plan, job)
        finally:
            transport.close()
        yield NodeReport(
            node=name,
            status=status,
            computer=found.computer,
            build=found.build,
            findings=found.findings,
            steps=steps,
            seconds=time.monotonic() - began,
        )

    return over_nodes("apply", options, work, watch=watch)


def _plan(job: Job, node: Node, found: Inspection, inventory: Inventory) -> Plan:
    return playbooks.render(job.playbook, node, facts=found.facts.sections, inventory=inventory)


def _carry_out(
    transport: Transport, plan: Plan, job: Job
) -> Generator[Event, None, tuple[tuple[StepFinished, ...], Status]]:
    run_id = runner.new_run()
    mode: Mode = "check" if job.check else "apply"
    wire = to_wire(plan, run=run_id, mode=mode, who=runner.who(job.command))
    events = (
        runner.attached(transport, run=run_id, plan=wire, secrets=_revealed(plan))
        if job.check
        else runner.detached(transport, run=run_id, plan=wire, secrets=_revealed(plan))
    )
    steps: list[StepFinished] = []
    status: Status = "failed"
    for event in events:
        if isinstance(event, StepFinished):
            steps.append(event)
        if isinstance(event, Finished):
            status = status_of(event.outcome)
        yield event
    return tuple(steps), status


def _revealed(plan: Plan) -> Mapping[str, str]:
    """Fetch the plan's secrets, at the moment when they are packed."""
    fetched: dict[str, Secret] = {
        name: resolve(source, what=name) for name, source in plan.secrets.items()
    }
    return {name: secret.reveal() for name, secret in fetched.items()}
