"""One plan on one node: what would change, or the change itself with the reboots that it takes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wincnode import playbook as playbooks
from wincnode import runner
from wincnode.checks import Finding, Verdict
from wincnode.commands import reboots
from wincnode.commands.inspect import Inspection
from wincnode.commands.reboots import Reboots
from wincnode.errors import Interrupted, RunFailed
from wincnode.events import Event, Finished, GuardReverted, Hello, Log, StepFinished
from wincnode.fleet import Stop
from wincnode.inventory.model import Node
from wincnode.plan import Mode, Plan, masked, secret_names, titled, to_wire
from wincnode.playbook import Playbook
from wincnode.report import NodeReport, planned_status_of, status_of
from wincnode.secrets import Secret, Source, refuse_prompts, resolve
from wincnode.transport import Transport

# Features and updates may ask for one reboot after another.
MOST_REBOOTS = 3
# The check by which a node is known that would wait for somebody.
STARTS = "sys.bitlocker.boot"


@dataclass(frozen=True, kw_only=True, slots=True)
class Instead:
    """What follows a plan that failed.

    Args: plan: another one to carry out. notes: for the reader of the result. error: what the
        failure is called where no other plan follows.
    """

    plan: Plan | None = None
    notes: tuple[str, ...] = ()
    error: RunFailed | None = None


# Looks at a plan that failed, with the steps of its run; may work on the node before it answers.
Fallback = Callable[[Transport, Plan, Sequence[StepFinished]], Generator[Event, None, Instead]]


# Goes on with a node whose run was done; gets what was found there before.
After = Callable[[Transport, Inspection, NodeReport, Stop], Generator[Event, None, NodeReport]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What is to be done on every node.

    Args:
        check: only show what would change. pending_counts: pending changes are exit code 3.
        answers: what a person was asked for before any thread ran.
        reboots: whether a node that needs it may reboot.
        more: gives the further variables of a node's playbooks.
        prepare: is done once on each node before its first run.
        fallbacks: are asked in turn, each once, what follows a plan that failed.
        after: what follows on a node where all went well.
        mends: ids of checks whose failures the playbooks mend, so that they block no node.
        given: secrets that the playbooks name and say no source of.
        makes_workers: the machines are to be workers, so that all that matters to these is checked.
    """

    playbooks: tuple[Playbook, ...]
    command: str
    check: bool = False
    pending_counts: bool = False
    answers: Mapping[Source, Secret] = field(default_factory=dict)
    reboots: Reboots = field(default_factory=Reboots)
    more: Callable[[Node, Inspection], Mapping[str, Any]] = lambda _node, _found: {}
    prepare: Callable[[Transport, str], None] = lambda _transport, _node: None
    fallbacks: tuple[Fallback, ...] = ()
    after: After | None = None
    mends: frozenset[str] = frozenset()
    given: Mapping[str, Secret] = field(default_factory=dict)
    makes_workers: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """How a run went: its steps that ended, its outcome, and the boot that it ran in.

    Args: reverted: what the node says of its network, where it has put that back.
    """

    steps: tuple[StepFinished, ...]
    outcome: str
    boot: str
    reverted: GuardReverted | None = None


def look(
    transport: Transport, plan: Plan, result: NodeReport, *, job: Job
) -> Generator[Event, None, NodeReport]:
    """Find out what would change, in one process that leaves no trace."""
    run_id, wire = _wire(plan, job, "check")
    events = runner.attached(transport, run=run_id, plan=wire, secrets=_revealed(plan, job))
    went = yield from _followed(events, plan)
    status = planned_status_of(went.outcome, went.steps)
    return replace(result, status=status, plan=plan, steps=went.steps)


def carry_out(
    transport: Transport, plan: Plan, result: NodeReport, *, job: Job, stop: Stop
) -> Generator[Event, None, NodeReport]:
    """Change the node, with the reboots that this takes; steps that are done are left alone.

    From the start of each run on, the node's work does not depend on the client.
    """
    steps: tuple[StepFinished, ...] = ()
    fallbacks = iter(job.fallbacks)
    reboots_done = 0
    job.prepare(transport, plan.node)
    while True:
        run_id, wire = _wire(plan, job, "apply")
        secrets = _revealed(plan, job)
        stop.bind(plan.node)
        events = runner.detached(transport, run=run_id, plan=wire, secrets=secrets)
        went = yield from _followed(events, plan)
        steps = _together(steps, went.steps)
        if went.outcome == "failed" and not stop.asked:
            instead = yield from _instead(fallbacks, transport, plan, went.steps)
            notes = (*result.notes, *instead.notes)
            result = replace(result, notes=notes, error=instead.error)
            if instead.plan is not None and not stop.asked:
                plan = instead.plan
                continue
        if went.reverted is not None:
            result = replace(result, error=_reverted(plan.node, went.reverted))
        if went.outcome != "needs_reboot":
            return replace(result, status=status_of(went.outcome), steps=steps)
        if error := _refused_reboot(result, job, reboots_done, stop):
            return replace(result, status="needs-reboot", steps=steps, error=error)
        yield Log(text="needs a reboot")
        with job.reboots.places:
            # Whoever waited for others' reboots may have been interrupted meanwhile.
            if error := _refused_reboot(result, job, reboots_done, stop):
                return replace(result, status="needs-reboot", steps=steps, error=error)
            yield from reboots.reboot(
                transport, node=plan.node, boot=went.boot, patience=job.reboots.patience
            )
        if stop.asked:
            late = Interrupted(
                f"{plan.node}: interrupted after its reboot", remedy="Run the command again."
            )
            return replace(result, status="interrupted", steps=steps, error=late)
        reboots_done += 1


