"""Measures downloads on loopback: bytes over the wire, speed, what a cut and a wrong byte cost.

Run it with: PYTHONPATH=tests python bench/artifacts.py
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from pathlib import Path

from files_server import Files, serving

from wincnode.artifacts.fetch import fetch
from wincnode.artifacts.lock import Entry
from wincnode.artifacts.web import MIB, Pace
from wincnode.errors import ArtifactError

SIZE = 128 * MIB
PACE = Pace(tries=1, wait_s=0.0)


def main() -> None:
    """Print one figure a line."""
    content = hashlib.shake_256(b"").digest(SIZE)
    with tempfile.TemporaryDirectory() as folder, serving() as files:
        files.contents["/a.bin"] = content
        entry = Entry(
            component="a",
            version="1.0.0",
            url=files.url("/a.bin"),
            sha256=hashlib.sha256(content).hexdigest(),
            size=SIZE,
            verified="digest",
            checksum_url=files.url("/a.bin.sha256"),
        )
        target = Path(folder) / "a.bin"
        say("pull: bytes sent / size", pulled(files, entry, target))
        say("cut at 50 %: sent again / size", cut(files, entry, target))
        say("corrupted at 5 offsets: refused, old version kept", corrupted(files, entry, target))


def say(what: str, figure: object) -> None:
    """Print a figure."""
    sys.stdout.write(f"{what}: {figure}\n")


def pulled(files: Files, entry: Entry, target: Path) -> str:
    """Download and verify once."""
    began = time.monotonic()
    fetch(entry, target, pace=PACE)
    seconds = time.monotonic() - began
    return f"{files.sent['/a.bin'] / SIZE:.4f} at {SIZE / MIB / seconds:.0f} MiB/s with its SHA-256"


def cut(files: Files, entry: Entry, target: Path) -> str:
    """Break a download in its middle, and run it again."""
    target.unlink()
    files.cuts["/a.bin"] = [SIZE // 2, 0]
    if refusal(entry, target) != "artifact.unreachable":
        return "was not cut"
    files.cuts.clear()
    files.sent.clear()
    fetch(entry, target, pace=PACE)
    return f"{files.sent['/a.bin'] / SIZE:.4f}"


def corrupted(files: Files, entry: Entry, target: Path) -> str:
    """Serve a wrong byte at the start, at the end, and between."""
    content, kept = files.contents["/a.bin"], 0
    for offset in (0, SIZE // 4, SIZE // 2, 3 * SIZE // 4, SIZE - 1):
        target.write_bytes(b"old")
        wrong = bytearray(content)
        wrong[offset] ^= 1
        files.contents["/a.bin"] = bytes(wrong)
        kept += refusal(entry, target) == "artifact.hash" and target.read_bytes() == b"old"
    return f"{kept} of 5"


def refusal(entry: Entry, target: Path) -> str:
    """Give the id of the error that a download ends with."""
    try:
        fetch(entry, target, pace=PACE)
    except ArtifactError as error:
        return error.id
    return ""


if __name__ == "__main__":
    main()
