"""A run that outlives its connections, followed by its journal to its end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wincnode.errors import NodeUnreachable, NotLetIn, OtherMachine, RunFailed
from wincnode.events import Died, Event, Finished, GuardWaiting, Hello, Log
from wincnode.runner.orders import confirm, identified, machine_of
from wincnode.runner.replies import broke, died, events_of, gap, other_machine, refuse
from wincnode.runner.request import pack, payload_of
from wincnode.transport import ConnectionLost, Transport

# Domain logons can fail until a node has found its domain; more attempts could lock the account.
LOGON_ATTEMPTS = 2
LOGON_PAUSE_S = 30.0
# An adapter that is bound to a new switch is away for seconds, up to a minute on slow machines.
PATIENCE_S = 120.0
LONGEST_PAUSE_S = 8.0
# A node that takes its network back needs HNS to remove a network, and adapters to come back.
REVERT_S = 300.0
UNKNOWN_RUN = "This node knows no such run."


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
                heard.machine = identified(transport, node=node, as_before=heard.machine)
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
