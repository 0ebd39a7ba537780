"""Take away what others left of a node of Kubernetes; what stays is told with the reason."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

from wincnode import runner
from wincnode.commands.apart import apart
from wincnode.commands.execution import Job, carry_out, look
from wincnode.commands.inspect import NONE_UNFIT, Item, Options, Session, over_nodes
from wincnode.errors import RunFailed
from wincnode.events import Event, FactsRead, Hello, printable
from wincnode.facts import FactMissing, from_reads
from wincnode.report import NodeReport, Report
from wincnode.reset import Reset, foreign
from wincnode.transport import Transport


def run(options: Options, job: Job, session: Session) -> Report:
    """Show what would be taken away, or take it away, on nodes side by side."""

    def work(name: str) -> Iterator[Item]:
        transport = session.connect(name)
        try:
            result, found = yield from _found(transport, name)
            if not found.plan.steps:
                result = replace(result, notes=(*result.notes, "nothing is taken away"))
            elif job.check:
                result = yield from look(transport, found.plan, result, job=job)
            else:
                plan = found.plan
                result = yield from carry_out(transport, plan, result, job=job, stop=session.stop)
                reboot = "reboot it: containers of the old node run until then"
                result = replace(result, notes=(*result.notes, reboot))
        finally:
            transport.close()
        yield result

    unfit = NONE_UNFIT if job.check else apart(options, session)
    report = over_nodes("cleanup", options, work, session, unfit)
    return replace(report, pending_counts=job.pending_counts)


def _found(transport: Transport, name: str) -> Generator[Event, None, tuple[NodeReport, Reset]]:
    """Read what is there, and plan what goes of it.

    Raises: NodeError.
    """
    hello: Hello | None = None
    read: list[FactsRead] = []
    for event in runner.read_facts(transport, node=name, sections=foreign.SECTIONS):
        if isinstance(event, Hello):
            hello = event
        if isinstance(event, FactsRead):
            read.append(event)
        yield event
    facts = from_reads(read)
    try:
        found = foreign.plan(facts, name)
        servers = foreign.clusters(facts)
    except FactMissing as error:
        raise RunFailed(
            f"{name}: what others left there cannot be told: {error}", id="node.unread"
        ) from error
    notes = [f"stays as it is: {row}" for row in found.left]
    if found.plan.steps and servers:
        told = printable(", ".join(servers))
        notes.insert(0, f"its credentials are of {told}: drain and delete the Node there")
    return (
        NodeReport(
            node=name,
            status="as-wanted",
            computer=hello.computer if hello else "",
            build=hello.build if hello else 0,
            notes=tuple(notes),
        ),
        found,
    )
