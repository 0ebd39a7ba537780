"""A native test double of the exports that wincnode calls: built, set up and looked into.

It is a double and not the truth: no Windows was at hand to compare it with.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir

import pytest

SOURCES = Path(__file__).parent
LIBRARY = (
    *("text", "json", "control", "machine", "schema", "operations", "waits", "guest"),
    *("processes", "streams", "layers", "legacy"),
    *("json_tree", "hns_rules", "hns_state", "hns", "lsa"),
)
DLLS = (*("computecore", "computenetwork", "vmcompute", "offreg", "kernel32", "ole32", "advapi32"),)
# What Windows itself has under Wine is left to it.
OURS_ON_WINDOWS = ("computecore", "computenetwork", "vmcompute", "offreg", "lsa")
FLAGS = ("-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O1", "-g")
BUILDS = (17763, 20348, 26100)
COUNTED = (
    "systems",
    "layers",
    "operations",
    "system handles",
    "process handles",
    "handles",
    "network handles",
    "policies",
    "account lists",
    "strings",
)


@cache
def built(build: int = 20348, *, sanitize: bool = False, windows: bool = False) -> Path:
    """Build the libraries of a Windows build into a folder that the sources' hash names."""
    compiler = "x86_64-w64-mingw32-gcc" if windows else "gcc"
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler} to build the double of computecore.dll with")
    text = b"".join(path.read_bytes() for path in sorted(SOURCES.glob("*.*")) if path.is_file())
    key = sha256(text + repr((FLAGS, sanitize, windows)).encode()).hexdigest()[:16]
    folder = Path(gettempdir()) / f"wincnode-compute-double-{os.getuid()}" / key / str(build)
    if not (folder / "done").exists():
        fresh = folder.with_name(f"new.{build}.{os.getpid()}")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        _compile(fresh, compiler, build, sanitize=sanitize, windows=windows)
        (fresh / "done").touch()
        try:
            fresh.rename(folder)
        except OSError:
            shutil.rmtree(fresh)
    return folder


def libraries() -> Path | None:
    """Build the libraries of each Windows build for lab nodes; None where there is no compiler."""
    if shutil.which("gcc") is None:
        return None
    return [built(build).parent for build in BUILDS][-1]


def _compile(folder: Path, compiler: str, build: int, *, sanitize: bool, windows: bool) -> None:
    flags = [*FLAGS, "-shared", "-I", str(SOURCES)]
    flags += ["-static-libgcc"] if windows else ["-fPIC", "-pthread", "-fvisibility=hidden"]
    flags += ["-fsanitize=address"] if sanitize else []
    suffix = "dll" if windows else "so"
    core = folder / f"double.{suffix}"
    libraries = ["-lole32", "-lws2_32", "-l:libpthread.a"] if windows else []
    sources = [str(SOURCES / f"{name}.c") for name in LIBRARY]
    named = [] if windows else ["-Wl,-soname,double.so"]
    jobs = [[compiler, *flags, *named, *sources, "-o", str(core), *libraries]]
    for name in OURS_ON_WINDOWS if windows else DLLS:
        words = [compiler, *flags, f"-DDLL_{name.upper()}", f"-DBUILD={build}"]
        words += [str(SOURCES / "exports.c"), str(core), "-o", str(folder / f"{name}.{suffix}")]
        jobs.append(words if windows else [*words, "-Wl,-rpath,$ORIGIN"])
    for job in jobs:
        done = subprocess.run(job, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@dataclass(frozen=True, kw_only=True, slots=True)
class Double:
    """One machine of the double: its folder, its drive C, and the libraries of its build."""

    folder: Path
    drive: Path
    libraries: Path
    build: int

    @property
    def environment(self) -> dict[str, str]:
        """What a process on the machine needs."""
        return {
            "HCS_DOUBLE": str(self.folder),
            "HCS_DOUBLE_C": str(self.drive),
            **{
                f"WINPS_DLL_{name.upper()}_DLL": str(self.libraries / f"{name}.so") for name in DLLS
            },
        }

    @property
    def paths(self) -> Mapping[str, str]:
        """Where each DLL lies."""
        return {f"{name}.dll": str(self.libraries / f"{name}.so") for name in DLLS}

    def set(self, *lines: str) -> None:
        """Write the control file; the build comes of itself."""
        text = "\n".join((f"build {self.build}", *lines))
        (self.folder / "control").write_text(text + "\n", encoding="ascii")

    def calls(self) -> list[str]:
        """Give the calls that were made, with what they were given, without the process."""
        path = self.folder / "calls"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [line.partition(" ")[2] for line in lines]

    def forget(self) -> None:
        """Begin the list of calls anew."""
        (self.folder / "calls").unlink(missing_ok=True)

    def violations(self) -> list[str]:
        """Give the mistakes of callers."""
        path = self.folder / "violations"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def counts(self) -> dict[str, int]:
        """Count what is open, in this process and on the machine."""
        os.environ.update(self.environment)
        library = ctypes.CDLL(str(self.libraries / "double.so"))
        return {name: library.double_count(name.encode()) for name in COUNTED}

    def scratch(self) -> list[str]:
        """List what lies in the scratch root."""
        root = self.drive / "ProgramData" / "wincnode" / "scratch"
        return sorted(path.name for path in root.iterdir()) if root.is_dir() else []


def double(
    folder: Path, build: int = 20348, lines: Iterable[str] = (), *, drive: Path | None = None
) -> Double:
    """Set up a machine in a folder; its drive C may be another machine's."""
    made = Double(
        folder=folder / "double",
        drive=drive or folder / "c",
        libraries=built(build, sanitize="COMPUTE_DOUBLE_SANITIZE" in os.environ),
        build=build,
    )
    made.folder.mkdir(parents=True)
    (made.drive / "ProgramData").mkdir(parents=True, exist_ok=True)
    made.set(*lines)
    return made


def image(machine: Double, *names: str, build: int = 0) -> list[str]:
    """Lay an image's layers on the machine's drive; gives their paths, the top-most first."""
    root = r"C:\ProgramData\containerd\root\io.containerd.snapshotter.v1.windows\snapshots"
    for name in names:
        folder = machine.drive / "/".join(root[3:].split("\\")) / name
        (folder / "Files").mkdir(parents=True)
        (folder / "Files" / f"{name}.txt").write_text(f"of layer {name}")
    base = machine.drive / "/".join(root[3:].split("\\")) / names[-1]
    (base / "blank.vhdx").write_text("disk")
    (base / "lab-build.txt").write_text(str(build or machine.build))
    (base / "UtilityVM" / "Files").mkdir(parents=True)
    (base / "UtilityVM" / "SystemTemplate.vhdx").write_text("disk")
    return [f"{root}\\{name}" for name in names]
