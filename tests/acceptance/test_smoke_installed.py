"""`wincnode smoke` beside a cluster and an install, as a user runs them against lab nodes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from clusters import site

from wincnode.lab.nodes import LabNode

PAUSE = "registry.k8s.io/pause:3.10.2"
# Facts, and a run: each is a command in the one shell.
REQUESTS = {"Create": 1, "Command": 2, "Send": 2, "Signal": 2, "Delete": 1}


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

        wanted = lab.run(
            "smoke --isolation hyperv --hosted --lcow C:\\l\\vmlinux,C:\\l\\initrd.img"
        )

        assert wanted.code == 0, wanted.stderr
        report = wanted.of("web-1")
        names = ("service", "schema", "storage", "vm", "hyperv", "hosted", "lcow")
        assert verdicts(report) == dict.fromkeys(names, "pass")
        assert report["notes"] == ["smoke.process: not tried: process isolation is not wanted"]


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
