"""A run whose link is lost at each request in turn ends as if nothing had happened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from winps import Machine, machine, winps

from wincnode import runner
from wincnode.events import Finished, StepFinished
from wincnode.lab.powershell import PowerShellEngine
from wincnode.lab.server import Faults, WsmanServer
from wincnode.plan import Plan, Step, to_wire
from wincnode.transport import ConnectionSettings, open_transport

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
# Create, Command, Send, three Receives, Signal and Delete of an undisturbed run.
REQUESTS = range(1, 9)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("request_number", REQUESTS)
def test_a_lost_link_neither_loses_nor_doubles_work(
    request_number: int, when: str, tmp_path: Path
) -> None:
    """Each step is done once, and each event comes once, wherever the link breaks."""
    node = machine(tmp_path)
    events = run_with_fault(
        node,
        Faults(drop_before=request_number)
        if when == "before"
        else Faults(drop_at_request=request_number),
    )

    numbers = [event.seq for event in events if event.seq]

    assert numbers == list(range(1, 7))  # hello, two for each step, finished
    assert [event.outcome for event in events if isinstance(event, StepFinished)] == [
        "changed",
        "changed",
    ]
    assert isinstance(events[-1], Finished)
    assert changes_in_journals(node) == ["1-folder", "2-folder"]


def run_with_fault(node: Machine, faults: Faults) -> list[runner.Event]:
    """Apply the steps over a server that loses one connection."""
    engine = PowerShellEngine(Path(winps()), node.folder, computer="WEB-1", build=20348)
    run = runner.new_run()
    plan = to_wire(Plan(node="web-1", steps=STEPS), run=run, mode="apply", who=runner.who("test"))
    with WsmanServer(engine, users={"Administrator": "secret"}, faults=faults) as server:
        transport = open_transport(
            ConnectionSettings(
                address="127.0.0.1",
                port=server.port,
                scheme="http",
                user="Administrator",
                password="secret",
            )
        )
        try:
            events = list(runner.detached(transport, run=run, plan=plan))
        finally:
            transport.close()
        broken = faults.drop_before or faults.drop_at_request or 0
        assert len(server.requests) >= broken, "the fault never came to pass"
    return events


def changes_in_journals(node: Machine) -> list[str]:
    """List the steps that any run on the node says it changed."""
    lines = [
        json.loads(line)
        for journal in sorted(node.base.glob("runs/*/journal.jsonl"))
        for line in journal.read_text().splitlines()
    ]
    return [row["step"] for row in lines if row.get("outcome") == "changed" and "step" in row]
