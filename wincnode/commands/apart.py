"""That no two names of a command are one machine, found before anything is changed on any node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from wincnode import fleet
from wincnode.commands.inspect import NONE_UNFIT, Options, Session, Unfit, failed, in_fleet
from wincnode.commands.machines import Identity, identity, shown
from wincnode.commands.reading import quietly, read_node
from wincnode.errors import ConfigError
from wincnode.report import NodeReport

# A node that hangs holds up the others for no longer.
LONGEST_S = 60.0


def apart(options: Options, session: Session, *, limit_s: float = LONGEST_S) -> Unfit:
    """Ask nodes which machines they are, before a verb changes anything on any of them.

    It costs a process that reads one section on each node, and none where there is one node alone.
    Who has not told after a minute is not judged here.

    Returns: the nodes that cannot be gone on with, and why: those that did not tell, which are
        asked no second time, or all of them where two are one machine.
    """
    if len(options.nodes) < 2:
        return NONE_UNFIT

    def ask(name: str) -> Iterator[Identity | None]:
        transport = session.connect(name)
        try:
            found = quietly(read_node(transport, node=name, sections=("os",)))
        finally:
            transport.close()
        yield identity(found.machine_id, found.facts)

    reading = replace(options, parallel=max(options.parallel, fleet.READING))
    answers = dict(in_fleet(reading, ask, session, limit_s=limit_s))
    silent = {name: row for name, row in answers.items() if isinstance(row, NodeReport)}
    told = {name: row for name, row in answers.items() if not isinstance(row, NodeReport)}
    if text := _shared(told):
        return {name: failed(name, _left(name, text)) for name in options.nodes}
    return silent


def _shared(machines: Mapping[str, Identity | None]) -> str:
    """Say which nodes are one machine; empty where no two are.

    Args: machines: what each node told; one that did not tell which it is, is not judged.
    """
    found: dict[Identity, list[str]] = {}
    for name, machine in machines.items():
        if machine is not None:
            found.setdefault(machine, []).append(name)
    return "; ".join(
        f"{' and '.join(sorted(group))} are one machine {shown(machine)}"
        for machine, group in sorted(found.items())
        if len(group) > 1
    )


def _left(node: str, text: str) -> ConfigError:
    """Give the error of a node that is left alone, as two names of the same command are one."""
    return ConfigError(
        f"{node}: nothing was changed on any node: {text}",
        remedy="Keep one name for each machine in the inventory, then run the command again.",
        id="config.same-machine",
    )
