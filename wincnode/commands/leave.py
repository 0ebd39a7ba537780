"""Take nodes out of their cluster, and their machines back to what they were.

The order is that of kubeadm: drain, reset, delete the Node. As long as the machine is not reset, a
kubelet that starts would register the Node anew, open to pods.
Source: kubernetes.io/docs/setup/production-environment/tools/kubeadm/create-cluster-kubeadm/
(Clean up)
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PureWindowsPath

from wincnode import reset as resets
from wincnode.checks import Finding, Verdict, Wanted, all_checks, run_checks
from wincnode.cluster import nodes
from wincnode.cluster.api import PODS, Api, Object
from wincnode.cluster.drain import Drain, drain, leaving, refusals
from wincnode.commands.apart import apart
from wincnode.commands.clusters import connected
from wincnode.commands.execution import STARTS, Job, carry_out, look
from wincnode.commands.inspect import NONE_UNFIT, Item, Options, Session, Unfit, over_nodes
from wincnode.commands.network_wish import guard_of
from wincnode.commands.reading import Told, quietly, read_node
from wincnode.errors import ClusterError, NodeUnreachable, RunFailed
from wincnode.events import Event, Log
from wincnode.facts import FactMissing, Facts
from wincnode.fleet import Stop
from wincnode.hns.steps import KIND as NETWORK
from wincnode.inventory.model import Inventory
from wincnode.plan import Guard
from wincnode.report import PENDING_OUTCOMES, NodeReport, Report
from wincnode.reset import Reset
from wincnode.transport import Transport
from wincnode.worker import paths

SECTIONS = ("os", "leftovers", "ownership", "startup")
GONE = "Where the machine is gone for good, --cluster-only deletes its Node."


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """Which cluster nodes leave, and how far.

    Args:
        kubeconfig: instead of the inventory's; as kubectl finds one where there is neither.
        keep_node: the Node stays in the cluster, cordoned. cluster_only: the Node alone is deleted,
            as its machine cannot be reached. machine_only: the machine alone is reset, as its
            cluster is gone.
    """

    kubeconfig: Path | None = None
    context: str | None = None
    may_ask: bool = True
    keep_node: bool = False
    cluster_only: bool = False
    machine_only: bool = False
    drain: Drain = field(default_factory=Drain)


@dataclass(frozen=True, kw_only=True, slots=True)
class _One:
    """One node that leaves.

    Args:
        guard: for the machine whose adapter moves back. api: nothing where the machine alone is
            reset. there: its Node, if it has one.
    """

    name: str
    job: Job
    where: Where
    guard: Guard = field(default_factory=Guard)
    api: Api | None = None
    there: Object | None = None


def run(inventory: Inventory, options: Options, job: Job, where: Where, session: Session) -> Report:
    """Take the nodes out side by side.

    Raises: ConfigError, ClusterError: the cluster cannot be asked; nothing was touched.
    """
    api = (
        None
        if where.machine_only
        else connected(
            inventory,
            "leave",
            kubeconfig=where.kubeconfig,
            context=where.context,
            may_ask=where.may_ask,
        )
    )

    guards = {node.name: guard_of(inventory, node) for node in inventory.nodes}

    def work(name: str) -> Iterator[Item]:
        one = _One(name=name, job=job, where=where, guard=guards[name], api=api)
        if where.cluster_only:
            yield (yield from _cluster_alone(one, session.stop))
        else:
            yield (yield from _leave(one, session))

    asks_none = job.check or where.cluster_only
    unfit: Unfit = NONE_UNFIT if asks_none else apart(options, session)
    unfit = {name: _gone(row) for name, row in unfit.items()}
    report = over_nodes("leave", options, work, session, unfit)
    return replace(report, pending_counts=job.pending_counts)


def _cluster_alone(one: _One, stop: Stop) -> Generator[Event, None, NodeReport]:
    """Delete a Node whose machine is not asked; its pods go with it."""
    if one.api is None:
        raise AssertionError  # the command line refuses both
    there = nodes.find(one.api, one.name)
    if there is None:
        return NodeReport(
            node=one.name, status="as-wanted", notes=("the cluster has no such Node",)
        )
    if one.job.check:
        return NodeReport(node=one.name, status="pending", notes=("the Node is deleted",))
    stop.bind(one.name)
    nodes.delete(one.api, there)
    yield Log(text="the Node is deleted")
    return NodeReport(node=one.name, status="done", notes=("the machine was not touched",))


def _leave(one: _One, session: Session) -> Generator[Event, None, NodeReport]:
    transport = session.connect(one.name)
    try:
        told = yield from _asked(transport, one.name)
        result = NodeReport(
            node=one.name,
            status="as-wanted",
            computer=told.computer,
            build=told.build,
            findings=_prompts(told.facts),
        )
        if one.api is not None:
            one = replace(one, there=_own_node(one.api, one.name, told.facts))
        reset = _guarded(_reset(one.name, told.facts), one.guard)
        if one.job.check:
            return (yield from _shown(one, transport, reset, result))
        return (yield from _done(one, transport, reset, result, session))
    finally:
        transport.close()


def _reset(name: str, facts: Facts) -> Reset:
    try:
        ownership = facts.known("ownership")
        return resets.plan(resets.entries(ownership), name, manifest=ownership.text("path"))
    except FactMissing as error:
        raise RunFailed(
            f"{name}: what wincnode changed there cannot be told: {error}",
            remedy=r"See C:\Program Files\wincnode\manifest.json on the node.",
            id="node.manifest",
        ) from error


def _prompts(facts: Facts) -> tuple[Finding, ...]:
    """Find out whether the machine would come back from a reboot, if that is asked for."""
    rules = tuple(check for check in all_checks() if check.id == STARTS)
    found = run_checks(facts, Wanted(), rules)
    return tuple(row for row in found if row.verdict is Verdict.FAIL)


def _guarded(reset: Reset, guard: Guard) -> Reset:
    """Take networks away inside the guard, as the adapter of one may move back."""
    if not any(step.kind == NETWORK for step in reset.plan.steps):
        return reset
    return replace(reset, plan=replace(reset.plan, guard=guard))


def _asked(transport: Transport, name: str) -> Generator[Event, None, Told]:
    try:
        return (yield from read_node(transport, node=name, sections=SECTIONS))
    except NodeUnreachable as error:
        raise _or_alone(error) from error


def _gone(row: NodeReport) -> NodeReport:
    if isinstance(row.error, NodeUnreachable):
        return replace(row, error=_or_alone(row.error))
    return row


def _or_alone(error: NodeUnreachable) -> NodeUnreachable:
    """Say of a machine that does not answer what is left to do where it is gone."""
    return NodeUnreachable(error.message, remedy=f"{error.remedy} {GONE}".strip(), id=error.id)


def _own_node(api: Api, name: str, facts: Facts) -> Object | None:
    """Find the machine's own Node.

    Raises: ClusterError: the name is another machine's, or the machine is in another cluster.
    """
    there = nodes.find(api, name)
    if there is not None:
        nodes.refuse_other_machine(api, there, facts.known("os").text("uuid"))
        return there
    for row in facts.known("leftovers").rows("kubeconfigs"):
        server = row.text("server")
        if row.text("path") == paths.KUBECONFIG and server not in {"", api.server}:
            raise ClusterError(
                f"{api.server}: there is no Node {name}; its machine is a node of {server}",
                remedy="Give that cluster's kubeconfig, or --machine-only where it is gone.",
                id="cluster.other-cluster",
            )
    return None


def _shown(
    one: _One, transport: Transport, reset: Reset, result: NodeReport
) -> Generator[Event, None, NodeReport]:
    """Tell what would be done, in the cluster and on the machine."""
    notes = tuple(_cluster_notes(one))
    if reset.plan.steps:
        result = yield from look(transport, reset.plan, result, job=one.job)
    if one.there is not None and result.status == "as-wanted":
        result = replace(result, status="pending")
    return replace(result, notes=(*notes, *_stays(reset)))


def _cluster_notes(one: _One) -> Iterator[str]:
    if one.api is None or one.there is None:
        return
    rows = one.api.list(PODS, fields=f"spec.nodeName={one.name}").items
    pods = leaving(rows, _drain(one))
    names = (f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in pods)
    yield f"the Node is cordoned; evicted: {', '.join(names) or 'no pods'}"
    yield from (f"the drain is refused: {text}" for text in refusals(pods, _drain(one)))
    if not one.where.keep_node:
        yield "the Node is deleted when the machine is reset"


def _drain(one: _One) -> Drain:
    return replace(one.where.drain, silent=one.there is not None and nodes.is_silent(one.there))


def _stays(reset: Reset) -> tuple[str, ...]:
    return tuple(f"stays as it is: {row}" for row in reset.left)


def _done(
    one: _One, transport: Transport, reset: Reset, result: NodeReport, session: Session
) -> Generator[Event, None, NodeReport]:
    # From here on its Node is changed, and then the machine: it is followed to its end.
    session.stop.bind(one.name)
    if one.api is not None and one.there is not None:
        if nodes.cordon(one.api, one.name):
            yield Log(text="the Node is cordoned")

        def told(text: str) -> None:
            session.watch(one.name, Log(text=text))

        pods = drain(one.api, one.name, _drain(one), told)
        yield Log(text=f"the Node is drained of {pods} pods")
    if reset.plan.steps:
        result = yield from carry_out(transport, reset.plan, result, job=one.job, stop=session.stop)
        if result.status != "done":
            return replace(result, error=result.error or _unfinished(one, reset, result))
        result = replace(result, notes=_used_by_others(one, transport, reset, result))
    if one.api is not None and one.there is not None and not one.where.keep_node:
        nodes.delete(one.api, one.there)
        yield Log(text="the Node is deleted")
    return replace(result, status="done", notes=(*_stays(reset), *result.notes))


def _unfinished(one: _One, reset: Reset, result: NodeReport) -> RunFailed:
    """Say what a run that ended early has left to do."""
    titles = {step.id: step.title for step in reset.plan.steps}
    rest = [step for step in result.steps if step.outcome in {"failed", "skipped"}]
    why = next((step.error for step in rest if step.error), result.status)
    node = "cordoned and drained, " if one.there is not None else ""
    return RunFailed(
        f"{one.name}: {node}but not reset: {why}; left to do:"
        f" {', '.join(titles.get(step.step, step.step) for step in rest)}",
        remedy="Mend what is named and run the same command again: what is done stays done.",
        id="node.not-reset",
    )


def _used_by_others(
    one: _One, transport: Transport, reset: Reset, result: NodeReport
) -> tuple[str, ...]:
    """Name the folders that stay because somebody else has something in them."""
    asked = resets.folders(reset)
    if not asked.steps:
        return ()
    there = quietly(look(transport, asked, result, job=one.job))
    pending = {step.step for step in there.steps if step.outcome in PENDING_OUTCOMES}
    stay = [PureWindowsPath(str(row.key["path"])) for row in asked.steps if row.id in pending]
    # Those above them stay because of them.
    above = {parent for path in stay for parent in path.parents}
    return tuple(
        f"stays as it is: folder {path}: something else is in it"
        for path in stay
        if path not in above
    )
