"""Builds the programs that read our files as containerd and Kubernetes do; run it to build all.

python tests/contract/go_programs.py

Each is a folder of Go files and the version of the module that it is about, in a cache outside the
checkout (`WINCNODE_CONTRACT_CACHE`, or under the user's cache folder), so that a build is done once.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
CONTAINERD = "github.com/containerd/containerd"
PLATFORMS = "github.com/containerd/platforms"
KUBERNETES = "k8s.io/kubernetes"
GO_VERSION = "1.26"


@dataclass(frozen=True, kw_only=True)
class Program:
    """One program: a folder of sources, and the module and version that it is linked with."""

    sources: str
    module: str
    version: str
    tags: str = ""


PROGRAMS = {
    "containerd-1.7": Program(sources="containerd1", module=CONTAINERD, version="v1.7.34"),
    "containerd-2.0": Program(sources="containerd2", module=f"{CONTAINERD}/v2", version="v2.0.11"),
    "containerd-2.2": Program(sources="containerd2", module=f"{CONTAINERD}/v2", version="v2.2.9"),
    "containerd-2.3": Program(
        sources="containerd2", module=f"{CONTAINERD}/v2", version="v2.3.7", tags="servers"
    ),
    "containerd-2.4": Program(
        sources="containerd2", module=f"{CONTAINERD}/v2", version="v2.4.2", tags="servers"
    ),
    # What containerd 2.0, 2.2 and, from 2.3.5 on, 2.3 pick manifests with.
    "platforms-R1": Program(sources="platforms", module=PLATFORMS, version="v1.0.0-rc.1"),
    "platforms-R2": Program(sources="platforms", module=PLATFORMS, version="v1.0.0-rc.2"),
    "platforms-R3": Program(sources="platforms", module=PLATFORMS, version="v1.0.0-rc.5"),
    "kubernetes-1.36": Program(sources="kubernetes", module=KUBERNETES, version="v1.36.3"),
    "kubernetes-1.37": Program(sources="kubernetes", module=KUBERNETES, version="v1.37.2"),
}


def go() -> str | None:
    """Give the path of the go command, if there is one."""
    usual = Path("/usr/local/go/bin/go")
    return shutil.which("go") or (str(usual) if usual.exists() else None)


def built(name: str, *, build: bool) -> Path | None:
    """Give a program's path; None where it is not there and is not to be built.

    Raises: CalledProcessError: it could not be built; what go said is in its output.
    """
    program = PROGRAMS[name]
    folder = _cache() / f"{name}-{_digest(program)}"
    path = folder / "contract"
    command = go()
    if path.exists() or not build or command is None:
        return path if path.exists() else None
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another test process may build it
        if not path.exists():
            _build(command, program, folder)
    return path


def module(command: str, program: Program) -> Path:
    """Give the folder of a program's module, whose sources are there without a build."""
    asked = [command, "mod", "download", "-json", f"{program.module}@{program.version}"]
    done = subprocess.run(asked, cwd=_cache(), check=True, capture_output=True, text=True)
    return Path(json.loads(done.stdout)["Dir"])


def _cache() -> Path:
    given = os.environ.get("WINCNODE_CONTRACT_CACHE")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(given) if given else home / "wincnode" / "contract"


def _digest(program: Program) -> str:
    parts = [program.module, program.version, program.tags]
    parts += [path.read_text(encoding="utf-8") for path in sorted(_sources(program))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _sources(program: Program) -> list[Path]:
    return list((HERE / program.sources).glob("*.go"))


def _build(command: str, program: Program, folder: Path) -> None:
    for path in _sources(program):
        shutil.copy(path, folder)
    rows = ["module contract", f"go {GO_VERSION}", f"require {program.module} {program.version}"]
    rows += _replacements(command, program)
    (folder / "go.mod").write_text("\n".join(rows) + "\n", encoding="utf-8")
    # One package at a time: the machine is not the test's alone. `mod` takes the modules that the
    # one above asks for, in the versions that it asks for.
    arguments = ["build", "-p", "1", "-mod=mod", "-tags", program.tags, "-o", "contract.new", "."]
    subprocess.run([command, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    (folder / "contract.new").rename(folder / "contract")


def _replacements(command: str, program: Program) -> list[str]:
    """Give the published modules that stand for the folders inside Kubernetes's own repository."""
    if program.module != KUBERNETES:
        return []
    text = (module(command, program) / "go.mod").read_text(encoding="utf-8")
    version = program.version.replace("v1.", "v0.")
    names = re.findall(r"^\s*(k8s\.io/\S+) => \./staging/", text, re.MULTILINE)
    return [f"replace {name} => {name} {version}" for name in names]


if __name__ == "__main__":
    for row in PROGRAMS:
        print(row, built(row, build=True), flush=True)  # noqa: T201 - for whoever waits
