"""The ladder's own programs, carried out over the native double of each Windows build."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from compute_double import BUILDS, Double, double, image
from compute_scenarios import by_ctypes as by_ctypes_of
from compute_scenarios import local, vm

from wincnode.commands import compute
from wincnode.commands.smoke import Climb
from wincnode.commands.smoke_here import by_ctypes
from wincnode.errors import ConfigError, RunFailed
from wincnode.events import Log
from wincnode.fleet import Stop
from wincnode.hcs import smoke
from wincnode.hcs.errors import load_meanings
from wincnode.hcs.local.executor import execute
from wincnode.hcs.local.machine import run
from wincnode.hcs.program import to_json
from wincnode.hcs.rungs import Situation, Tried, ladder
from wincnode.report import NodeReport

KNOWN = load_meanings()


def given(value: Any, layers: list[str]) -> Any:
    """Put an image's layers in the place of a question for them: there is no runtime here."""
    known = {"image.parents": layers, "image.utility_vm": f"{layers[-1]}\\UtilityVM"}
    match value:
        case {"$ref": str(name)} if name in known:
            return known[name]
        case dict():
            return {key: given(item, layers) for key, item in value.items()}
        case list():
            rows = [
                row for row in value if not (isinstance(row, dict) and row.get("id") == "image")
            ]
            return [given(item, layers) for item in rows]
    return value


def test_a_windows_host_climbs_the_ladder_by_itself(tmp_path: Path) -> None:
    """`smoke --local`: the same rungs and verdicts, in this process; what fails stops what needs it."""
    machine = double(tmp_path)
    layers = image(machine, "3", "2", "1")
    now = Situation(build=20348, runtime="containerd", image="a/b:c", isolation=("process",))
    climb = by_ctypes(lambda program: execute(given(program, layers), local(machine)))

    well, told = climbed(climb, now)
    machine.set("service off")
    ill, _ = climbed(climb, now)

    assert {row.check: row.verdict.value for row in well.findings} == dict.fromkeys(
        ("smoke.service", "smoke.schema", "smoke.storage", "smoke.process"), "pass"
    )
    assert [text.split(": ")[0] for text in told] == ["service", "schema", "storage", "process"]
    rows = {row.check: row for row in ill.findings}
    assert rows["smoke.service"].verdict.value == "fail"
    assert "0x80370114" in rows["smoke.service"].evidence
    assert "it needs service" in rows["smoke.schema"].evidence
    assert machine.violations() == []


NO_LOGON = "fault HcsStartComputeSystem * fail 0x80070569"
HAS = "S-1-5-83-0 has the right to log on as a service at this moment"
UNKNOWN = "whether S-1-5-83-0 has the right to log on as a service is unknown: right.holders"
LACKS = "S-1-5-83-0 lacks the right to log on as a service"


@pytest.mark.parametrize(
    ("lines", "told", "remedy"),
    [
        ((), HAS, "may come and go with Group Policy"),
        (
            ("right SeServiceLogonRight S-1-5-80-0 S-1-5-20",),
            f"{LACKS} (holders: S-1-5-80-0, S-1-5-20)",
            "Add NT VIRTUAL MACHINE",
        ),
        (
            ("right SeServiceLogonRight",),
            f"{LACKS} (nobody holds it)",
            "Add NT VIRTUAL MACHINE",
        ),
        (
            ("right SeDenyServiceLogonRight S-1-5-83-0",),
            f"{HAS}, and it is denied to S-1-5-83-0",
            "`Deny log on as a service`",
        ),
        (
            ("fault LsaOpenPolicy * refuse 0xc0000022",),
            f"{UNKNOWN} (allowed) failed with 0xC0000022 STATUS_ACCESS_DENIED: LsaOpenPolicy gave",
            "Add NT VIRTUAL MACHINE",
        ),
    ],
    ids=["held", "lacking", "nobody", "denied", "refused"],
)
def test_a_machine_that_may_not_log_on_is_told_who_may(
    lines: tuple[str, ...], told: str, remedy: str, tmp_path: Path
) -> None:
    """What LSA says of S-1-5-83-0 stands beside 0x80070569, and decides what is to be done."""
    machine = double(tmp_path, lines=(NO_LOGON, *lines))
    layers = image(machine, "3", "2", "1")
    now = Situation(build=20348, runtime="containerd", image="a/b:c", isolation=("hyperv",))
    climb = by_ctypes(lambda program: execute(given(program, layers), local(machine)))

    report, _ = climbed(climb, now)

    rows = {row.check: row for row in report.findings}
    for name in ("smoke.vm", "smoke.hyperv"):
        assert "0x80070569 ERROR_LOGON_TYPE_NOT_GRANTED: " in rows[name].evidence
        assert f"; {told}" in rows[name].evidence
        assert remedy in rows[name].remedy
    assert rows["smoke.hyperv"].because_of == ("smoke.vm",)
    assert machine.violations() == []
    assert not any(machine.counts().values())


