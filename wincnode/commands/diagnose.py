"""Why a node's join stopped where it did: one more look at the machine, attached and read-only."""

from __future__ import annotations

from collections.abc import Generator

from wincnode import diagnosis
from wincnode.commands.reading import read_node
from wincnode.errors import NodeError
from wincnode.events import Event
from wincnode.facts import Facts
from wincnode.transport import Transport

# A System log of tens of megabytes takes its time to be searched.
TIMEOUT_S = 60


def diagnose(
    transport: Transport, *, node: str, stage: str, error: str
) -> Generator[Event, None, str]:
    """Ask the machine; yields the events, returns the text for the user.

    Args: stage: what was not passed. error: what kubeadm, a step or the Node said.
    A machine that does not answer is part of the text: the error itself must not get lost.
    """
    try:
        told = yield from read_node(
            transport, node=node, sections=[diagnosis.SECTION], section_timeout_s=TIMEOUT_S
        )
    except NodeError as failure:
        facts = Facts(errors={diagnosis.SECTION: str(failure)})
    else:
        facts = told.facts
    return diagnosis.said(stage, diagnosis.evidence(facts, error))
