"""What moves a node's adapter before it joins, inside the guard, so that no pod does it later."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

from wincnode.commands import network_wish as wishes
from wincnode.commands.network_wish import Target
from wincnode.commands.networks import change
from wincnode.events import Event, Log
from wincnode.fleet import Stop
from wincnode.plan import Plan
from wincnode.report import NodeReport
from wincnode.transport import Transport

# Before the steps of the join, which count from 1.
BEFORE = "0."


@dataclass(frozen=True, kw_only=True, slots=True)
class Beforehand:
    """The networks that are missing on a node; without steps there are none.

    Args: notes: why which adapter, and what becomes of them later.
    """

    plan: Plan
    notes: tuple[str, ...] = ()


def beforehand(target: Target) -> Beforehand:
    """Find out what a node lacks, from its facts alone.

    Raises: RunFailed: an adapter is needed, and none can be chosen; or a network is wanted that
        only some versions of HNS know.
    """
    networks = wishes.missing(target, wishes.wanted(target.inventory))
    if not networks:
        return Beforehand(plan=Plan(node=target.node.name))
    wish = wishes.wish(target, networks)
    expected = wishes.expected(target.inventory)
    caveats = [
        expected.caveat
        for network in networks
        if expected is not None and expected.caveat and network.name == expected.name
    ]
    plan = wishes.plan(target, wish.networks, before=BEFORE)
    return Beforehand(plan=plan, notes=(*wish.notes, *caveats))


def made(
    transport: Transport, wanted: Beforehand, result: NodeReport, stop: Stop
) -> Generator[Event, None, NodeReport]:
    """Make what a node lacks; its status is `done` where it can join."""
    result = replace(result, notes=(*result.notes, *wanted.notes))
    if not wanted.plan.steps:
        return replace(result, status="done")
    for text in wanted.notes:
        yield Log(text=text)
    return (yield from change(transport, wanted.plan, result, command="join", stop=stop))


def behind(first: NodeReport, second: NodeReport) -> NodeReport:
    """Give the report of two runs, one behind the other."""
    return replace(second, steps=(*first.steps, *second.steps))
