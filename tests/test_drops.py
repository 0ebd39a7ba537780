"""A run whose link is lost at each request in turn ends as if nothing had happened."""

from __future__ import annotations

from pathlib import Path

import pytest
from client import changed
from nodes import lab_node, linked, settings

from wincnode import runner
from wincnode.events import Finished, StepFinished, StepStarted
from wincnode.lab import nodes
from wincnode.lab.faults import Faults
from wincnode.lab.nodes import Wish
from wincnode.plan import Plan, Step, to_wire
from wincnode.transport.shell import WinrmTransport

STEPS = tuple(
    Step(
        id=f"{number}-folder",
        kind="directory",
        title=f"folder {number}",
        key={"path": rf"C:\k{number}"},
        want={"state": "present"},
    )
    for number in (1, 2)
)


# Create, Command, Send, a Receive, Signal and Delete. The scripts run where a lost reply makes a second
# launcher, and where a follower comes back; the soak loses the link at each request of an apply.
@pytest.mark.parametrize(
    ("request_number", "when", "engine"),
    [
        (1, "before", "model"),
        (1, "after", "model"),
        (2, "after", "powershell"),
        (3, "before", "model"),
        (5, "after", "powershell"),
        (6, "before", "model"),
    ],
)
def test_a_lost_link_neither_loses_nor_doubles_work(
    request_number: int, when: str, engine: str, tmp_path: Path
) -> None:
    """Each step is done once, and each event comes once, wherever the link breaks."""
    faults = (
        Faults(drop_before=request_number)
        if when == "before"
        else Faults(drop_at_request=request_number)
    )
    run = runner.new_run()
    plan = to_wire(Plan(node="web-1", steps=STEPS), run=run, mode="apply", who=runner.who("test"))
    with lab_node(tmp_path, engine=engine, faults=faults) as node:
        with linked(node) as link:
            events = list(runner.detached(link, run=run, plan=plan))
        assert len(node.server.requests) >= request_number, "the fault never came to pass"

        numbers = [event.seq for event in events if event.seq]
        assert numbers == list(range(1, 7))  # hello, two for each step, finished
        assert [event.outcome for event in events if isinstance(event, StepFinished)] == [
            "changed",
            "changed",
        ]
        assert isinstance(events[-1], Finished)
        assert changed(node) == ["1-folder", "2-folder"]


def test_a_link_that_is_lost_in_a_long_step_is_waited_for(tmp_path: Path) -> None:
    """Patience begins with the loss: the step had told nothing for longer than that."""
    run = runner.new_run()
    plan = Plan(node="web-1", steps=STEPS[:1])
    wire = to_wire(plan, run=run, mode="apply", who=runner.who("test"))
    events = []
    with nodes.lab_node("web-1", Wish(profile="ws2022", pace_s=2), tmp_path) as node:
        link = WinrmTransport(settings(node), resend_delays_s=())  # each loss is one at once
        for event in runner.detached(link, run=run, plan=wire, patience_s=1):
            events.append(event)
            if isinstance(event, StepStarted):
                # What it is told next comes with the end of the step.
                node.server.faults = Faults(drop_at_request=len(node.server.requests) + 1)
        link.close()

        assert node.server.requests.count("Create") == 2
        assert [event.seq for event in events if event.seq] == [1, 2, 3, 4]
        assert isinstance(events[-1], Finished)
