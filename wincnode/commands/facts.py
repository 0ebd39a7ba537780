"""What nodes say of themselves, as data: the input of every check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wincnode import assets, fleet, runner
from wincnode.commands.inspect import Opener, Options, Watcher, failed
from wincnode.events import Event, FactsRead
from wincnode.facts import from_reads
from wincnode.report import NodeReport, Report

SCHEMA = "wincnode/facts/v1"


def run(options: Options, *, connect: Opener, watch: Watcher) -> tuple[Mapping[str, Any], Report]:
    """Read the facts of the nodes side by side.

    Returns: the document of facts, and the report of the nodes that could not be asked.
    """

    def work(name: str) -> Iterator[Event]:
        transport = connect(name)
        try:
            yield from runner.read_facts(
                transport, node=name, sections=assets.script_names("facts")
            )
        finally:
            transport.close()

    reads: dict[str, list[FactsRead]] = {}
    failures: list[NodeReport] = []
    for name, item in fleet.run(options.nodes, work, parallel=options.parallel):
        if isinstance(item, Exception):
            failures.append(failed(name, item))
            watch(name, failures[-1])
            continue
        watch(name, item)
        if isinstance(item, FactsRead):
            reads.setdefault(name, []).append(item)
    return _document(reads), Report(command="facts", nodes=tuple(failures))


def _document(reads: Mapping[str, list[FactsRead]]) -> Mapping[str, Any]:
    facts = {name: from_reads(read) for name, read in sorted(reads.items())}
    nodes = {
        name: {"sections": dict(row.sections), "unknown": dict(row.errors)}
        for name, row in facts.items()
    }
    return {"schema": SCHEMA, "nodes": nodes}