def _instead(
    fallbacks: Iterator[Fallback], transport: Transport, plan: Plan, steps: Sequence[StepFinished]
) -> Generator[Event, None, Instead]:
    """Ask the fallbacks that are left until one has another plan; all their notes are kept."""
    notes: tuple[str, ...] = ()
    error = None
    for fallback in fallbacks:
        found = yield from fallback(transport, plan, steps)
        notes, error = (*notes, *found.notes), found.error or error
        if found.plan is not None:
            return Instead(plan=found.plan, notes=notes)
    return Instead(notes=notes, error=error)


def _reverted(node: str, event: GuardReverted) -> RunFailed:
    """Give the error of a run whose node has put its network back."""
    left = f"; not put back: {', '.join(event.left)}" if event.left else ""
    return RunFailed(
        f"{node}: the node has put its network back: {event.reason}{left}",
        remedy="See why the node could not be reached over the new network, then run it again.",
        id="guard.reverted",
    )


def _refused_reboot(
    result: NodeReport, job: Job, done: int, stop: Stop
) -> RunFailed | Interrupted | None:
    """Say why a node that needs a reboot gets none; None where it gets one."""
    node = result.node
    if stop.asked:
        return Interrupted(f"{node}: interrupted before a reboot that it needs")
    if job.reboots.policy == "never":
        return RunFailed(
            f"{node}: needs a reboot before the rest can be done",
            remedy="Reboot it and run the command again, or allow it with --reboot if-needed.",
            id="node.needs-reboot",
        )
    if asks := next((row for row in result.findings if row.check == STARTS and _waits(row)), None):
        return RunFailed(
            f"{node}: needs a reboot, and would not come back from it: {asks.evidence}",
            remedy=f"{asks.remedy} Then run the command again, or reboot it yourself.",
            id="node.boot-prompt",
        )
    if done < MOST_REBOOTS:
        return None
    return RunFailed(f"{node}: asks for a reboot after {done} of them", id="node.needs-reboot")


def _waits(row: Finding) -> bool:
    return row.verdict is Verdict.FAIL and not row.ignored


def _together(
    before: tuple[StepFinished, ...], after: tuple[StepFinished, ...]
) -> tuple[StepFinished, ...]:
    """Give the steps of two runs of a plan; what the first has changed stays changed."""
    changed = {step.step: step for step in before if step.outcome in {"changed", "needs_reboot"}}
    return tuple(
        replace(changed[step.step], outcome="changed")
        if step.outcome == "ok" and step.step in changed
        else step
        for step in after
    )


def _wire(plan: Plan, job: Job, mode: Mode) -> tuple[str, Mapping[str, Any]]:
    run_id = runner.new_run()
    return run_id, to_wire(plan, run=run_id, mode=mode, who=runner.who(job.command))


def _followed(events: Iterator[Event], plan: Plan) -> Generator[Event, None, Followed]:
    """Hand the events on; returns how the run went."""
    steps: list[StepFinished] = []
    outcome = "failed"
    boot = ""
    reverted = None
    for event in events:
        if isinstance(event, Hello):
            boot = event.boot
        if isinstance(event, StepFinished):
            steps.append(masked(plan, event))
        if isinstance(event, Finished):
            outcome = event.outcome
        if isinstance(event, GuardReverted):
            reverted = event
        yield titled(plan, event)
    return Followed(steps=tuple(steps), outcome=outcome, boot=boot, reverted=reverted)


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
    used = set(secret_names(plan))
    fetched = {name: secret for name, secret in job.given.items() if name in used}
    fetched |= {
        name: job.answers.get(source) or resolve(source, what=name)
        for name, source in plan.secrets.items()
    }
    return {name: secret.reveal() for name, secret in fetched.items()}
