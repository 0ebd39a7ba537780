"""Take away what others left of a node of Kubernetes; what stays is told with the reason."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

from wincnode.commands.apart import apart
from wincnode.commands.execution import Job, carry_out, look
from wincnode.commands.inspect import NONE_UNFIT, Item, Options, Session, over_nodes
from wincnode.commands.reading import read_node
from wincnode.errors import RunFailed
from wincnode.events import Event, printable
from wincnode.facts import FactMissing
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
    told = yield from read_node(transport, node=name, sections=foreign.SECTIONS)
    try:
        found = foreign.plan(told.facts, name)
        servers = foreign.clusters(told.facts)
    except FactMissing as error:
        raise RunFailed(
            f"{name}: what others left there cannot be told: {error}", id="node.unread"
        ) from error
    notes = [f"stays as it is: {row}" for row in found.left]
    if found.plan.steps and servers:
        where = printable(", ".join(servers))
        notes.insert(0, f"its credentials are of {where}: drain and delete the Node there")
    return (
        NodeReport(
            node=name,
            status="as-wanted",
            computer=told.computer,
            build=told.build,
            notes=tuple(notes),
        ),
        found,
    )
