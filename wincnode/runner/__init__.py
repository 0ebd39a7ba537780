"""Starts, follows and re-attaches to one run on one node; yields its events.

What it sends stands in `request`, what the node answers in `replies`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from wincnode.errors import NodeUnreachable, NotLetIn, OtherMachine, RunFailed
from wincnode.events import (
    Died,
    Event,
    Finished,
    GuardWaiting,
    Hello,
    Log,
    RunListed,
    printable,
)
from wincnode.runner.replies import broke, died, events_of, gap, locked, other_machine, refuse
from wincnode.runner.request import (
    END_MARK,
    PROTOCOL,
    command_line,
    new_run,
    pack,
    payload_of,
    who,
)
from wincnode.transport import ConnectionLost, Transport

__all__ = [
    "END_MARK",
    "LONGEST_PAUSE_S",
    "PATIENCE_S",
    "attached",
    "cancel",
    "command_line",
    "confirm",
    "detached",
    "died",
    "follow",
    "list_runs",
    "new_run",
    "pack",
    "payload_of",
    "read_facts",
    "reboot",
    "refuse_held",
    "who",
]

READ_ATTEMPTS = 3
NOTHING_ASKED: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
# Domain logons can fail until a node has found its domain; more attempts could lock the account.
LOGON_ATTEMPTS = 2
LOGON_PAUSE_S = 30.0
# An adapter that is bound to a new switch is away for seconds, up to a minute on slow machines.
PATIENCE_S = 120.0
LONGEST_PAUSE_S = 8.0
# A node that takes its network back needs HNS to remove a network, and adapters to come back.
REVERT_S = 300.0
UNKNOWN_RUN = "This node knows no such run."


def read_facts(
    transport: Transport,
    *,
    node: str,
    sections: Sequence[str],
    section_timeout_s: int = 20,
    asked: Mapping[str, Mapping[str, Any]] = NOTHING_ASKED,
) -> Iterator[Event]:
    """Read facts attached: one process, nothing written; asked again when the link drops.

    Args: asked: what a section is to look at, by the section's name.
    Raises: NodeUnreachable, NodeRefused, BadReply, RunFailed.
    """
    plan = {
        "protocol": PROTOCOL,
        "node": node,
        "mode": "check",
        "facts": [
            # What is asked of other machines takes longer than what a node knows of itself.
            {"section": name, "timeout_s": 2 * section_timeout_s, "asked": asked[name]}
            if name in asked
            else {"section": name, "timeout_s": section_timeout_s}
            for name in sections
        ],
        "kinds": {},
        "steps": [],
    }
    for attempt in range(READ_ATTEMPTS):
        run = new_run()
        try:
            yield from attached(transport, run=run, plan={**plan, "run": run, "who": {}})
        except NodeUnreachable as error:
            if not broke(error) or attempt == READ_ATTEMPTS - 1:
                raise
        else:
            return


def attached(
    transport: Transport,
    *,
    run: str,
    plan: Mapping[str, Any],
    secrets: Mapping[str, str] | None = None,
) -> Iterator[Event]:
    """Run a plan in one process that lives as long as the connection; leaves no trace."""
    request = pack(payload_of("attached", run=run, plan=plan), secrets)
    finished = False
    for event in events_of(transport, request, run=run):
        refuse(event, node=str(plan["node"]))
        finished = finished or isinstance(event, Finished)
        yield event
    if not finished:
        raise died(transport, node=str(plan["node"]))


def detached(
    transport: Transport,
    *,
    run: str,
    plan: Mapping[str, Any],
    secrets: Mapping[str, str] | None = None,
    patience_s: float = PATIENCE_S,
    logon_pause_s: float = LOGON_PAUSE_S,
) -> Iterator[Event]:
    """Run a plan that outlives the connection; each event is delivered exactly once.

    Args: patience_s: seconds from its loss after which a link that brings no event is given up;
        with a guard at least until the node has put its network back. logon_pause_s: after a
        logon that is refused then.

    Until the first journal line was seen, the same request is sent again after a drop: the
    node's claim on the run's id makes the second start a follower of the first.
    """

    def request(since: int) -> bytes:
        if since:
            return pack(payload_of("follow", run=run, plan=plan, since=since))
        return pack(payload_of("detached", run=run, plan=plan), secrets)

    node = str(plan["node"])
    guard = plan.get("guard")
    if guard:
        patience_s = max(patience_s, guard["confirm_within_s"] + REVERT_S)
    yield from _to_the_end(
        transport,
        request,
        run=run,
        node=node,
        patience_s=patience_s,
        guarded=bool(guard),
        logon_pause_s=logon_pause_s,
    )


def follow(transport: Transport, *, run: str, node: str) -> Iterator[Event]:
    """Give a detached run's events from its first to its last, waiting for those to come."""
    plan = {"node": node, "steps": []}

    def request(since: int) -> bytes:
        return pack(payload_of("follow", run=run, plan=plan, since=since))

    yield from _to_the_end(transport, request, run=run, node=node, patience_s=PATIENCE_S)


