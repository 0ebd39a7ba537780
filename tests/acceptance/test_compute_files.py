"""Where programs may write, and where the layers of images lie: by ctypes and on a node."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import winps
from compute_double import Double, double
from compute_scenarios import Scenario, by_platform, call, failed, local, numbered, plain, steps
from conformance.case import both, program, text

from wincnode.hcs.local.executor import execute
from wincnode.lab.programs import Worker, containerd, snapshots
from wincnode.lab.windows import programs
from wincnode.lab.windows.machine import Machine as LabMachine
from wincnode.lab.windows.profiles import load_profile
from wincnode.lab.windows.programs import Ended

IMAGE = "mcr.microsoft.com/windows/nanoserver:ltsc2022"
STORE = r"C:\ProgramData\containerd\root\io.containerd.snapshotter.v1.windows\snapshots"
DOCKER = r"C:\Program Files\docker\docker.exe"
TOP = r"C:\ProgramData\docker\windowsfilter\b"
DENIED = ("failed", "0x80070005")
# Runtime, image and whether a utility VM is wanted, and how the call ends.
ASKED = (
    ("containerd", IMAGE, True, ("", "")),
    ("containerd", "nobody.example/x:1", False, ("failed", "0x80070490")),
    ("docker", "x", False, ("", "")),
    ("docker", "x", True, ("failed", "0x80070003")),
    ("docker", "torn", False, ("failed", "0x80070057")),
    ("docker", "sick", False, ("failed", "0x80070002")),
    ("docker", "y", False, ("failed", "0x80070490")),
    ("containerd", "odd.example/cimfs:1", False, ("failed", "0x80070032")),
    ("containerd", "odd.example/bare:1", False, ("failed", "0x80070057")),
    ("containerd", "odd.example/packed:1", False, ("failed", "0x80070490")),
    ("containerd", "odd.example/gone:1", False, ("failed", "0x80070490")),
    ("containerd", "odd.example/torn:1", False, ("failed", "0x80070057")),
    ("podman", "x", False, ("failed", "0x80070057")),
)


def asked() -> list[dict[str, Any]]:
    rows = [
        Scenario(
            id=image,
            calls=[call("image", "image.layers", runtime=runtime, image=image, utility_vm=vm)],
        )
        for runtime, image, vm, _ in ASKED
    ]
    return numbered(rows)[0]


def runtimes(machine: LabMachine, worker: Worker) -> None:
    """Let containerd run and hold an image, and docker hold another."""
    containerd_of(machine, worker).images.add(IMAGE)
    both(
        program(DOCKER, stdout=""),
        text(f"{TOP}\\layerchain.json", json.dumps([TOP[:-1] + "a"])),
    )(machine)
    machine.programs["docker"] = docker
    ctr = machine.programs["ctr"]
    for name in ODD:
        worker.containerd.running.images.add(name)  # type: ignore[union-attr]  # it has just begun
    machine.programs["ctr"] = lambda of, version, words: odd(words) or ctr(of, version, words)


# Images that something is odd about, and what ctr says to one question about them.
ODD = {
    "odd.example/cimfs:1": ("view", Ended(stdout="mount -t CimFS x C:\\ -o ro\n")),
    "odd.example/bare:1": ("view", Ended(stdout="mount -t windows-layer x C:\\ -o ro\n")),
    "odd.example/packed:1": ("view", Ended(code=1, stderr="ctr: missing parent: not found\n")),
    "odd.example/gone:1": ("get", Ended(code=1, stderr="ctr: content: not found\n")),
    "odd.example/torn:1": ("get", Ended(stdout="{")),
}


def odd(words: Sequence[str]) -> Ended | None:
    """Answer for an odd image; None where ctr itself answers."""
    for name, (verb, ended) in ODD.items():
        top = digest_of(name)
        known = {top, snapshots.chain_id(name), *snapshots.documents(name, top, 20348)}
        # Of an image that is gone, what its index names is.
        if (
            verb in words
            and known & set(words)
            and not (verb == "get" and top in words and "gone" in name)
        ):
            return ended
    return None


def digest_of(name: str) -> str:
    return "sha256:" + sha256(name.encode()).hexdigest()


def docker(_machine: LabMachine, _version: str, words: Sequence[str]) -> Ended:
    """Be docker.exe, which knows one image."""
    return {
        "x": Ended(stdout=json.dumps({"dir": TOP})),
        "torn": Ended(stdout="{"),
        "sick": Ended(code=1, stderr="Cannot connect to the Docker daemon " + "x" * 600 + "\n"),
    }.get(words[-1], Ended(code=1, stderr=f"Error: No such image: {words[-1]}\n"))


def containerd_of(machine: LabMachine, worker: Worker) -> containerd.Runtime:
    """Start containerd from where `wincnode install` puts it."""
    path = r"C:\Program Files\containerd\bin\containerd.exe"
    for name in ("containerd", "ctr"):
        file = machine.path(path.replace("containerd.exe", f"{name}.exe"))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(programs.script(name, "2.1.4"), encoding="utf-8")
        file.chmod(0o755)
    machine.services.load({"containerd": {"State": "Running", "PathName": path}})
    worker.containerd.begin(f'"{path}"')
    runtime = worker.containerd.running
    assert runtime is not None
    return runtime


def layered(results: Sequence[dict[str, Any]]) -> None:
    """What is found is found by both, and nothing is left of the question."""
    assert [failed(found) for found in results] == [ended for _, _, _, ended in ASKED]
    base, top = f"{STORE}\\1", f"{STORE}\\2"
    first = {"parents": [top, base], "base": base, "utility_vm": f"{base}\\UtilityVM"}
    below = TOP[:-1] + "a"
    assert results[0]["calls"][1]["result"] == first
    assert results[2]["calls"][1]["result"] == {"parents": [TOP, below], "base": below}


def test_layers_of_images_are_asked_of_their_runtime(tmp_path: Path) -> None:
    """By ctypes, of the lab's programs."""
    machine = LabMachine(load_profile("ws2022"), tmp_path / "lab", computer="WIN1")
    worker = Worker(machine)
    runtimes(machine, worker)
    here = double(tmp_path, drive=machine.drive)

    def start(path: str, words: Sequence[str], _limit_s: float) -> tuple[int, str, str]:
        ended = programs.run(machine, path, list(words))
        return ended.code, ended.stdout, ended.stderr

    results = [plain(execute(row, local(here, start=start))) for row in asked()]

    layered(results)
    # The layers stay, and the view of them went.
    assert sorted(path.name for path in machine.path(STORE).iterdir()) == ["1", "2"]
    assert snapshots.chain_id(IMAGE).startswith("sha256:")


