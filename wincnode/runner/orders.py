"""What a node is told and asked about its runs: cancel, confirm, reboot, and which there are."""

from __future__ import annotations

from collections.abc import Iterator

from wincnode.errors import NodeUnreachable, RunFailed
from wincnode.events import Died, Event, Hello, RunListed, printable
from wincnode.runner.reading import read_facts
from wincnode.runner.replies import died, events_of, locked, other_machine, refuse
from wincnode.runner.request import new_run, pack, payload_of
from wincnode.transport import Transport


def cancel(transport: Transport, *, run: str, node: str) -> Iterator[Event]:
    """End a run before its next step; gives what the node says to that.

    Raises: RunFailed: the node knows no such run. NodeError.
    """
    request = pack(payload_of("cancel", run=run, plan={"node": node}))
    events = events_of(transport, request, run=run)
    yield from _answered(
        transport, events, node=node, id="run.unknown", why=f"there is no run {run} to cancel"
    )


def confirm(
    transport: Transport, *, node: str, run: str = "", machine: str = ""
) -> Iterator[Event]:
    """Confirm a change of the network that waits for it; gives what the node says to that.

    The connection is a new one, so that it proves that the node is there to be reached.

    Args: run: the one that waits; "" for whichever does. machine: which it is to be, as
        `machine_of` tells; "" takes any.
    Raises: OtherMachine. RunFailed: nothing waits there, or it is too late. NodeError.
    """
    # Closed, so that the next message asks anew where the name leads.
    transport.close()
    identified(transport, node=node, as_before=machine)
    own = new_run()
    request = pack(payload_of("confirm", run=own, plan={"node": node, "run": run}))
    events = events_of(transport, request, run=own)
    yield from _answered(transport, events, node=node, id="guard.not-waiting", why="not confirmed")


def _answered(
    transport: Transport, events: Iterator[Event], *, node: str, id: str, why: str
) -> Iterator[Event]:
    """Give what a node says to an order about a run.

    Args: id, why: of the error, where the node knows no run that the order is for.
    Raises: RunFailed. NodeError.
    """
    for event in events:
        if isinstance(event, Died):
            raise RunFailed(
                f"{node}: {why}: {event.message}",
                remedy=f"`wincnode runs {node}` lists its runs and their states.",
                id=id,
            )
        refuse(event, node=node)
        yield event
    if transport.exit_code:
        raise died(transport, node=node)


def machine_of(hello: Hello) -> str:
    """Give what a machine is told apart by: its MachineGuid, which copies share, and its name."""
    return f"{hello.machine_id} {hello.computer}".lower().strip()


def identified(transport: Transport, *, node: str, as_before: str) -> str:
    """Give what identifies the machine that answers.

    Raises: OtherMachine: it is not the one that did before. NodeError.
    """
    events = read_facts(transport, node=node, sections=())
    found = "".join(machine_of(event) for event in events if isinstance(event, Hello))
    if as_before and found != as_before:
        raise other_machine(node)
    return found


def reboot(transport: Transport, *, node: str) -> Iterator[Event]:
    """Have a node reboot within seconds; gives what it says to that.

    Raises: NodeLocked: a run holds the node. NodeRefused: it cannot reboot. NodeError.
    """
    run = new_run()
    request = pack(payload_of("reboot", run=run, plan={"node": node}))
    said = False
    try:
        for event in events_of(transport, request, run=run):
            refuse(event, node=node)
            said = True
            yield event
    except NodeUnreachable:
        # What it said is the last that is expected of it.
        if not said:
            raise
    if not said:
        raise died(transport, node=node)


def list_runs(transport: Transport, *, node: str) -> tuple[RunListed, ...]:
    """List the runs that the node remembers, the newest first.

    Raises: NodeError.
    """
    run = new_run()
    request = pack(payload_of("runs", run=run, plan={"node": node}))
    events = events_of(transport, request, run=run)
    listed = [event for event in events if isinstance(event, RunListed)]
    if transport.exit_code:
        raise died(transport, node=node)
    return tuple(sorted(listed, key=lambda row: row.started, reverse=True))


def refuse_held(transport: Transport, *, node: str) -> None:
    """Refuse a node on which a run is under way.

    Raises: NodeLocked. NodeError.
    """
    for row in list_runs(transport, node=node):
        if row.state in {"running", "waiting"}:
            name = f"`{row.command}` of {row.operator}, run {row.id[:12]}"
            raise locked(node, printable(name))
