"""`wincnode smoke` and `wincnode hcs` on single lab nodes, without a runtime."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import harmless
import pytest
from client import desk
from nodes import lab_node, settings
from test_outputs import here

from wincnode.commands import compute, smoke
from wincnode.commands.inspect import Options, Session
from wincnode.commands.situation import Wish, linux_files
from wincnode.errors import ConfigError, RunFailed
from wincnode.events import Event, Log, ProgramFinished, parse
from wincnode.formats import FORMATS
from wincnode.inventory import load
from wincnode.lab.faults import parse_fault
from wincnode.lab.nodes import LabNode, write_inventory
from wincnode.report import NodeReport
from wincnode.transport import open_transport

LEFT = {"Owner": "wincnode", "SchemaVersion": {"Major": 2, "Minor": 1}, "VirtualMachine": {}}
HYPERV = Wish(isolation=("hyperv",), pull=False)


@contextmanager
def node_of(folder: Path) -> Iterator[tuple[LabNode, Session, list[str]]]:
    """Run a node; gives a session with it, and the lines that it tells."""
    lines: list[str] = []

    def watch(_node: str, item: Event | NodeReport) -> None:
        if isinstance(item, Log):
            lines.append(item.text)

    with lab_node(folder / "node", engine="model") as node:
        write_inventory(folder / "wincnode.yaml", {"web-1": node.port})
        node.machine.features.load({"Hyper-V": "Installed"})
        yield node, Session(connect=lambda _: open_transport(settings(node)), watch=watch), lines


def ran(
    folder: Path, session: Session, wish: Wish = HYPERV, ignore: frozenset[str] = frozenset()
) -> NodeReport:
    inventory = load(folder / "wincnode.yaml")
    report = smoke.run(inventory, Options(nodes=("web-1",)), wish, session, ignore=ignore)
    (row,) = report.nodes
    assert report.exit_code == (row.status == "failed")
    return row


def verdicts(report: NodeReport) -> dict[str, str]:
    return {row.check.removeprefix("smoke."): row.verdict.value for row in report.findings}


def test_a_fault_is_found_with_its_cause_and_ignored_on_demand(tmp_path: Path) -> None:
    with node_of(tmp_path) as (node, session, lines):
        node.machine.compute.faults.add("hcs-logon-right")

        report = ran(tmp_path, session)

        assert report.status == "failed"
        vm = next(row for row in report.findings if row.check == "smoke.vm")
        assert vm.verdict.value == "fail"
        assert "0x80070569 ERROR_LOGON_TYPE_NOT_GRANTED" in vm.evidence
        assert "likely: A policy withholds the right to log on as a service" in vm.evidence
        lacks = "; S-1-5-83-0 lacks the right to log on as a service (holders: S-1-5-80-0) ("
        assert lacks in vm.evidence
        assert "Virtual Machines" in vm.remedy
        # The verdicts are told while the node is at work.
        assert [line.split(": ")[:2] for line in lines] == [
            ["service", "pass"],
            ["schema", "pass"],
            ["storage", "pass"],
            ["vm", "fail"],
        ]
        rungs = frozenset({"smoke.vm", "smoke.hyperv"})
        assert ran(tmp_path, session, ignore=rungs).status == "warnings"


def test_without_a_runtime_the_other_rungs_are_tried_and_nothing_is_called_proven(
    tmp_path: Path,
) -> None:
    with node_of(tmp_path) as (_node, session, _lines):
        report = ran(tmp_path, session, Wish())

        passed = dict.fromkeys(("service", "schema", "storage"), "pass")
        assert verdicts(report) == {**passed, "process": "unknown"}
        assert report.error is not None
        assert report.error.id == "smoke.not-proven"
        assert "smoke.process" in report.error.message
        process = report.findings[-1]
        assert "no container runtime is installed" in process.evidence
        assert "wincnode install" in process.remedy
        assert report.notes[0] == "smoke.vm: not tried: Hyper-V isolation is not wanted"


def test_without_the_feature_nothing_runs_on_the_node(tmp_path: Path) -> None:
    with node_of(tmp_path) as (node, session, _lines):
        node.machine.features.load({"Containers": "Available", "Hyper-V": "Available"})

        report = ran(tmp_path, session)

        assert set(verdicts(report).values()) == {"unknown"}
        assert report.findings[0].because_of == ("feat.containers",)
        assert node.server.requests.count("Command") == 1
        with pytest.raises(RunFailed, match=r"service.systems failed with 0x80370114") as caught:
            compute.listed(compute.on_node("web-1", session))
        assert "wincnode explain 0x80370114" in caught.value.remedy


def test_a_node_that_may_not_compile_is_unknown(tmp_path: Path) -> None:
    with node_of(tmp_path) as (node, session, _lines):
        node.machine.compute.faults.add("hcs-refused")

        report = ran(tmp_path, session)

        assert report.error is not None
        assert report.error.id == "smoke.not-proven"
        assert set(verdicts(report).values()) == {"unknown"}
        assert "application control" in report.findings[0].evidence
        assert "Add-Type" in report.findings[0].remedy
        with pytest.raises(RunFailed, match="runs no program"):
            compute.listed(compute.on_node("web-1", session))


def test_what_cannot_be_taken_down_is_no_pass_and_is_told_until_it_is_gone(tmp_path: Path) -> None:
    with node_of(tmp_path) as (node, session, _lines):
        node.machine.compute.faults.add("hcs-stuck-layer")

        report = ran(tmp_path, session)

        assert report.status == "failed"
        storage = next(row for row in report.findings if row.check == "smoke.storage")
        assert storage.verdict.value == "fail"
        assert "could not be taken down: layer.deactivate (disk_deactivate)" in storage.evidence
        assert "Reboot the node" in storage.remedy
        host = compute.on_node("web-1", session)
        with pytest.raises(RunFailed, match="could not remove scratch") as caught:
            compute.removed(host, "")
        assert "Reboot the node" in caught.value.remedy
        node.machine.compute.faults.clear()
        node.machine.compute.boot()
        assert compute.removed(host, "") == (
            r"web-1: removed scratch C:\ProgramData\wincnode\scratch\smoke-storage",
        )


def test_compute_systems_are_listed_and_only_our_own_are_removed(tmp_path: Path) -> None:
    with node_of(tmp_path) as (node, session, _lines):
        service = node.machine.compute
        service.create("ours", LEFT, v1=False)
        service.create("pod", {**LEFT, "Owner": "containerd-shim-runhcs-v1.exe"}, v1=False)

        host = compute.on_node("web-1", session)
        rows = compute.listed(host)

        assert [(row.id, row.owner, row.state) for row in rows] == [
            ("ours", "wincnode", "Created"),
            ("pod", "containerd-shim-runhcs-v1.exe", "Created"),
        ]
        with pytest.raises(ConfigError, match=r"pod is containerd-shim.*, not wincnode's"):
            compute.removed(host, "pod")
        with pytest.raises(ConfigError, match="no compute system nobody"):
            compute.removed(host, "nobody")
        ended = compute.removed(host, "ours")
        assert ended == ("web-1: ended VirtualMachine ours",)
        assert compute.removed(host, "") == ("web-1: nothing of wincnode was left",)
        service.create("again", LEFT, v1=False)
        assert compute.removed(host, "") == ("web-1: removed system again",)
        assert list(service.systems) == ["pod"]


@pytest.mark.parametrize("words", ["C:\\a", "C:\\a,", "a,b", "C:\\a,C:\\b,C:\\c", ",C:\\a"])
def test_kernel_and_root_file_system_are_two_full_paths(words: str) -> None:
    with pytest.raises(ConfigError, match="KERNEL,ROOTFS"):
        linux_files(words)


def test_every_format_tells_the_rung_its_code_and_its_remedy(tmp_path: Path) -> None:
    with node_of(tmp_path) as (node, _session, _lines):
        node.machine.compute.faults.add("hcs-logon-right")
        files = {name: tmp_path / f"report.{name}" for name in FORMATS}
        wanted = [word for name, file in files.items() for word in ("-o", f"{name}={file}")]

        done = desk(tmp_path, node, "").run("smoke", "--isolation", "hyperv", "--no-pull", *wanted)

        assert done.returncode == 1, done.stderr
        for name, file in files.items():
            text = file.read_text(encoding="utf-8").removesuffix("\n")
            harmless.check(name, text)
            for word in ("smoke.vm", "0x80070569", "SeServiceLogonRight"):
                assert word in text, (name, word)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("smoke --local", "this host is not Windows"),
        ("hcs ls --local", "this host is not Windows"),
        ("hcs rm --local", "this host is not Windows"),
        ("hcs rm --local some-id", "this host is not Windows"),
        ("smoke --local web-1", "--local means this host alone; it takes no NODE"),
        ("hcs ls --local web-1", "--local means this host alone; it takes no NODE"),
        ("hcs rm web-1 some-id --local", "--local means this host alone; it takes no NODE"),
        ("hcs ls", "a NODE is missing"),
        ("hcs rm", "a NODE is missing"),
    ],
)
def test_this_host_is_tried_where_it_is_windows(tmp_path: Path, line: str, said: str) -> None:
    """A word beside --local is the ID of a system, as this host has no name among the nodes."""
    code, stdout, stderr = here(tmp_path, *line.split())

    assert (code, stdout) == (2, "")
    assert said in stderr


def test_options_are_judged_before_any_node_is_asked() -> None:
    assert linux_files("") is None
    with pytest.raises(ConfigError, match="no full reference"):
        Wish(image="nanoserver")
    with pytest.raises(ConfigError, match=r"smoke\.vms"):
        smoke.check_ids(frozenset({"smoke.vms"}))
    smoke.check_ids(frozenset({"smoke.vm"}))


def test_what_a_program_said_reaches_no_terminal_as_it_is() -> None:
    row = {"run": "r", "seq": 3, "type": "program_finished", "step": "s", "program": "vm"}
    said = {"calls": [{"message": "\x1b[2Jgone", "result": {"st\x07": ["\u202e", 4]}}]}

    event = parse(json.dumps({**row, "result": said}).encode(), run="r")
    left_out = parse(json.dumps({**row, "result": None, "missing": ["schema"]}).encode(), run="r")

    assert isinstance(event, ProgramFinished)
    assert event.result == {
        "calls": [{"message": "\\x1b[2Jgone", "result": {"st\\x07": ["\\x202e", 4]}}]
    }
    assert isinstance(left_out, ProgramFinished)
    assert (left_out.result, left_out.missing) == (None, ("schema",))
    assert isinstance(parse(json.dumps({**row, "missing": 4}).encode(), run="r"), Log)


def test_faults_of_the_service_have_names() -> None:
    assert parse_fault("hcs-filter").compute == ("hcs-filter",)
    with pytest.raises(ValueError, match="hcs-no-hypervisor"):
        parse_fault("hcs-filters")
