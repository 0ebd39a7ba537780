"""F29 to F34: full disks, files in use, services that do not run, features without their files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from client import journals
from fault_rows import APPLY, PREFLIGHT, Row, Run, fault, raised
from files_server import serving
from nodes import linked
from test_delivery import CONTENT, SHA256

from wincnode.commands.execution import Job, carry_out
from wincnode.commands.failures import explained
from wincnode.fleet import Stop
from wincnode.lab.model import ModelEngine
from wincnode.lab.nodes import LabNode
from wincnode.lab.process import FunctionProcess
from wincnode.lab.windows import programs
from wincnode.lab.windows.services import Service
from wincnode.plan import Plan, Step
from wincnode.report import NodeReport

Lab = Callable[..., LabNode]
ENGINES = ("model", "powershell")
KUBELET = r"C:\k\kubelet.exe"


def done(node: LabNode, *steps: Step, job: Job | None = None) -> NodeReport:
    """Carry steps out as the verbs do."""
    result = NodeReport(node="web-1", status="ready")
    with linked(node) as link:
        events = carry_out(
            link,
            Plan(node="web-1", steps=steps),
            result,
            job=job or Job(playbooks=(), command="apply"),
            stop=Stop(),
        )
        while True:
            try:
                next(events)
            except StopIteration as end:
                found: NodeReport = end.value
                return found


def step(kind: str, key: Mapping[str, Any], want: Mapping[str, Any], timeout_s: int = 20) -> Step:
    return Step(id="1", kind=kind, title="", key=key, want=want, timeout_s=timeout_s)


def download(url: str, timeout_s: int = 20) -> Step:
    """Give the step that brings a file in the place of an older one."""
    want = {"sources": [url], "sha256": SHA256, "size": len(CONTENT), "tries": 1}
    return step("download", {"path": KUBELET}, want, timeout_s)


def old_kubelet(node: LabNode) -> Path:
    """Put an older program in the place of the one that comes."""
    path = node.machine.path(KUBELET)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"old")
    return path


def error_of(report: NodeReport) -> str:
    """Give what the only step says."""
    (row,) = report.steps
    return row.error


@fault(
    "F29",
    "the disk is full: before, at a download, as an archive is unpacked, as the journal is written",
    does="blocks below 10 GiB (sys.disk); a download wants its size and a fifth more, says how much"
    " is missing, and leaves no part of it; what was unpacked beside goes, and the old version stays;"
    " a run that cannot write its journal ends (run.failed), frees the node, and can be repeated",
    error="sys.disk",
    exit_code=5,
    rehearse=("sys.disk", "disk-full"),
)
def test_f29_a_disk_that_is_full(row: Row, run: Run, lab: Lab) -> None:
    lab(profile="sys.disk")

    end = run(*APPLY)

    row.holds(end)
    assert end.node["steps"] == []


def test_f29_a_disk_that_is_full_at_a_download(lab: Lab) -> None:
    download_is_refused(lab())


def download_is_refused(node: LabNode) -> None:
    """Bring a file to a drive that lacks one byte: it is told, and no part of it stays."""
    old = old_kubelet(node)
    part = old.with_name(f"kubelet.exe.{SHA256[:12]}.part")
    part.write_bytes(CONTENT[:2])
    needed = -(-12 * (len(CONTENT) - 2) // 10)
    node.machine.cim["Win32_LogicalDisk"] = [
        {**row, "FreeSpace": needed - 1} for row in node.machine.cim["Win32_LogicalDisk"]
    ]
    with serving() as files:
        files.contents["/kubelet.exe"] = CONTENT
        report = done(node, download(files.url("/kubelet.exe")))

    assert report.status == "failed"
    assert error_of(report).endswith(
        f"no room for {needed} bytes: {needed - 1} are free, 1 are missing."
    )
    assert (old.read_bytes(), part.exists()) == (b"old", False)


def test_f29_a_disk_that_is_full_as_an_archive_is_unpacked(lab: Lab) -> None:
    node = lab()
    old = old_kubelet(node)
    archive = node.machine.path(r"C:\k\node.tar.gz")
    archive.write_bytes(CONTENT)

    def tar(_machine: object, _version: str, words: Any) -> programs.Ended:
        node.machine.path(words[words.index("-C") + 1] + r"\kubelet.exe").write_bytes(b"ne")
        return programs.Ended(code=1)

    node.machine.programs["tar"] = tar
    want = {"source": r"C:\k\node.tar.gz", "sha256": SHA256}
    report = done(node, step("archive", {"path": r"C:\k", "files": ["kubelet.exe"]}, want))

    assert error_of(report) == "tar.exe ended with 1."
    assert old.read_bytes() == b"old"
    assert not old.with_name(".wincnode-unpacked").exists()


def test_f29_a_disk_that_is_full_as_the_journal_is_written(run: Run, lab: Lab) -> None:
    """It is full from the first step on, and has room again before the next run."""
    node = lab(pace_s=0.3)

    def fill(_number: int) -> None:
        asked = node.server.requests[-1] == "Receive"
        if asked and node.server.requests.count("Command") == 2:
            node.machine.room_bytes = 10
            node.server.on_request.clear()

    node.server.on_request.append(fill)
    first = run(*APPLY)
    node.machine.room_bytes = None
    second = run(*APPLY)

    assert (first.exit_code, first.ids[0]) == (1, "run.failed")
    assert "Traceback" not in first.text
    assert second.exit_code == 0, second.text
    assert [journal[-1]["type"] for journal in journals(node)].count("finished") == 1


@fault(
    "F30",
    "the file of a program is in use, or held by an anti-virus",
    does="renames what runs, as Windows allows; what cannot be renamed is waited for, 60 s at most;"
    " then the old version stays, and the message says which process has the file, as far as that is"
    " known",
    exit_code=1,
    deadline_s=60,
)
def test_f30_a_file_that_is_held(row: Row, lab: Lab) -> None:
    """That the engine lets nobody else write a held file is the model's; limits are shorter."""
    node = lab()
    old = old_kubelet(node)
    holder = FunctionProcess(lambda process, _stdin: process.pause(60) or 0, needs_stdin=False)
    assert isinstance(node.engine, ModelEngine)
    node.engine.host.disk.hold(KUBELET, holder)
    with serving() as files:
        files.contents["/kubelet.exe"] = CONTENT
        url = files.url("/kubelet.exe")
        held = done(node, download(url, timeout_s=1))
        said, kept = error_of(held), old.read_bytes()
        threading.Timer(0.3, holder.terminate).start()
        freed = done(node, download(url))

    assert (held.status, held.exit_code, kept) == ("failed", row.exit_code, b"old")
    assert said.startswith(f"{KUBELET} cannot be replaced: ")
    assert said.endswith("Which program holds it is not known; an anti-virus may.")
    assert (freed.status, old.read_bytes()) == ("done", CONTENT)


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
