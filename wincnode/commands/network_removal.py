"""Removing networks of wincnode's from a node, inside the guard where its adapter moves."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

from wincnode.commands import network_wish as wishes
from wincnode.commands import networks
from wincnode.commands.inspect import Item, Options, Session, over_nodes
from wincnode.commands.network_wish import Asked, Target
from wincnode.errors import RunFailed
from wincnode.events import Event
from wincnode.fleet import Stop
from wincnode.hns.reading import Network, Reading
from wincnode.inventory.model import Inventory
from wincnode.plan import Plan
from wincnode.report import NodeReport, Report
from wincnode.transport import Transport


def removed(
    inventory: Inventory, node: str, names: Sequence[str], asked: Asked, session: Session
) -> Report:
    """Remove networks of wincnode's from a node: those that are named, or all of its own.

    A network that endpoints of others are in stays: pods would lose their connection.
    """
    of = next(row for row in inventory.nodes if row.name == node)

    def work(name: str) -> Iterator[Item]:
        transport = session.connect(name)
        try:
            target, result = yield from networks.known(transport, inventory, of, asked)
            now = yield from networks.read(transport, name, session.stop)
            rows = own(name, now, names)
            if not rows:
                note = "no network of wincnode's is there"
                result = replace(result, status="as-wanted", notes=(note,))
            else:
                result = yield from _taken_away(transport, target, rows, result, session.stop)
        finally:
            transport.close()
        yield result

    return over_nodes("network remove", Options(nodes=(node,)), work, session)


def own(node: str, now: Reading, names: Sequence[str]) -> tuple[Network, ...]:
    """Give the networks that may be removed.

    Raises: RunFailed: one is not there, is another's, or is in use.
    """
    by_name = {row.name.lower(): row for row in now.networks}
    rows = [by_name[name.lower()] for name in names if name.lower() in by_name]
    if gone := [name for name in names if name.lower() not in by_name]:
        raise _kept(node, f"there is no network {', '.join(gone)}")
    if foreign := [row for row in rows if not row.owned]:
        told = ", ".join(f"{row.name} is {row.owner or 'another program'}'s" for row in foreign)
        raise _kept(node, f"{told}, not wincnode's")
    chosen = rows if names else [row for row in now.networks if row.owned]
    for row in chosen:
        if used := [one.name or one.id for one in now.endpoints if one.network == row.name]:
            raise _kept(node, f"{row.name} has the endpoints {', '.join(used)}")
    return tuple(chosen)


def _kept(node: str, text: str) -> RunFailed:
    return RunFailed(
        f"{node}: {text}",
        remedy=f"`wincnode network list {node}` shows whose each is; drain the node first where"
        " pods are on it.",
        id="network.kept",
    )


def _taken_away(
    transport: Transport,
    target: Target,
    rows: Sequence[Network],
    result: NodeReport,
    stop: Stop,
) -> Generator[Event, None, NodeReport]:
    steps = tuple(wishes.removal(str(number), row.name) for number, row in enumerate(rows, start=1))
    # The adapter's address moves back.
    moves = any(row.external for row in rows)
    plan = Plan(node=target.node.name, steps=steps, guard=wishes.guard(target) if moves else None)
    return (
        yield from networks.change(transport, plan, result, command="network remove", stop=stop)
    )
