"""F31 to F34: services that do not run, features without their files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from fault_rows import PREFLIGHT, Row, Run, fault, raised
from nodes import linked

from wincnode.checks import Finding
from wincnode.commands.execution import Job, carry_out
from wincnode.commands.failures import explained
from wincnode.events import Log
from wincnode.fleet import Stop
from wincnode.lab.nodes import LabNode
from wincnode.lab.windows.services import Service
from wincnode.plan import Plan, Step
from wincnode.report import NodeReport

Lab = Callable[..., LabNode]
ENGINES = ("model", "powershell")


def done(
    node: LabNode,
    *steps: Step,
    job: Job | None = None,
    findings: tuple[Finding, ...] = (),
    stop_at: str = "",
) -> NodeReport:
    """Carry steps out as the verbs do.

    Args: findings: of the checks before it. stop_at: the user asks to stop as this is said.
    """
    stop = Stop()
    result = NodeReport(node="web-1", status="ready", findings=findings)
    with linked(node) as link:
        events = carry_out(
            link,
            Plan(node="web-1", steps=steps),
            result,
            job=job or Job(playbooks=(), command="apply"),
            stop=stop,
        )
        while True:
            try:
                event = next(events)
                if isinstance(event, Log) and event.text == stop_at:
                    stop.ask()
            except StopIteration as end:
                found: NodeReport = end.value
                return found


def step(kind: str, key: Mapping[str, Any], want: Mapping[str, Any], timeout_s: int = 20) -> Step:
    return Step(id="1", kind=kind, title="", key=key, want=want, timeout_s=timeout_s)


def error_of(report: NodeReport) -> str:
    """Give what the only step says."""
    (row,) = report.steps
    return row.error


SERVICE = {
    "state": "running",
    "command": r"C:\k\thing.exe --serve",
    "start": "manual",
}


@fault(
    "F31",
    "a service does not start: wrong arguments, a dependency, no right to log on",
    does="says what the code means, and does not try again; install shows the exit code, the ends of"
    " the logs, the entries of the System log and the likely causes; flags that cannot work are"
    " refused before any node is touched",
    error="node.service",
    exit_code=1,
    rehearse=("service-silent", "service-logon"),
)
def test_f31_a_service_that_does_not_start(row: Row, lab: Lab) -> None:
    node = lab("service-silent")
    job = Job(playbooks=(), command="install", fallbacks=(explained,))
    command = r"C:\Program Files\containerd\bin\containerd.exe --config x"
    report = done(
        node, step("service", {"name": "containerd"}, SERVICE | {"command": command}), job=job
    )

    assert report.error is not None
    row.holds(raised(report.error))
    for text in (
        "service containerd: Stopped, exit code 1053",
        "event 7000: containerd, %%1053",
        f"command line of containerd: {command}",
        "log of containerd",
    ):
        assert text in report.error.message
    assert error_of(report) == (
        "Win32_Service.StartService returned 7: its process did not report in time."
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_f31_an_account_that_may_not_log_on_as_a_service(engine: str, lab: Lab) -> None:
    node = lab("service-logon", engine=engine)
    report = done(node, step("service", {"name": "thing"}, SERVICE))

    assert error_of(report) == (
        "Win32_Service.StartService returned 15: its account may not log on as a service."
    )


@fault(
    "F32",
    "a service starts, and its process ends after 10 s",
    does="is no success where `steady_s` is set, as for containerd and the kubelet (30 s): the step"
    " fails, and install looks why",
    exit_code=1,
    deadline_s=30,
    rehearse=("service-dies",),
)
def test_f32_a_service_that_dies(row: Row, lab: Lab) -> None:
    """The ten seconds pass at once; without steady_s nobody would have noticed."""
    node = lab("service-dies")
    unnoticed = done(node, step("service", {"name": "other"}, SERVICE))

    def pass_time(service: Service) -> None:
        if service.name == "thing":
            threading.Timer(0.5, node.machine.clock.advance, (10,)).start()

    node.machine.services.on_change.append(pass_time)
    report = done(node, step("service", {"name": "thing"}, SERVICE | {"steady_s": 10}))

    assert unnoticed.status == "done"
    assert (report.status, report.exit_code) == ("failed", row.exit_code)
    assert error_of(report) == "Still different after it was set: state."


def test_f32_a_service_that_lives_is_waited_for(lab: Lab) -> None:
    lives_long_enough(lab())


def lives_long_enough(node: LabNode) -> None:
    """Start a service that has to live for a second."""
    report = done(node, step("service", {"name": "thing"}, SERVICE | {"steady_s": 1}))
    (row,) = report.steps

    assert (report.status, row.outcome) == ("done", "changed")
    assert row.elapsed_ms >= 1000


def held_service(node: LabNode) -> None:
    """Delete a service on which somebody holds a handle."""
    services = node.machine.services
    services.load({"thing": {"State": "Stopped"}})
    services.delete("thing")


@fault(
    "F33",
    "a service is marked for deletion, as somebody holds a handle on it",
    does="waits for the handle, 60 s at most, and then says what to close, or to reboot",
    exit_code=1,
    deadline_s=60,
    rehearse=("service-held",),
)
def test_f33_a_service_that_is_marked_for_deletion(row: Row, lab: Lab) -> None:
    report = marked_for_deletion(lab("service-held"), timeout_s=1)

    assert report.exit_code == row.exit_code


def marked_for_deletion(node: LabNode, *, timeout_s: int) -> NodeReport:
    """Make a service whose name somebody still holds."""
    held_service(node)
    report = done(node, step("service", {"name": "thing"}, SERVICE, timeout_s))

    assert report.status == "failed"
    assert error_of(report).startswith(
        "Win32_Service.Change returned 16: it is marked for deletion, and somebody holds a handle"
    )
    assert error_of(report).endswith("or reboot the node.")
    return report


def test_f33_a_handle_that_is_let_go(lab: Lab) -> None:
    node = lab("service-held")
    held_service(node)

    def let_go() -> None:
        node.machine.services.handles_held = False

    threading.Timer(0.4, let_go).start()
    assert done(node, step("service", {"name": "thing"}, SERVICE)).status == "done"


@fault(
    "F34",
    "the files of a Windows feature are missing (0x800f081f), or it needs a reboot",
    does="finds the first before anything is changed (feat.payload), and says to give a source where"
    " DISM's code comes later; of the second, F35 and F36",
    error="feat.payload",
    exit_code=5,
    rehearse=("feat.payload",),
)
def test_f34_a_feature_without_its_files(row: Row, run: Run, lab: Lab) -> None:
    node = lab(profile="feat.payload")

    row.holds(run(*PREFLIGHT))

    want = {"state": "present", "with": []}
    report = done(node, step("windows_feature", {"name": "Containers"}, want))
    assert "The node lacks the files of the feature: give their place as source." in error_of(
        report
    )