def cancel(transport: Transport, *, run: str, node: str) -> Iterator[Event]:
    """End a run before its next step; gives what the node says to that.

    Raises: RunFailed: the node knows no such run. NodeError.
    """
    request = pack(payload_of("cancel", run=run, plan={"node": node}))
    for event in events_of(transport, request, run=run):
        if isinstance(event, Died):
            raise RunFailed(
                f"{node}: there is no run {run} to cancel: {event.message}",
                remedy=f"List the runs with `wincnode runs {node}`.",
                id="run.unknown",
            )
        refuse(event, node=node)
        yield event
    if transport.exit_code:
        raise died(transport, node=node)


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
    _identified(transport, node=node, as_before=machine)
    own = new_run()
    request = pack(payload_of("confirm", run=own, plan={"node": node, "run": run}))
    for event in events_of(transport, request, run=own):
        if isinstance(event, Died):
            raise RunFailed(
                f"{node}: not confirmed: {event.message}",
                remedy=f"`wincnode runs {node}` lists its runs and their states.",
                id="guard.not-waiting",
            )
        refuse(event, node=node)
        yield event
    if transport.exit_code:
        raise died(transport, node=node)


def machine_of(hello: Hello) -> str:
    """Give what a machine is told apart by: its MachineGuid, which copies share, and its name."""
    return f"{hello.machine_id} {hello.computer}".lower().strip()


def _identified(transport: Transport, *, node: str, as_before: str) -> str:
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


@dataclass(slots=True)
class _Heard:
    """What was heard of a run so far.

    Args: waits: its change of the network is to be confirmed; waited: it was at some time. drops:
        attempts in vain by now. strange: another machine has answered. refused: logons were.
    """

    since: int = 0
    machine: str = ""
    waits: bool = False
    waited: bool = False
    ended: bool = False
    strange: bool = False
    drops: int = 0
    refused: int = 0


def _to_the_end(
    transport: Transport,
    request: Callable[[int], bytes],
    *,
    run: str,
    node: str,
    patience_s: float,
    guarded: bool = False,
    logon_pause_s: float = LOGON_PAUSE_S,
) -> Iterator[Event]:
    """Follow a journal across drops of the link; `request` asks for what comes after a number.

    Patience begins when the link is lost: a step may be silent for longer before that. A change
    of the network that waits is confirmed over a connection of its own.

    Args: guarded: the name may lead to another machine after a drop, where nothing must be begun.
        logon_pause_s: after a refused logon then.
    """
    heard = _Heard()
    deadline = 0.0
    while not heard.ended:
        began = time.monotonic()
        try:
            if heard.waits:
                yield from _confirmed(transport, node=node, run=run, machine=heard.machine)
                heard.waits = False
            if guarded and not heard.since:
                heard.machine = _identified(transport, node=node, as_before=heard.machine)
            yield from _listened(transport, request(heard.since), heard, run=run, node=node)
        except NotLetIn:
            # Behind a new switch a domain logon fails until the node has found its domain again.
            heard.refused += 1
            if not (guarded and heard.since) or heard.refused > LOGON_ATTEMPTS:
                raise
            time.sleep(logon_pause_s)
            transport.log_on_again()
        except NodeUnreachable as error:
            # A node that never answered is not waited for; one whose link broke is.
            drops, never = heard.drops, not (heard.since or broke(error))
            now = time.monotonic()
            # No attempt in vain takes as long as that.
            if not drops or now - began > patience_s:
                deadline = now + patience_s
            pause = min(LONGEST_PAUSE_S, 0.1 * 2**drops)
            if (never and not drops) or now + pause > deadline:
                raise
            if isinstance(error, OtherMachine):
                yield from _met(transport, heard, error)
            time.sleep(pause)
            heard.drops += 1


def _met(transport: Transport, heard: _Heard, error: OtherMachine) -> Iterator[Event]:
    """Leave another machine: the next attempt asks anew where the name leads."""
    transport.close()
    heard.waits = heard.waited
    if not heard.strange:
        yield Log(text=error.message, level="warning")
    heard.strange = True


def _confirmed(transport: Transport, *, node: str, run: str, machine: str) -> Iterator[Event]:
    """Confirm what waits; where it is too late, the next events tell what became of it.

    Raises: ConnectionLost: a shell ended without a word; another may answer. NodeError.
    """
    try:
        yield from confirm(transport, node=node, run=run, machine=machine)
    except RunFailed as error:
        if error.id != "guard.not-waiting":
            raise ConnectionLost(error.message, remedy=error.remedy) from error


def _listened(
    transport: Transport, message: bytes, heard: _Heard, *, run: str, node: str
) -> Iterator[Event]:
    """Give what one message brings, up to the last event or one that asks for something.

    Raises: NodeError: also where it ended without either.
    """
    events = events_of(transport, message, run=run)
    with contextlib.closing(events):
        yield from _unheard(events, heard, node=node)
    if not (heard.ended or heard.waits):
        raise died(transport, node=node)


def _unheard(events: Iterator[Event], heard: _Heard, *, node: str) -> Iterator[Event]:
    """Give the events that are new, up to the last one or one that asks for something."""
    for event in events:
        if heard.since and isinstance(event, Died) and event.message == UNKNOWN_RUN:
            raise other_machine(node)
        refuse(event, node=node)
        if event.seq and event.seq <= heard.since:
            continue
        if event.seq > heard.since + 1:
            raise gap(node, heard.since)
        if event.seq:
            heard.since, heard.drops = event.seq, 0
        yield event
        if isinstance(event, Hello):
            heard.machine = machine_of(event)
        heard.ended = isinstance(event, Finished)
        heard.waits = isinstance(event, GuardWaiting)
        heard.waited = heard.waited or heard.waits
        if heard.ended or heard.waits:
            return
