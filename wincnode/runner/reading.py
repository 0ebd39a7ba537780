"""A run in one process that lives as long as its connection: facts are read so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from wincnode.errors import NodeUnreachable
from wincnode.events import Event, Finished
from wincnode.runner.replies import broke, died, events_of, refuse
from wincnode.runner.request import PROTOCOL, new_run, pack, payload_of
from wincnode.transport import Transport

READ_ATTEMPTS = 3
NOTHING_ASKED: Mapping[str, Mapping[str, Any]] = MappingProxyType({})


def read_facts(
    transport: Transport,
    *,
    node: str,
    sections: Sequence[str],
    section_timeout_s: int = 20,
    asked: Mapping[str, Mapping[str, Any]] = NOTHING_ASKED,
) -> Iterator[Event]:
    """Read facts attached: one process, nothing written; asked again when the link drops.

    Args: asked: what a section is to look at, by the section's name.
    Raises: NodeUnreachable, NodeRefused, BadReply, RunFailed.
    """
    plan = {
        "protocol": PROTOCOL,
        "node": node,
        "mode": "check",
        "facts": [
            # What is asked of other machines takes longer than what a node knows of itself.
            {"section": name, "timeout_s": 2 * section_timeout_s, "asked": asked[name]}
            if name in asked
            else {"section": name, "timeout_s": section_timeout_s}
            for name in sections
        ],
        "kinds": {},
        "steps": [],
    }
    for attempt in range(READ_ATTEMPTS):
        run = new_run()
        try:
            yield from attached(transport, run=run, plan={**plan, "run": run, "who": {}})
        except NodeUnreachable as error:
            if not broke(error) or attempt == READ_ATTEMPTS - 1:
                raise
        else:
            return


def attached(
    transport: Transport,
    *,
    run: str,
    plan: Mapping[str, Any],
    secrets: Mapping[str, str] | None = None,
) -> Iterator[Event]:
    """Run a plan in one process that lives as long as the connection; leaves no trace."""
    request = pack(payload_of("attached", run=run, plan=plan), secrets)
    finished = False
    for event in events_of(transport, request, run=run):
        refuse(event, node=str(plan["node"]))
        finished = finished or isinstance(event, Finished)
        yield event
    if not finished:
        raise died(transport, node=str(plan["node"]))
