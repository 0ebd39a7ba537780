"""The compute systems of one node: list them, and end those that are wincnode's."""

from __future__ import annotations

from collections.abc import Iterator

from wincnode.commands.execution import Job, carry_out
from wincnode.commands.inspect import Session
from wincnode.commands.smoke import programs_step
from wincnode.errors import ConfigError, RunFailed
from wincnode.events import ProgramFinished
from wincnode.hcs import lifecycles
from wincnode.hcs.outcomes import Outcome, outcome
from wincnode.hcs.program import OWNER, Program
from wincnode.hcs.remains import ADVICE
from wincnode.hcs.results import Properties, systems
from wincnode.plan import Plan
from wincnode.report import NodeReport


def listed(node: str, session: Session) -> tuple[Properties, ...]:
    """List a node's compute systems, sorted by their ids; those of wincnode stay, too.

    Raises: NodeError.
    """
    found = _made(node, lifecycles.listing(), session)
    rows = systems(found.result("systems"), "systems")
    return tuple(sorted(rows, key=lambda row: row.id))


def removed(node: str, system: str, session: Session) -> tuple[str, ...]:
    """End one compute system, or all of wincnode's with their folders; gives what was done.

    Raises: ConfigError: it is another's. RunFailed: something stays. NodeError.
    """
    if not system:
        found = _made(node, lifecycles.service(), session)
        lines = tuple(_cleared(node, found))
        if all(row.removed for row in found.leftovers):
            return lines
        raise RunFailed("\n".join(lines), remedy=ADVICE)
    row = next((one for one in listed(node, session) if one.id == system), None)
    if row is None:
        raise ConfigError(
            f"{node}: there is no compute system {system}",
            remedy=f"`wincnode hcs ls {node}` lists them.",
        )
    if row.owner != OWNER:
        raise ConfigError(
            f"{node}: {system} is {row.owner or 'nobody'}'s, not wincnode's",
            remedy="Remove it by its owner, such as `crictl rmp` or `docker rm`; where nobody is"
            " left to do so, `hcsdiag kill` on the node ends it.",
        )
    _made(node, lifecycles.removal(system), session)
    return (f"{node}: ended {row.type} {system}",)


def _cleared(node: str, found: Outcome) -> Iterator[str]:
    if not found.leftovers:
        yield f"{node}: nothing of wincnode was left"
    for row in found.leftovers:
        word = "removed" if row.removed else "could not remove"
        more = f": {row.error}" if row.error else ""
        yield f"{node}: {word} {row.kind} {row.id}{more}"


def _made(node: str, program: Program, session: Session) -> Outcome:
    """Carry one program out.

    Raises: RunFailed: it did not go to its end. NodeError.
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
    if answer is None:
        raise RunFailed(f"{node}: the node did not answer", id="run.no-result")
    found = outcome(answer)
    if found.refused:
        raise RunFailed(f"{node}: the node runs no program: {found.refused}")
    if broken := found.broken:
        code = f" with 0x{broken.code:08X}" if broken.code is not None else ""
        remedy = f"`wincnode explain 0x{broken.code:08X}` says more." if broken.code else ""
        text = f"{node}: {broken.do} failed{code}: {broken.words}"
        raise RunFailed(text.rstrip(": "), remedy=remedy)
    return found
