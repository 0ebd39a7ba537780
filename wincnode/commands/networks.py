"""Networks of nodes: what HNS has, what is wanted of it, and making it so inside the guard."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace

from wincnode.commands import network_wish as wishes
from wincnode.commands.apart import apart
from wincnode.commands.execution import Job, carry_out
from wincnode.commands.inspect import NONE_UNFIT, Item, Options, Session, over_nodes
from wincnode.commands.network_told import notes_of
from wincnode.commands.network_wish import Asked, Target
from wincnode.commands.reading import read_node
from wincnode.error_ids import load_error_ids
from wincnode.errors import ConfigError, RunFailed
from wincnode.events import Event, Log, ProgramFinished, StepFinished
from wincnode.fleet import Stop
from wincnode.hcs.errors import load_meanings, recognise
from wincnode.hns import plan as plans
from wincnode.hns.reading import Reading, reading
from wincnode.inventory.model import Inventory, Node
from wincnode.node.kinds import all_kinds
from wincnode.plan import Plan, Step
from wincnode.report import NodeReport, Report
from wincnode.transport import Transport

FACTS_KIND = "hns_facts"
ANSWER = "hns"
# Causes that are told of one failure.
MOST_CAUSES = 3
OUTCOMES = {"create": "would_change", "replace": "would_change", "keep": "ok"}


@dataclass(frozen=True, kw_only=True, slots=True)
class How:
    """What is to be done with what is wanted.

    Args: check: only show it. pending_counts: pending changes are exit code 3.
    """

    asked: Asked
    check: bool = False
    pending_counts: bool = False


def listed(node: str, session: Session) -> Reading:
    """Give what a node's HNS has, whoever made it.

    Raises: NodeError.
    """
    transport = session.connect(node)
    try:
        events = read(transport, node, session.stop)
        while True:
            try:
                session.watch(node, next(events))
            except StopIteration as end:
                found: Reading = end.value
                return found
    finally:
        transport.close()


def read(transport: Transport, node: str, stop: Stop) -> Generator[Event, None, Reading]:
    """Ask HNS for all that it has.

    Raises: RunFailed: it told nothing. NodeError.
    """
    kind = all_kinds()[FACTS_KIND]
    step = Step(
        id="1-hns", kind=kind.name, title="networks", key={}, want={}, timeout_s=kind.timeout_s
    )
    job = Job(playbooks=(), command="network")
    plan = Plan(node=node, steps=(step,))
    went = carry_out(transport, plan, NodeReport(node=node, status="done"), job=job, stop=stop)
    answer = None
    while True:
        try:
            event = next(went)
        except StopIteration as end:
            result: NodeReport = end.value
            break
        if isinstance(event, ProgramFinished) and event.program == ANSWER:
            answer = event.result
        yield event
    found = reading(answer)
    broken = next((row.error for row in result.steps if row.outcome == "failed"), "")
    if answer is None or found.error:
        text = found.error if answer is not None else broken or "the node did not answer"
        raise _failed(f"{node}: HNS told nothing: ", text, id="network.unread")
    return found


def run(inventory: Inventory, options: Options, how: How, session: Session) -> Report:
    """Make the nodes' networks as they are wanted, side by side, or show what would change."""
    by_name = {node.name: node for node in inventory.nodes}
    networks = wishes.wanted(inventory)
    if not networks:
        raise ConfigError(
            f"{inventory.path}: no network is wanted of the nodes",
            remedy="Name the cluster's network (cluster.cni), or networks (network.networks).",
        )

    def work(name: str) -> Iterator[Item]:
        transport = session.connect(name)
        try:
            target, result = yield from known(transport, inventory, by_name[name], how.asked)
            wish = wishes.wish(target, networks)
            result = replace(result, notes=(*result.notes, *wish.notes))
            now = yield from read(transport, name, session.stop)
            wishes.refuse_unknown(name, wish.networks, build=target.build, version=now.version)
            rows = plans.plan(wish.networks, now, build=target.build)
            if how.check or not any(row.action in {"create", "replace"} for row in rows):
                result = shown(target, rows, result)
            else:
                result = yield from _made(transport, target, rows, result, session.stop)
        finally:
            transport.close()
        yield result

    command = "network plan" if how.check else "network apply"
    unfit = NONE_UNFIT if how.check else apart(options, session)
    report = over_nodes(command, options, work, session, unfit)
    return replace(report, pending_counts=how.pending_counts)


