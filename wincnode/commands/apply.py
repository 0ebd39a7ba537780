"""Carry out a playbook: facts, checks, a plan per node, a detached run; the road of every verb."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wincnode import playbook as playbooks
from wincnode import runner
from wincnode.commands.inspect import (
    Inspection,
    Item,
    Options,
    Session,
    inspect,
    over_nodes,
    wanted,
)
from wincnode.events import Event, Finished, StepFinished
from wincnode.fleet import Stop
from wincnode.inventory.model import Inventory, Node
from wincnode.plan import Mode, Plan, masked, titled, to_wire
from wincnode.playbook import Playbook
from wincnode.report import NodeReport, Report, planned_status_of, status_of
from wincnode.secrets import Secret, Source, refuse_prompts, resolve
from wincnode.transport import Transport


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What is to be done on every node.

    Args:
        check: only show what would change. pending_counts: pending changes are exit code 3.
        answers: what a person was asked for before any thread ran.
    """

    playbook: Playbook
    command: str
    check: bool = False
    pending_counts: bool = False
    answers: Mapping[Source, Secret] = field(default_factory=dict)


def run(inventory: Inventory, options: Options, job: Job, session: Session) -> Report:
    """Carry out the job on the nodes side by side; a node that preflight blocks is left alone."""
    by_name = {node.name: node for node in inventory.nodes}
    against = wanted(inventory, ignore=options.ignore)

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
                    _look(transport, plan, result, job=job)
                    if job.check
                    else _carry_out(transport, plan, result, job=job, stop=session.stop)
                )
        finally:
            transport.close()
        yield replace(result, seconds=time.monotonic() - began)

    report = over_nodes("apply", options, work, session)
    return replace(report, pending_counts=job.pending_counts)


def _plan(job: Job, node: Node, found: Inspection, inventory: Inventory) -> Plan:
    return playbooks.render(job.playbook, node, facts=found.facts.sections, inventory=inventory)


def _look(
    transport: Transport, plan: Plan, result: NodeReport, *, job: Job
) -> Generator[Event, None, NodeReport]:
    """Find out what would change, in one process that leaves no trace."""
    run_id, wire = _wire(plan, job, "check")
    events = runner.attached(transport, run=run_id, plan=wire, secrets=_revealed(plan, job))
    steps, outcome = yield from _followed(events, plan)
    status = planned_status_of(outcome, steps)
    return replace(result, status=status, plan=plan, steps=steps)


def _carry_out(
    transport: Transport, plan: Plan, result: NodeReport, *, job: Job, stop: Stop
) -> Generator[Event, None, NodeReport]:
    """Change the node; from here on the work does not depend on the client."""
    run_id, wire = _wire(plan, job, "apply")
    secrets = _revealed(plan, job)
    stop.bind(plan.node)
    events = runner.detached(transport, run=run_id, plan=wire, secrets=secrets)
    steps, outcome = yield from _followed(events, plan)
    return replace(result, status=status_of(outcome), steps=steps)


def _wire(plan: Plan, job: Job, mode: Mode) -> tuple[str, Mapping[str, Any]]:
    run_id = runner.new_run()
    return run_id, to_wire(plan, run=run_id, mode=mode, who=runner.who(job.command))


def _followed(
    events: Iterator[Event], plan: Plan
) -> Generator[Event, None, tuple[tuple[StepFinished, ...], str]]:
    """Hand the events on; returns the steps that ended and the outcome of the whole."""
    steps: list[StepFinished] = []
    outcome = "failed"
    for event in events:
        if isinstance(event, StepFinished):
            steps.append(masked(plan, event))
        if isinstance(event, Finished):
            outcome = event.outcome
        yield titled(plan, event)
    return tuple(steps), outcome


def asked(playbook: Playbook, *, may_ask: bool) -> Mapping[Source, Secret]:
    """Ask for the playbook's secrets that come from a prompt, once for all nodes.

    Raises: ConfigError: nobody is there to answer, or the answer is empty.
    """
    sources = playbooks.prompts(playbook)
    if not may_ask:
        refuse_prompts(source.argument[0] for source in sources)
    return {source: resolve(source, what=source.argument[0]) for source in sources}


def _revealed(plan: Plan, job: Job) -> Mapping[str, str]:
    """Fetch the plan's secrets, at the moment when they are packed."""
    fetched = {
        name: job.answers.get(source) or resolve(source, what=name)
        for name, source in plan.secrets.items()
    }
    return {name: secret.reveal() for name, secret in fetched.items()}
