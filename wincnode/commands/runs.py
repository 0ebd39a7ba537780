"""The detached runs that a node remembers, and following one of them to its end."""

from __future__ import annotations

import time
from collections.abc import Iterator

from wincnode import runner
from wincnode.commands.inspect import Opener, Watcher
from wincnode.errors import ConfigError
from wincnode.events import Finished, Log, RunListed, StepFinished
from wincnode.report import NodeReport, Report, Status, status_of

GOING = frozenset({"starting", "running"})
SHORT_ID = 12


def listed(node: str, *, connect: Opener) -> tuple[RunListed, ...]:
    """List a node's runs, the newest first.

    Raises: NodeError.
    """
    transport = connect(node)
    try:
        return runner.list_runs(transport, node=node)
    finally:
        transport.close()


def attach(node: str, run: str, *, connect: Opener, watch: Watcher) -> Report:
    """Follow a run from its first event to its last; the newest where `run` is empty.

    Raises: ConfigError: the node remembers no such run. NodeError.
    """
    began = time.monotonic()
    transport = connect(node)
    steps: list[StepFinished] = []
    status: Status = "failed"
    try:
        found = _known(runner.list_runs(transport, node=node), run, node)
        for event in runner.follow(transport, run=found, node=node):
            watch(node, event)
            if isinstance(event, StepFinished):
                steps.append(event)
            if isinstance(event, Finished):
                status = status_of(event.outcome)
    finally:
        transport.close()
    result = NodeReport(
        node=node, status=status, steps=tuple(steps), seconds=time.monotonic() - began
    )
    return Report(command="attach", nodes=(result,))


def cancel(node: str, run: str, *, connect: Opener) -> Iterator[str]:
    """End a run before its next step; gives what the node says to that.

    Args: run: the beginning of its id; empty for the one that runs.
    Raises: ConfigError: the node remembers no such run. NodeError.
    """
    transport = connect(node)
    try:
        runs = runner.list_runs(transport, node=node)
        going = [row.id for row in runs if row.state in GOING]
        if not run and not going:
            yield f"{node}: nothing to cancel, no run is under way"
            return
        found = _known(runs, run, node) if run else going[0]
        for event in runner.cancel(transport, run=found, node=node):
            if isinstance(event, Log):
                yield f"{node}: run {found[:SHORT_ID]}: {event.text}"
    finally:
        transport.close()


def _known(runs: tuple[RunListed, ...], wanted: str, node: str) -> str:
    """Give the one run whose id begins as wanted."""
    found = [row.id for row in runs if row.id.startswith(wanted)]
    if not found or (wanted and len(found) > 1):
        what = f"no run {wanted}".strip() if not found else f"{len(found)} runs {wanted}..."
        raise ConfigError(f"{node}: {what}", remedy=f"`wincnode runs {node}` lists its runs.")
    return found[0]
