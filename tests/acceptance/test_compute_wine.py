"""platform.cs on the Windows API as Wine has it: real pipes, real handles, Windows' calling convention."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from compute_cases import scenarios
from compute_double import OURS_ON_WINDOWS, Double, built, double, image
from compute_scenarios import by_ctypes, failed, numbered, plain

from wincnode import assets

# Without files on a volume, which only Windows and the double on Linux have.
CASES = (
    *("machine", "container", "flood", "wait", "late process", "schema 1", "probe", "boot disk"),
    *("quirk of 2022", "no hypervisor", "unknown field", "hanging start", "hanging layer"),
    *("late disk", "service restarts", "no such field", "left open"),
)


def wine() -> str:
    """Give winps-wine, or skip the test."""
    beside = Path(__file__).parents[3] / "shared" / "winps" / "winps-wine"
    path = os.environ.get("WINCNODE_WINPS_WINE", str(beside))
    if shutil.which("wine64") is None and not Path("/usr/lib/wine/wine64").exists():
        pytest.skip("no wine64 to run the Windows build of winps with")
    if not Path(path).is_file():
        pytest.skip(f"no winps-wine at {path}; set WINCNODE_WINPS_WINE")
    return path


def test_platform_gives_under_wine_what_ctypes_gives(tmp_path: Path) -> None:
    """A second opinion on widths, structures, callbacks and overlapped reads of real pipes."""
    program = wine()
    libraries = built(20348, windows=True)
    prefix = tmp_path / "prefix"
    environment = {**os.environ, "WINPS_NODE": str(prefix)}
    subprocess.run(
        [program, "-NoProfile", "-Command", "1"], env=environment, timeout=300, check=True,
        stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip
    drive = prefix / "drive_c"
    for path in libraries.glob("*.dll"):
        shutil.copy(path, drive / "windows" / "system32")
    on_wine = double(tmp_path / "wine", drive=drive)
    here = double(tmp_path / "here")
    both = []
    for machine in (on_wine, here):
        rows = [row for row in scenarios(image(machine, "3", "2", "1")) if row.id in CASES]
        programs, lines = numbered(rows)
        machine.set(*lines)
        both.append((rows, programs))

    by_wine = ran(program, environment, on_wine, both[0][1])

    by_us = by_ctypes(here, both[1][1])
    for row, one, other in zip(both[0][0], by_us, by_wine, strict=True):
        assert other == one, row.id
        assert failed(other) == (row.status, row.hresult), row.id
    assert on_wine.violations() == []


def ran(
    program: str, environment: dict[str, str], machine: Double, programs: list[dict[str, object]]
) -> list[dict[str, object]]:
    """Run programs in one process of the Windows build of winps."""
    scripts = machine.drive / "scripts"
    scripts.mkdir()
    for name in ("calls.cs", "compile", "platform.cs"):
        (scripts / name).write_text(assets.node_script(name))
    (scripts / "compute_programs.ps1").write_text(assets.node_script("kinds/compute_programs"))
    shutil.copy(Path(__file__).parents[1] / "compute_wine.ps1", scripts)
    rows = [{"id": f"p{n}", "needs": [], "program": row} for n, row in enumerate(programs)]
    (scripts / "programs.json").write_text(json.dumps(rows))
    done = subprocess.run(
        [
            *(program, "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File"),
            *(r"C:\scripts\compute_wine.ps1", r"C:\scripts", r"C:\scripts\programs.json"),
            r"C:\scripts\results.jsonl",
        ],
        env={
            **environment,
            "HCS_DOUBLE": "Z:" + str(machine.folder).replace("/", "\\"),
            "WINEDLLOVERRIDES": ",".join(OURS_ON_WINDOWS) + "=n",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    lines = (scripts / "results.jsonl").read_text(encoding="utf-8-sig").splitlines()
    return [plain(json.loads(line)) for line in lines]