def known(
    transport: Transport, inventory: Inventory, node: Node, asked: Asked
) -> Generator[Event, None, tuple[Target, NodeReport]]:
    """Read what the choice of an adapter depends on.

    Raises: NodeError.
    """
    told = yield from read_node(transport, node=node.name, sections=wishes.SECTIONS)
    told.refuse_unknown(node.name)
    target = Target(inventory=inventory, node=node, facts=told.facts, build=told.build, asked=asked)
    result = NodeReport(node=node.name, status="done", computer=told.computer, build=told.build)
    return target, result


def shown(target: Target, rows: Sequence[plans.Row], result: NodeReport) -> NodeReport:
    """Give the report of what would become of the networks; nothing was changed."""
    plan = wishes.plan(target, [row.network for row in rows])
    steps = tuple(_would(step, row) for step, row in zip(plan.steps, rows, strict=True))
    notes = [f"{row.network.name}: {row.text}" for row in rows]
    outcomes = {step.outcome for step in steps}
    result = replace(result, plan=plan, steps=steps, notes=(*result.notes, *notes))
    if "failed" in outcomes:
        return replace(result, status="failed", error=_refusal(target.node.name, rows))
    return replace(result, status="pending" if "would_change" in outcomes else "as-wanted")


def _would(step: Step, row: plans.Row) -> StepFinished:
    outcome = OUTCOMES.get(row.action, "failed")
    diff = tuple((one.field, one.have, one.want) for one in row.differences)
    if row.action == "create":
        diff = (("state", "absent", "present"),)
    return StepFinished(
        step=step.id,
        outcome=outcome,
        diff=diff,
        error=row.text if outcome == "failed" else "",
        elapsed_ms=0,
        title=step.title,
    )


def _refusal(node: str, rows: Sequence[plans.Row]) -> RunFailed:
    bad = [row for row in rows if row.action in {"foreign", "blocked"}]
    text = f"{node}: " + "; ".join(f"{row.network.name}: {row.text}" for row in bad)
    shows = f"`wincnode network list {node}` shows all."
    if any(row.action == "foreign" for row in bad):
        remedy = f"Remove it by what made it, or give the wanted one another name; {shows}"
        return RunFailed(text, remedy=remedy, id="network.foreign")
    remedy = f"Change one of the two, or remove it by what made it; {shows}"
    return RunFailed(text, remedy=remedy, id="network.clash")


def _made(
    transport: Transport,
    target: Target,
    rows: Sequence[plans.Row],
    result: NodeReport,
    stop: Stop,
) -> Generator[Event, None, NodeReport]:
    """Make what is not as wanted; nothing is touched where a part of it would be refused."""
    if any(row.action in {"foreign", "blocked"} for row in rows):
        return shown(target, rows, result)
    for row in rows:
        yield Log(text=f"{row.network.name}: {row.action}: {row.text}")
    plan = wishes.plan(target, [row.network for row in rows])
    return (yield from change(transport, plan, result, command="network apply", stop=stop))


def change(
    transport: Transport, plan: Plan, result: NodeReport, *, command: str, stop: Stop
) -> Generator[Event, None, NodeReport]:
    """Carry a plan of networks out; a failure is told with its likely causes.

    The notes tell what the adapters had before and have after it.
    """
    job = Job(playbooks=(), command=command)
    result = yield from _told(carry_out(transport, plan, result, job=job, stop=stop))
    broken = next((row for row in result.steps if row.outcome == "failed"), None)
    if broken is not None and result.error is None:
        error = _failed(f"{result.node}: {broken.title}: ", broken.error, id="network.failed")
        result = replace(result, error=error)
    return result


def _failed(where: str, text: str, *, id: str) -> RunFailed:
    """Give the error of what a node said: where its text begins with an id of ours, that is it."""
    row = load_error_ids().get(text.partition(":")[0])
    if row is None:
        return RunFailed(f"{where}{text}", remedy=likely(text), id=id)
    return RunFailed(f"{where}{text}", remedy=row.remedy, id=row.id)


def _told(events: Generator[Event, None, NodeReport]) -> Generator[Event, None, NodeReport]:
    """Hand the events on; what they tell of adapters becomes notes of the result."""
    notes: tuple[str, ...] = ()
    while True:
        try:
            event = next(events)
        except StopIteration as end:
            result: NodeReport = end.value
            return replace(result, notes=(*result.notes, *notes))
        notes = (*notes, *notes_of(event))
        yield event


def likely(text: str) -> str:
    """Say what a failure most likely comes from, and what helps; empty where none is known."""
    codes, reasons = recognise(text, load_meanings())
    told = " ".join(
        f"{reason.cause.title}: {reason.cause.remedy}" for reason in reasons[:MOST_CAUSES]
    )
    more = f" `wincnode explain 0x{codes[0].value:08X}` says more." if codes else ""
    return f"{told}{more}".strip()
