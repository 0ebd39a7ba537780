"""network.cs on the Windows API as Wine has it: GUIDs by address, texts of COM's allocator."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from compute_double import OURS_ON_WINDOWS, built, double
from hns_networks import TYPES, document
from test_compute_wine import wine

from wincnode import assets

SCRIPTS = ("calls.cs", "compile", "network.cs", "networks")


def test_networks_under_wine(tmp_path: Path) -> None:
    """Each type is made with an endpoint in a namespace, put back under its id, and removed."""
    program = wine()
    environment = {**os.environ, "WINPS_NODE": str(tmp_path / "prefix")}
    words = [program, "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass"]
    quiet = {"stdin": subprocess.DEVNULL, "capture_output": True}
    subprocess.run([*words, "-Command", "1"], env=environment, timeout=300, check=True, **quiet)  # type: ignore[call-overload]
    drive = tmp_path / "prefix" / "drive_c"
    for path in built(20348, windows=True).glob("*.dll"):
        shutil.copy(path, drive / "windows" / "system32")
    machine = double(tmp_path / "machine", drive=drive)
    scripts = drive / "scripts"
    scripts.mkdir()
    for name in SCRIPTS:
        (scripts / name).write_text(assets.node_script(name))
    shutil.copy(Path(__file__).parents[1] / "hns_wine.ps1", scripts)
    wanted = [document(type, type) for type in TYPES if type != "Private"]
    (scripts / "wanted.json").write_text(json.dumps([*wanted, document("x", "Mars")]))

    done = subprocess.run(
        [
            *(*words, "-File", r"C:\scripts\hns_wine.ps1", r"C:\scripts"),
            *(r"C:\scripts\wanted.json", r"C:\scripts\results"),
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
    assert (scripts / "results").read_text(encoding="utf-8-sig").splitlines() == [
        *(f"{row['Name']}, 1, 1, " for row in wanted),
        "0x803b000b: HcnCreateNetwork gave 0x803b000b. Invalid network type.",
        "13.2",
    ]
    assert machine.violations() == []
