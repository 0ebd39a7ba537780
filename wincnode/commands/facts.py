"""What nodes say of themselves, as data: the input of every check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from wincnode import runner
from wincnode.commands.inspect import Options, Session, in_fleet
from wincnode.commands.reading import skew_of
from wincnode.events import Event, FactsRead, Hello
from wincnode.facts import FURTHER, SECTIONS, from_reads
from wincnode.report import NodeReport, Report

SCHEMA = "wincnode/facts/v1"


def run(options: Options, session: Session) -> tuple[Mapping[str, Any], Report]:
    """Read the facts of the nodes side by side.

    Returns: the document of facts, and the report of the nodes that could not be asked.
    """

    def work(name: str) -> Iterator[Event]:
        transport = session.connect(name)
        try:
            yield from runner.read_facts(transport, node=name, sections=(*SECTIONS, *FURTHER))
        finally:
            transport.close()

    reads: dict[str, list[FactsRead]] = {}
    heads: dict[str, Mapping[str, Any]] = {}
    failures: list[NodeReport] = []
    for name, item in in_fleet(replace(options, lends=True), work, session):
        session.watch(name, item)
        if isinstance(item, NodeReport):
            failures.append(item)
        if isinstance(item, Hello):
            skew_s = skew_of(item)
            rounded = None if skew_s is None else round(skew_s, 1)
            heads[name] = {"computer": item.computer, "skew_s": rounded}
        if isinstance(item, FactsRead):
            reads.setdefault(name, []).append(item)
    return _document(reads, heads), Report(
        command="facts", nodes=tuple(failures), interrupted=session.stop.asked
    )


def _document(
    reads: Mapping[str, list[FactsRead]], heads: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any]:
    facts = {name: from_reads(read) for name, read in sorted(reads.items())}
    nodes = {
        name: {
            **heads.get(name, {}),
            "sections": dict(row.sections),
            "unknown": dict(row.errors),
        }
        for name, row in facts.items()
    }
    return {"schema": SCHEMA, "nodes": nodes}
