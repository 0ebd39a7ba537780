"""`wincnode smoke` against a node whose scripts are run, over the double of Windows' own libraries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from client import desk
from clusters import Site, site
from nodes import lab_node

# The Add-Type of one run takes seconds where the machine is busy.
RUNGS = ("service", "schema", "storage", "vm", "process", "hyperv", "hosted", "lcow")


def verdicts(report: dict[str, Any]) -> dict[str, str]:
    return {row["check"].removeprefix("smoke."): row["verdict"] for row in report["findings"]}


def clean(lab: Site) -> None:
    """Nothing is attached or open on the node, and no call was made as it must not be."""
    folder = lab.nodes["web-1"].machine.folder / "compute"
    assert not (folder / "violations").exists(), (folder / "violations").read_text()
    scratch = lab.nodes["web-1"].machine.path(r"C:\ProgramData\wincnode\scratch")
    assert list(scratch.iterdir()) == []


def test_the_scripts_climb_the_ladder_to_a_container_of_each_isolation(tmp_path: Path) -> None:
    """From bare server to `ver` in a container: platform.cs and compute_programs.ps1 byte for byte."""
    with site(tmp_path, engine="powershell") as lab:
        if lab.nodes["web-1"].machine.folder.joinpath("compute").exists() is False:
            pytest.skip("no gcc to build the double of computecore.dll with")
        assert lab.run("install --no-smoke").code == 0
        features = {"Hyper-V": "Installed", "Hyper-V-PowerShell": "Installed"}
        lab.nodes["web-1"].machine.features.load(features)

        linux = lab.nodes["web-1"].machine.path("C:\\l")
        linux.mkdir()
        for name in ("vmlinux", "initrd.img"):
            (linux / name).touch()

        smoke = lab.run(
            "smoke --isolation process --isolation hyperv --hosted"
            " --lcow C:\\l\\vmlinux,C:\\l\\initrd.img"
        )

        assert smoke.code == 0, smoke.stderr
        assert verdicts(smoke.of("web-1")) == dict.fromkeys(RUNGS, "pass")
        assert "Windows 10.0.20348" in smoke.stderr
        clean(lab)


@pytest.mark.parametrize(
    ("fault", "rung", "words"),
    [
        (
            "hcs-logon-right",
            "vm",
            ("0x80070569", "; S-1-5-83-0 lacks the right", "(holders: S-1-5-80-0)"),
        ),
        ("hcs-filter", "storage", ("0x80070001",)),
        ("hcs-stuck-layer", "storage", ("0x80070020",)),
    ],
)
def test_a_fault_is_found_with_its_code(
    tmp_path: Path, fault: str, rung: str, words: tuple[str, ...]
) -> None:
    """As on the model."""
    with lab_node(tmp_path / "node", engine="powershell") as node:
        if not (node.machine.folder / "compute").exists():
            pytest.skip("no gcc to build the double of computecore.dll with")
        node.machine.features.load({"Hyper-V": "Installed", "Hyper-V-PowerShell": "Installed"})
        node.machine.compute.faults.add(fault)
        here = desk(tmp_path, node, "")

        done = here.run("smoke", "-o", "json", "--isolation", "hyperv", "--no-pull")

        report = json.loads(done.stdout)["nodes"][0]
        row = next(row for row in report["findings"] if row["check"] == f"smoke.{rung}")
        assert row["verdict"] == "fail"
        assert [word for word in words if word not in row["evidence"]] == [], row


def test_what_stays_is_told_until_it_can_be_removed(tmp_path: Path) -> None:
    """`hcs ls` and `hcs rm` by the same scripts."""
    with lab_node(tmp_path / "node", engine="powershell") as node:
        if not (node.machine.folder / "compute").exists():
            pytest.skip("no gcc to build the double of computecore.dll with")
        node.machine.compute.faults.add("hcs-stuck-layer")
        here = desk(tmp_path, node, "")

        stuck = here.run("smoke", "-o", "json", "--no-pull")
        refused = here.run("hcs", "rm", "web-1")
        node.machine.compute.faults.clear()
        removed = here.run("hcs", "rm", "web-1")
        listed = here.run("hcs", "ls", "web-1")

        report = json.loads(stuck.stdout)["nodes"][0]
        assert (stuck.returncode, verdicts(report)["storage"]) == (1, "fail")
        assert refused.returncode == 1
        assert "could not remove scratch smoke-storage: DestroyLayer gave 0x80070020" in (
            refused.stderr
        )
        assert (removed.returncode, removed.stdout) == (
            0, "web-1: removed scratch smoke-storage\n",
        )  # fmt: skip
        assert (listed.returncode, listed.stdout) == (0, "")


def test_a_node_that_lets_no_library_be_called_is_unknown(tmp_path: Path) -> None:
    """The platform is refused with its reason; no rung is called failed."""
    with lab_node(tmp_path / "node", engine="powershell") as node:
        node.machine.compute.faults.add("hcs-refused")

        done = desk(tmp_path, node, "").run("smoke", "-o", "json", "--no-pull")

        report = json.loads(done.stdout)["nodes"][0]
        assert set(verdicts(report).values()) == {"unknown"}
        assert "kernel32.dll" in report["findings"][0]["evidence"]
