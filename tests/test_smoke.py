"""`wincnode smoke` and `wincnode hcs`, as a user runs them against lab nodes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from client import Desk, desk
from clusters import site
from nodes import lab_node

from wincnode.commands.situation import Wish, linux_files
from wincnode.commands.smoke import check_ids
from wincnode.errors import ConfigError
from wincnode.events import Log, ProgramFinished, parse
from wincnode.lab.faults import parse_fault
from wincnode.lab.nodes import LabNode

PAUSE = "registry.k8s.io/pause:3.10.2"
# Facts, and a run: each is a command in the one shell.
REQUESTS = {"Create": 1, "Command": 2, "Send": 2, "Signal": 2, "Delete": 1}
LEFT = {"Owner": "wincnode", "SchemaVersion": {"Major": 2, "Minor": 1}, "VirtualMachine": {}}


def ran(here: Desk, *words: str, code: int = 0) -> dict[str, Any]:
    """Run `wincnode smoke` and give its report of the node."""
    done = here.run("smoke", "-o", "json", *words)
    assert done.returncode == code, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)["nodes"][0]
    return report


def verdicts(report: dict[str, Any]) -> dict[str, str]:
    return {row["check"].removeprefix("smoke."): row["verdict"] for row in report["findings"]}


def hyperv(node: LabNode) -> None:
    node.machine.features.load({"Hyper-V": "Installed", "Hyper-V-PowerShell": "Installed"})


def test_an_installed_node_climbs_the_ladder_for_the_requests_of_any_plan(tmp_path: Path) -> None:
    with site(tmp_path) as lab:
        assert lab.run("install --no-smoke").code == 0
        before = len(lab.nodes["web-1"].server.requests)

        smoke = lab.run("smoke")

        assert smoke.code == 0, smoke.stderr
        report = smoke.of("web-1")
        assert report["status"] == "done"
        assert verdicts(report) == dict.fromkeys(
            ("service", "schema", "storage", "process"), "pass"
        )
        asked = lab.nodes["web-1"].server.requests[before:]
        assert Counter(name for name in asked if name != "Receive") == REQUESTS
        # The verdicts are told while the node is at work.
        assert "process: pass: a container says that it is Windows 10.0.20348" in smoke.stderr
        assert [row["outcome"] for row in report["steps"]] == ["changed", "ok"]
        again = lab.run("smoke").of("web-1")
        assert [row["outcome"] for row in again["steps"]] == ["ok", "ok"]


def test_hyperv_containers_and_linux_machines_are_tried_where_they_are_wanted(
    tmp_path: Path,
) -> None:
    with site(tmp_path) as lab:
        assert lab.run("install --no-smoke").code == 0
        hyperv(lab.nodes["web-1"])

        wanted = lab.run("smoke --isolation hyperv --lcow C:\\l\\vmlinux,C:\\l\\initrd.img")

        assert wanted.code == 0, wanted.stderr
        report = wanted.of("web-1")
        names = ("service", "schema", "storage", "vm", "hyperv", "lcow")
        assert verdicts(report) == dict.fromkeys(names, "pass")
        assert report["notes"] == ["smoke.process: not tried: process isolation is not wanted"]


def test_a_fault_is_found_with_its_cause_and_ignored_on_demand(tmp_path: Path) -> None:
    with lab_node(tmp_path / "node", engine="model") as node:
        here = desk(tmp_path, node, "")
        hyperv(node)
        node.machine.compute.faults.add("hcs-logon-right")

        report = ran(here, "--isolation", "hyperv", "--no-pull", code=1)

        assert report["status"] == "failed"
        rows = {row["check"]: row for row in report["findings"]}
        vm = rows["smoke.vm"]
        assert (vm["verdict"], vm["severity"]) == ("fail", "error")
        assert "0x80070569 ERROR_LOGON_TYPE_NOT_GRANTED" in vm["evidence"]
        assert "S-1-5-83-0" in vm["evidence"] + vm["remedy"] or "Virtual Machines" in vm["remedy"]
        ignored = ran(
            here,
            *("--isolation", "hyperv", "--no-pull", "--ignore", "smoke.vm"),
            *("--ignore", "smoke.hyperv"),
        )
        assert ignored["status"] == "warnings"


def test_without_a_runtime_the_other_rungs_are_tried_and_nothing_is_called_proven(
    tmp_path: Path,
) -> None:
    with lab_node(tmp_path / "node", engine="model") as node:
        report = ran(desk(tmp_path, node, ""), code=1)

        assert verdicts(report) == {
            "service": "pass",
            "schema": "pass",
            "storage": "pass",
            "process": "unknown",
        }
        assert report["error"]["id"] == "smoke.not-proven"
        assert "smoke.process" in report["error"]["message"]
        process = report["findings"][-1]
        assert "no container runtime is installed" in process["evidence"]
        assert "wincnode install" in process["remedy"]


def test_without_the_feature_nothing_runs_on_the_node(tmp_path: Path) -> None:
    with lab_node(tmp_path / "node", engine="model") as node:
        node.machine.features.load({"Containers": "Available"})
        here = desk(tmp_path, node, "")

        report = ran(here, code=1)

        assert set(verdicts(report).values()) == {"unknown"}
        assert report["findings"][0]["because_of"] == ["feat.containers"]
        asked = Counter(name for name in node.server.requests if name != "Receive")
        assert asked == {name: count // 2 or 1 for name, count in REQUESTS.items()}


def test_a_node_that_may_not_compile_is_unknown(tmp_path: Path) -> None:
    with lab_node(tmp_path / "node", engine="model") as node:
        node.machine.compute.faults.add("hcs-refused")

        report = ran(desk(tmp_path, node, ""), code=1)

        assert report["error"]["id"] == "smoke.not-proven"
        assert set(verdicts(report).values()) == {"unknown"}
        assert "application control" in report["findings"][0]["evidence"]
        assert "Add-Type" in report["findings"][0]["remedy"]


def test_an_image_that_cannot_be_pulled_leaves_the_other_rungs(tmp_path: Path) -> None:
    with site(tmp_path) as lab:
        assert lab.run("install --no-smoke").code == 0
        assert lab.nodes["web-1"].worker.containerd.running is not None
        lab.nodes["web-1"].machine.path(r"C:\k\crictl.exe").unlink()

        smoke = lab.run(f"smoke --image {PAUSE}")

        assert smoke.code == 1
        report = smoke.of("web-1")
        assert verdicts(report)["storage"] == "pass"
        process = next(row for row in report["findings"] if row["check"] == "smoke.process")
        assert process["verdict"] == "unknown"
        assert f"{PAUSE} could not be pulled: There is no C:\\k\\crictl.exe" in process["evidence"]


def test_an_image_that_is_not_there_is_named(tmp_path: Path) -> None:
    with site(tmp_path) as lab:
        assert lab.run("install --no-smoke").code == 0

        report = lab.run("smoke --no-pull").of("web-1")

        process = next(row for row in report["findings"] if row["check"] == "smoke.process")
        assert "containerd has no image registry.k8s.io/pause" in process["evidence"]
        assert "--image" in process["remedy"]


def test_compute_systems_are_listed_and_only_our_own_are_removed(tmp_path: Path) -> None:
    with lab_node(tmp_path / "node", engine="model") as node:
        here = desk(tmp_path, node, "")
        hyperv(node)
        compute = node.machine.compute
        compute.create("ours", LEFT, v1=False)
        compute.create("pod", {**LEFT, "Owner": "containerd-shim-runhcs-v1.exe"}, v1=False)

        listed = here.run("hcs", "ls", "web-1")
        refused = here.run("hcs", "rm", "web-1", "pod")
        unknown = here.run("hcs", "rm", "web-1", "nobody")
        removed = here.run("hcs", "rm", "web-1", "ours")
        nothing = here.run("hcs", "rm", "web-1")
        compute.create("again", LEFT, v1=False)
        cleared = here.run("hcs", "rm", "web-1")

        assert listed.stdout.split() == [
            *("ours", "VirtualMachine", "Created", "wincnode"),
            *("pod", "VirtualMachine", "Created", "containerd-shim-runhcs-v1.exe"),
        ]
        assert refused.returncode == unknown.returncode == 2
        assert "pod is containerd-shim-runhcs-v1.exe's, not wincnode's" in refused.stderr
        assert "there is no compute system nobody" in unknown.stderr
        assert removed.stdout == "web-1: ended VirtualMachine ours\n"
        assert nothing.stdout == "web-1: nothing of wincnode was left\n"
        assert cleared.stdout == "web-1: removed system again\n"
        assert list(compute.systems) == ["pod"]


def test_a_node_whose_service_does_not_answer_says_so(tmp_path: Path) -> None:
    with lab_node(tmp_path / "node", engine="model") as node:
        node.machine.features.load({"Containers": "Available"})

        done = desk(tmp_path, node, "").run("hcs", "ls", "web-1")

        assert done.returncode == 1
        assert "service.systems failed with 0x80370114" in done.stderr
        assert "wincnode explain 0x80370114" in done.stderr


@pytest.mark.parametrize("words", ["C:\\a", "C:\\a,", "a,b", "C:\\a,C:\\b,C:\\c", ",C:\\a"])
def test_kernel_and_root_file_system_are_two_full_paths(words: str) -> None:
    with pytest.raises(ConfigError, match="KERNEL,ROOTFS"):
        linux_files(words)


def test_options_are_judged_before_any_node_is_asked() -> None:
    assert linux_files("") is None
    with pytest.raises(ConfigError, match="no full reference"):
        Wish(image="nanoserver")
    with pytest.raises(ConfigError, match=r"smoke\.vms"):
        check_ids(frozenset({"smoke.vms"}))
    check_ids(frozenset({"smoke.vm"}))


def test_an_install_proves_the_node_unless_it_is_told_not_to(tmp_path: Path) -> None:
    """A node that a container fails on is not ready to join; one that has joined is left alone."""
    with site(tmp_path) as lab:
        lab.nodes["web-1"].machine.compute.faults.add("hcs-unexpected-exit")

        broken = lab.run("install")

        assert broken.code == 1
        assert broken.of("web-1")["status"] == "failed"
        assert set(broken.outcomes("web-1")) <= {"changed", "ok"}
        rows = {row["check"]: row for row in broken.of("web-1")["findings"]}
        assert rows["smoke.process"]["verdict"] == "fail"
        assert "likely" in rows["smoke.process"]["evidence"]
        assert lab.run("install --no-smoke").code == 0
        assert lab.run("join").code == 0
        joined = lab.run("install")
        assert joined.code == 0
        assert "smoke.process" not in {row["check"] for row in joined.of("web-1")["findings"]}


def test_an_install_is_done_where_a_rung_could_not_be_tried(tmp_path: Path) -> None:
    with site(tmp_path) as lab:
        lab.nodes["web-1"].machine.compute.faults.add("hcs-refused")

        installed = lab.run("install")

        assert installed.code == 0
        assert installed.of("web-1")["status"] == "warnings"


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
