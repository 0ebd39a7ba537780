"""What follows a service that did not come to run: a look at why."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from wincnode.commands.diagnose import diagnose
from wincnode.commands.execution import Instead
from wincnode.errors import RunFailed
from wincnode.events import Event, StepFinished
from wincnode.plan import Plan
from wincnode.transport import Transport

# Kinds whose step fails where a service was refused, ended, or does not answer.
KINDS = frozenset({"service", "wait_for"})


def explained(
    transport: Transport, plan: Plan, steps: Sequence[StepFinished]
) -> Generator[Event, None, Instead]:
    """Give the likely causes with exit codes, ends of logs and events; it is not tried again."""
    failed = next((row for row in steps if row.outcome == "failed"), None)
    step = next((row for row in plan.steps if failed and row.id == failed.step), None)
    if failed is None or step is None or step.kind not in KINDS:
        return Instead()
    text = yield from diagnose(
        transport, node=plan.node, stage=step.title or step.id, error=failed.error
    )
    error = RunFailed(
        f"{plan.node}: {text}",
        remedy="Mend what is named, and run the command again: steps that are done are left alone.",
        id="node.service",
    )
    return Instead(error=error)
