"""One reading of a node: who it is, and what it says of itself."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from wincnode import runner
from wincnode.errors import RunFailed
from wincnode.events import Event, FactsRead, Hello
from wincnode.facts import Facts, from_reads
from wincnode.transport import Transport

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What a node told.

    Args: hello: None where it did not say who it is. skew_s: its clock minus ours as it said so, in
        seconds; None where it does not tell the time.
    """

    facts: Facts
    hello: Hello | None = None
    skew_s: float | None = None

    @property
    def computer(self) -> str:
        """Give its name; "" where it did not say so."""
        return self.hello.computer if self.hello else ""

    @property
    def build(self) -> int:
        """Give the build of its Windows; 0 where it did not say so."""
        return self.hello.build if self.hello else 0

    @property
    def machine_id(self) -> str:
        """Give its MachineGuid; "" where it did not say so."""
        return self.hello.machine_id if self.hello else ""

    def refuse_unknown(self, node: str) -> None:
        """Refuse a node that did not say which Windows it is.

        Raises: RunFailed.
        """
        if self.hello is None:
            text = f"{node}: the node did not say which Windows it is"
            raise RunFailed(text, id="run.no-result")


def read_node(
    transport: Transport,
    *,
    node: str,
    sections: Sequence[str],
    asked: Mapping[str, Mapping[str, Any]] = runner.NOTHING_ASKED,
    section_timeout_s: int = 20,
) -> Generator[Event, None, Told]:
    """Read facts of a node; yields the events, returns what came of them.

    Args: as of `runner.read_facts`.
    Raises: NodeError.
    """
    hello: Hello | None = None
    skew_s: float | None = None
    reads: list[FactsRead] = []
    for event in runner.read_facts(
        transport, node=node, sections=sections, asked=asked, section_timeout_s=section_timeout_s
    ):
        if isinstance(event, Hello):
            hello, skew_s = event, skew_of(event)
        if isinstance(event, FactsRead):
            reads.append(event)
        yield event
    return Told(facts=from_reads(reads), hello=hello, skew_s=skew_s)


def quietly(events: Generator[Event, None, T]) -> T:
    """Follow what tells nobody anything new to its end; gives what it returns."""
    while True:
        try:
            next(events)
        except StopIteration as end:
            result: T = end.value
            return result


def skew_of(hello: Hello) -> float | None:
    """Give the node's clock minus ours, in seconds; None where it does not tell the time."""
    # Sent the moment it was made: what is between is the way here, far below a minute.
    return (hello.at - datetime.now(UTC)).total_seconds() if hello.at else None