def test_a_windows_host_lists_and_removes_by_itself(tmp_path: Path) -> None:
    """`hcs ls --local` and `hcs rm --local`: as on a node, in this process."""
    machine = double(tmp_path)
    host = compute.on_this_host("here", lambda program: execute(program, local(machine)))
    stays = {"ShouldTerminateOnLastHandleClosed": False}
    others = local(machine)
    for id, owner in (("b-ours", "wincnode"), ("a-pod", "runhcs"), ("c-ours", "wincnode")):
        others.do("system.create", {"id": id, "document": {**vm(owner), **stays}}, 5)
    others.close()

    rows = compute.listed(host)

    assert [(row.id, row.type, row.owner) for row in rows] == [
        ("a-pod", "VirtualMachine", "runhcs"),
        ("b-ours", "VirtualMachine", "wincnode"),
        ("c-ours", "VirtualMachine", "wincnode"),
    ]
    with pytest.raises(ConfigError, match="here: a-pod is runhcs's, not wincnode's"):
        compute.removed(host, "a-pod")
    with pytest.raises(ConfigError, match="no compute system nobody") as caught:
        compute.removed(host, "nobody")
    assert "`wincnode hcs ls --local`" in caught.value.remedy
    assert compute.removed(host, "c-ours") == ("here: ended VirtualMachine c-ours",)
    assert compute.removed(host, "") == ("here: removed system b-ours",)
    assert compute.removed(host, "") == ("here: nothing of wincnode was left",)
    assert [row.id for row in compute.listed(host)] == ["a-pod"]
    machine.set("service off")
    with pytest.raises(RunFailed, match=r"here: service.systems failed with 0x80370114"):
        compute.listed(host)
    assert machine.violations() == []


def test_a_host_without_the_platform_says_so() -> None:
    """Whoever gets past the command line is refused by the executor, in the same words."""
    host = compute.on_this_host("here", run)

    with pytest.raises(RunFailed, match="here: the node runs no program: Compute systems are a"):
        compute.listed(host)


def climbed(climb: Climb, now: Situation) -> tuple[NodeReport, list[str]]:
    """Give what is reported, and what was told meanwhile."""
    told = []
    nobody = SimpleNamespace()
    rungs = climb(
        nobody, now, NodeReport(node="here", status="done"), known=KNOWN, pull=False, stop=Stop()
    )
    while True:
        try:
            event = next(rungs)
        except StopIteration as end:
            return end.value, told
        assert isinstance(event, Log)
        told.append(event.text)


def linux(machine: Double) -> tuple[str, str]:
    """Lay a kernel and its file system on the machine."""
    files = (r"C:\lcow\vmlinux", r"C:\lcow\initrd.img")
    (machine.drive / "lcow").mkdir()
    for path in files:
        (machine.drive / "lcow" / path.rpartition("\\")[2]).touch()
    return files


@pytest.mark.parametrize("build", BUILDS)
def test_each_build_takes_every_document_and_keeps_nothing(build: int, tmp_path: Path) -> None:
    """The double refuses a field that the build does not know, and counts what is not given back."""
    machine = double(tmp_path, build)
    layers = image(machine, "3", "2", "1")
    now = Situation(
        build=build,
        runtime="containerd",
        image="a/b:c",
        isolation=("process", "hyperv"),
        hosted=True,
        lcow=linux(machine),
    )
    steps = [step for step in ladder(now) if isinstance(step, Tried)]

    answers = by_ctypes_of(machine, [given(to_json(step.program), layers) for step in steps])

    shown = {
        step.rung.id: smoke.judged(step.rung, answer, KNOWN)
        for step, answer in zip(steps, answers, strict=True)
    }
    assert {name: (row.status, row.notes) for name, row in shown.items()} == dict.fromkeys(
        ("service", "schema", "storage", "vm", "process", "hyperv", "hosted", "lcow"), ("pass", ())
    ), {name: row.evidence for name, row in shown.items()}
    for name in ("process", "hyperv", "hosted"):
        assert f"10.0.{build}" in shown[name].evidence
    assert machine.violations() == []
    assert not any(machine.counts().values())
    assert machine.scratch() == []
