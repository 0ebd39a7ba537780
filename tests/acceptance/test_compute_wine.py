"""platform.cs on the Windows API as Wine has it: real pipes, real handles, Windows' calling convention."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from compute_cases import scenarios
from compute_double import OURS_ON_WINDOWS, Double, built, double, image
from compute_scenarios import by_ctypes, failed, numbered, plain

from wincnode import assets
from wincnode.hcs import logon
from wincnode.hcs.errors import load_meanings
from wincnode.hcs.program import to_json
from wincnode.node.kinds.compute_programs import KIND

# Without files on a volume, which only Windows and the double on Linux have.
CASES = (
    *("machine", "container", "flood", "wait", "late process", "schema 1", "probe", "boot disk"),
    *("quirk of 2022", "no hypervisor", "unknown field", "hanging start", "hanging layer"),
    *("late disk", "service restarts", "no such field", "left open", "hosted", "no union"),
    *("right held", "right lacking", "right of nobody", "right refused", "no such right"),
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
    environment, on_wine = machine_of(program, tmp_path)
    here = double(tmp_path / "here")
    both = []
    for machine in (on_wine, here):
        rows = [row for row in scenarios(image(machine, "3", "2", "1")) if row.id in CASES]
        programs, lines = numbered(rows)
        machine.set(*lines)
        both.append((rows, programs))

    by_wine = ran(program, environment, on_wine, both[0][1], lsa="lsa.dll")

    by_us = by_ctypes(here, both[1][1])
    for row, one, other in zip(both[0][0], by_us, by_wine, strict=True):
        assert other == one, row.id
        assert failed(other) == (row.status, row.hresult), row.id
    assert on_wine.violations() == []


def test_the_lsa_of_wine_is_asked_as_that_of_windows(tmp_path: Path) -> None:
    """Its policy opens and is closed, and nobody holds anything there: STATUS_NO_MORE_ENTRIES."""
    program = wine()
    environment, machine = machine_of(program, tmp_path)

    (answer,) = ran(program, environment, machine, [to_json(logon.program())])

    assert [row["result"] for row in answer["calls"]] == [{"sids": []}, {"sids": []}]
    told = logon.read(answer, load_meanings()).told
    assert told.endswith("lacks the right to log on as a service (nobody holds it)")
    assert not [line for line in machine.calls() if line.startswith("Lsa")]


def machine_of(program: str, folder: Path) -> tuple[dict[str, str], Double]:
    """Set up a machine with the double's libraries; gives what its processes need, too."""
    prefix = folder / "prefix"
    environment = {**os.environ, "WINPS_NODE": str(prefix)}
    subprocess.run(
        [program, "-NoProfile", "-Command", "1"], env=environment, timeout=300, check=True,
        stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip
    drive = prefix / "drive_c"
    for path in built(20348, windows=True).glob("*.dll"):
        shutil.copy(path, drive / "windows" / "system32")
    return environment, double(folder / "wine", drive=drive)


def ran(
    program: str,
    environment: dict[str, str],
    machine: Double,
    programs: list[dict[str, Any]],
    *,
    lsa: str = "advapi32.dll",
) -> list[dict[str, Any]]:
    """Run programs in one process of the Windows build of winps.

    Args: lsa: which DLL has the functions of LSA: Wine needs its own advapi32.dll for all else.
    """
    scripts = machine.drive / "scripts"
    scripts.mkdir()
    (scripts / "compute").mkdir()
    for name in KIND.brings:
        text = assets.node_script(name)
        (scripts / name).write_text(text.replace('Dll = "advapi32.dll"', f'Dll = "{lsa}"'))
    (scripts / "compute_programs.ps1").write_text(assets.node_script("kinds/compute_programs"))
    shutil.copy(Path(__file__).parents[1] / "compute_wine.ps1", scripts)
    rows = [{"id": f"p{n}", "needs": [], "program": row} for n, row in enumerate(programs)]
    (scripts / "programs.json").write_text(json.dumps(rows))
    command = [
        *(program, "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File"),
        *(r"C:\scripts\compute_wine.ps1", r"C:\scripts", r"C:\scripts\programs.json"),
        r"C:\scripts\results.jsonl",
    ]
    more = {
        "HCS_DOUBLE": "Z:" + str(machine.folder).replace("/", "\\"),
        "WINEDLLOVERRIDES": ",".join(OURS_ON_WINDOWS) + "=n",
    }
    for _ in range(2):
        done = subprocess.run(
            command,
            env={**environment, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=600,
            check=False,
        )
        # On a machine under load PowerShell may begin before Wine has its drives, and ends at once.
        if b"InitializeDefaultDrives" not in done.stdout:
            break
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    lines = (scripts / "results.jsonl").read_text(encoding="utf-8-sig").splitlines()
    return [plain(json.loads(line)) for line in lines]
