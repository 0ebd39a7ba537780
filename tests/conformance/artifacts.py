"""The cases of test_conformance for files that were pushed, and for archives."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from typing import Any

from conformance.case import Case, both, text
from wincnode.artifacts.fetch import part_of
from wincnode.lab.windows.machine import Machine

NEW = b"MZ new\x00\xff\r\n"
SHA256 = hashlib.sha256(NEW).hexdigest()
PUSHED = {"sha256": SHA256, "size": len(NEW), "sources": [], "tries": 1}
KUBELET = r"C:\d1\kubelet.exe"
TOO_LARGE = {**PUSHED, "size": 2**31 - 1}


def tar(members: dict[str, bytes]) -> bytes:
    """Give a .tar.gz; the same members always give the same bytes."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as file:
        for name, content in members.items():
            row = tarfile.TarInfo(name)
            row.size = len(content)
            file.addfile(row, io.BytesIO(content))
    return gzip.compress(made.getvalue(), mtime=0)


def zipped(members: dict[str, bytes]) -> bytes:
    """Give a .zip."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name), content)
    return made.getvalue()


TAR = tar({"bin/ctr.exe": b"ctr", "bin/containerd.exe": b"containerd", "README.md": b"no"})
ZIP = zipped({"nat.exe": b"nat"})


def of(archive: bytes, name: str) -> dict[str, Any]:
    """Give what is wanted of an archive."""
    return {"sha256": hashlib.sha256(archive).hexdigest(), "source": rf"C:\{name}"}


def put(path: str, content: bytes) -> Callable[[Machine], None]:
    """Make a file."""

    def make(machine: Machine) -> None:
        machine.path(path).parent.mkdir(parents=True, exist_ok=True)
        machine.path(path).write_bytes(content)

    return make


def full(machine: Machine) -> None:
    """Leave 1 GB free."""
    machine.cim["Win32_LogicalDisk"] = [{"DeviceID": "C:", "FreeSpace": 10**9}]


def record(sha256: str, **files: bytes) -> str:
    """Give what the node notes of unpacked files."""
    rows = [
        f'"{name}.exe":{{"archive":"{sha256}","sha256":"{hashlib.sha256(content).hexdigest()}"}}'
        for name, content in files.items()
    ]
    return "{" + ",".join(rows) + "}"


NAT = of(ZIP, "nat.zip")
CASES = (
    Case(
        id="download absent, pushed",
        kind="download",
        key={"path": KUBELET},
        want=PUSHED,
        before=put(part_of(KUBELET, SHA256), NEW),
    ),
    Case(
        id="download present",
        kind="download",
        key={"path": r"C:\d2\kubelet.exe"},
        want=PUSHED,
        before=put(r"C:\d2\KUBELET.exe", NEW),
    ),
    Case(
        id="download different, pushed",
        kind="download",
        key={"path": r"C:\d3\kubelet.exe"},
        want=PUSHED,
        before=both(
            put(r"C:\d3\kubelet.exe", b"old"), put(part_of(r"C:\d3\kubelet.exe", SHA256), NEW)
        ),
    ),
    Case(
        id="download broken: another file was pushed",
        kind="download",
        key={"path": r"C:\d4\kubelet.exe"},
        want=PUSHED,
        before=both(
            put(r"C:\d4\kubelet.exe", b"old"),
            put(part_of(r"C:\d4\kubelet.exe", SHA256), NEW[:-1] + b"?"),
        ),
        broken=True,
        keeps=r"d4\kubelet.exe",
    ),
    Case(
        id="download broken: the drive is full",
        kind="download",
        key={"path": r"C:\d5\kubelet.exe"},
        want=TOO_LARGE,
        before=full,
        broken=True,
    ),
    Case(
        id="archive absent",
        kind="archive",
        key={"path": r"C:\x1", "files": ["bin/ctr.exe", "bin/containerd.exe"]},
        want=of(TAR, "containerd.tar.gz"),
        before=put(r"C:\containerd.tar.gz", TAR),
    ),
    Case(
        id="archive present",
        kind="archive",
        key={"path": r"C:\x2", "files": ["nat.exe"]},
        want=NAT,
        before=both(
            put(r"C:\x2\nat.exe", b"nat"),
            text(r"C:\x2\.wincnode-archive.json", record(NAT["sha256"], nat=b"nat")),
        ),
    ),
    Case(
        id="archive different",
        kind="archive",
        key={"path": r"C:\x3", "files": ["nat.exe"]},
        want=NAT,
        before=both(
            put(r"C:\nat.zip", ZIP),
            put(r"C:\x3\nat.exe", b"changed"),
            text(
                r"C:\x3\.wincnode-archive.json", record(NAT["sha256"], nat=b"nat", other=b"other")
            ),
        ),
    ),
    Case(
        id="archive broken: another archive",
        kind="archive",
        key={"path": r"C:\x4", "files": ["bin/ctr.exe"]},
        want={**of(TAR, "nat.zip"), "source": r"C:\x4.zip"},
        before=put(r"C:\x4.zip", ZIP),
        broken=True,
    ),
)
