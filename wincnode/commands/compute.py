"""The compute systems of one machine: list them, and end those that are wincnode's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from wincnode.commands.execution import Job, carry_out
from wincnode.commands.inspect import Session
from wincnode.commands.smoke import programs_step
from wincnode.commands.smoke_here import Run
from wincnode.errors import ConfigError, RunFailed
from wincnode.events import ProgramFinished, printable
from wincnode.hcs import lifecycles
from wincnode.hcs.outcomes import Outcome, outcome
from wincnode.hcs.program import OWNER, Program, to_json
from wincnode.hcs.remains import ADVICE
from wincnode.hcs.results import Properties, systems
from wincnode.plan import Plan
from wincnode.report import NodeReport


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """A machine with compute systems.

    Args:
        name: in messages. words: how a command line names it. made: carries a program out on it;
            gives its result, or None where the machine does not answer.
    """

    name: str
    words: str
    made: Callable[[Program], Any]


def on_node(node: str, session: Session) -> Host:
    """Give a node, which carries programs out in a run."""
    return Host(name=node, words=node, made=lambda program: _ran(node, program, session))


def on_this_host(name: str, run: Run) -> Host:
    """Give the machine that wincnode is on, by a function that runs a program there."""
    return Host(name=name, words="--local", made=lambda program: run(to_json(program)))


def listed(host: Host) -> tuple[Properties, ...]:
    """List a machine's compute systems, sorted by their ids; those of wincnode stay, too.

    Raises: NodeError.
    """
    found = _made(host, lifecycles.listing())
    rows = systems(found.result("systems"), "systems")
    return tuple(sorted(rows, key=lambda row: row.id))


def removed(host: Host, system: str) -> tuple[str, ...]:
    """End one compute system, or all of wincnode's with their folders; gives what was done.

    Raises: ConfigError: it is another's. RunFailed: something stays. NodeError.
    """
    if not system:
        found = _made(host, lifecycles.service())
        lines = tuple(_cleared(host, found))
        if all(row.removed for row in found.leftovers):
            return lines
        raise RunFailed("\n".join(lines), remedy=ADVICE)
    row = next((one for one in listed(host) if one.id.lower() == system.lower()), None)
    if row is None:
        raise ConfigError(
            f"{host.name}: there is no compute system {system}",
            remedy=f"`wincnode hcs ls {host.words}` lists them.",
        )
    if row.owner != OWNER:
        raise ConfigError(
            printable(f"{host.name}: {row.id} is {row.owner or 'nobody'}'s, not wincnode's"),
            remedy="Remove it by its owner, such as `crictl rmp` or `docker rm`; where nobody is"
            " left to do so, `hcsdiag kill` on the node ends it.",
        )
    _made(host, lifecycles.removal(row.id))
    return (printable(f"{host.name}: ended {row.type} {row.id}"),)


def _cleared(host: Host, found: Outcome) -> Iterator[str]:
    if not found.leftovers:
        yield f"{host.name}: nothing of wincnode was left"
    for row in found.leftovers:
        word = "removed" if row.removed else "could not remove"
        more = f": {row.error}" if row.error else ""
        yield printable(f"{host.name}: {word} {row.kind} {row.id}{more}")


def _made(host: Host, program: Program) -> Outcome:
    """Carry one program out.

    Raises: RunFailed: it did not go to its end. NodeError.
    """
    answer = host.made(program)
    if answer is None:
        raise RunFailed(f"{host.name}: the node did not answer", id="run.no-result")
    found = outcome(answer)
    if found.refused:
        raise RunFailed(f"{host.name}: the node runs no program: {found.refused}")
    if broken := found.broken:
        code = f" with 0x{broken.code:08X}" if broken.code is not None else ""
        remedy = f"`wincnode explain 0x{broken.code:08X}` says more." if broken.code else ""
        text = f"{host.name}: {broken.do} failed{code}: {broken.words}"
        raise RunFailed(text.rstrip(": "), remedy=remedy)
    return found


def _ran(node: str, program: Program, session: Session) -> Any:
    """Carry one program out in a run on a node; gives its result.

    Raises: NodeError.
    """
    plan = Plan(node=node, steps=(programs_step([("compute", (), program)]),))
    transport = session.connect(node)
    answer = None
    try:
        events = carry_out(
            transport,
            plan,
            NodeReport(node=node, status="done"),
            job=Job(playbooks=(), command="hcs"),
            stop=session.stop,
        )
        for event in events:
            session.watch(node, event)
            if isinstance(event, ProgramFinished):
                answer = event.result
    finally:
        transport.close()
    return answer