def test_a_node_asks_the_same(tmp_path: Path) -> None:
    """By the node's script, of the same programs; and it writes to no folder of another account."""
    with winps.machine(tmp_path / "machine") as node:
        worker = Worker(node.model)
        runtimes(node.model, worker)
        here = double(tmp_path, drive=node.drive)

        results = by_platform(node, here, [*asked(), *trapped(here)])

        layered(results[: len(ASKED)])
        assert [failed(found) for found in results[len(ASKED) :]] == [DENIED] * 2
        worker.close()


def trapped(here: Double) -> list[dict[str, Any]]:
    """Put a link into the scratch root, and give programs that would write through it."""
    outside = here.drive / "outside"
    outside.mkdir()
    root = here.drive / "ProgramData" / "wincnode" / "scratch"
    root.mkdir(parents=True)
    (root / "link").symlink_to(outside)
    rows = [
        Scenario(id="folder", calls=[call("x", "folder.create", path=r"link\x")]),
        Scenario(id="file", calls=[call("x", "file.write", path=r"link\x.txt", text="")]),
    ]
    made = numbered(rows)[0]
    # Who only looks removes nothing beforehand, so the link stays.
    return [{**row, "owner": "wincnode-look"} for row in made]


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """A junction below the scratch root leads to nowhere."""
    here = double(tmp_path)

    results = [plain(execute(row, local(here))) for row in trapped(here)]

    assert [failed(found) for found in results] == [DENIED] * 2
    assert list((here.drive / "outside").iterdir()) == []


def test_what_a_node_lacks_is_told(tmp_path: Path) -> None:
    """A DLL, an export, a folder of its own, a compiler that takes platform.cs."""
    looks = [
        Scenario(id="dll", calls=[]),
        Scenario(id="export", calls=[]),
        Scenario(id="root", calls=[]),
    ]
    rows = numbered(looks)[0]
    rows[1]["calls"] = [call("x", "layer.id", path="a")]
    rows[2]["calls"] = [call("x", "folder.create", path="a")]
    with winps.machine(tmp_path / "machine") as node:
        here = double(tmp_path, drive=node.drive)
        (here.drive / "trap").mkdir()
        (here.drive / "ProgramData" / "wincnode").symlink_to(here.drive / "trap")
        node.engine.variables.update(here.environment)
        node.engine.variables["WINPS_DLL_COMPUTECORE_DLL"] = str(tmp_path / "none.so")
        node.engine.variables["WINPS_DLL_VMCOMPUTE_DLL"] = str(here.libraries / "ole32.so")

        events = node.run(**steps(rows))
        spoiled = steps(rows)
        spoiled["scripts"]["platform.cs"] = "no C#"
        refused = node.run(**spoiled)

        results = [plain(row["result"]) for row in winps.of(events, "program_finished")]
        codes = [failed(result)[1] for result in results]
        assert codes == ["0x8007007e", "0x8007007f", "0x80070005"]
        assert list((here.drive / "trap").iterdir()) == []
        for event in winps.of(refused, "program_finished"):
            assert event["result"]["refused"].startswith("platform.cs was not compiled: ")
            assert {row["status"] for row in event["result"]["finally"]} == {"skipped"}


@pytest.mark.parametrize("owner", ["S-1-5-32-545", "S-1-5-21-1-2-3-1001"])
def test_a_scratch_root_of_another_account_is_refused(tmp_path: Path, owner: str) -> None:
    """Users may make folders in ProgramData, and what is theirs may be a trap."""
    here = double(tmp_path, lines=[f"owner {owner}"])
    (here.drive / "ProgramData" / "wincnode").mkdir()
    (row,) = numbered([Scenario(id="x", calls=[call("x", "folder.create", path="x")])])[0]

    result = plain(execute(row, local(here)))

    assert failed(result) == DENIED
    assert owner in result["calls"][1]["message"]
    assert here.violations() == []
