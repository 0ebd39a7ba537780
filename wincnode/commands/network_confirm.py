"""Telling a node by hand that it is reached, while it waits in its guard."""

from __future__ import annotations

from collections.abc import Iterator

from wincnode import runner
from wincnode.commands.inspect import Session
from wincnode.events import Log


def confirmed(node: str, run_id: str, session: Session) -> Iterator[str]:
    """Confirm a run that waits on a node; gives what the node says to that.

    Raises: RunFailed: nothing waits there, or it is too late. NodeError.
    """
    transport = session.connect(node)
    try:
        for event in runner.confirm(transport, node=node, run=run_id):
            if isinstance(event, Log):
                yield f"{node}: {event.text}"
    finally:
        transport.close()
