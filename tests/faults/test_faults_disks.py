"""F29 and F30: disks that are full, and files that are in use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from client import journals
from fault_rows import APPLY, Row, Run, fault
from files_server import serving
from guarded import until
from nodes import base
from test_delivery import CONTENT, SHA256
from test_faults_services import done, error_of, step

from wincnode.lab.model import ModelEngine
from wincnode.lab.nodes import LabNode
from wincnode.lab.process import FunctionProcess
from wincnode.lab.windows import programs
from wincnode.plan import Step

Lab = Callable[..., LabNode]
KUBELET = r"C:\k\kubelet.exe"


def download(url: str, timeout_s: int = 20) -> Step:
    """Give the step that brings a file in the place of an older one."""
    want = {"sources": [url], "sha256": SHA256, "size": len(CONTENT), "tries": 1}
    return step("download", {"path": KUBELET}, want, timeout_s)


def old_kubelet(node: LabNode) -> Path:
    """Put an older program in the place of the one that comes."""
    path = node.machine.path(KUBELET)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"old")
    return path


@fault(
    "F29",
    "the disk is full: before, at a download, as an archive is unpacked, as the journal is written",
    does="blocks below 10 GiB (sys.disk); a download wants its size and a fifth more, says how much"
    " is missing, and leaves no part of it; what was unpacked beside goes, and the old version stays;"
    " a run that cannot write its journal ends (run.failed), frees the node, and can be repeated",
    error="sys.disk",
    exit_code=5,
    rehearse=("sys.disk", "disk-full"),
)
def test_f29_a_disk_that_is_full(row: Row, run: Run, lab: Lab) -> None:
    lab(profile="sys.disk")

    end = run(*APPLY)

    row.holds(end)
    assert end.node["steps"] == []


def test_f29_a_disk_that_is_full_at_a_download(lab: Lab) -> None:
    download_is_refused(lab())


def download_is_refused(node: LabNode) -> None:
    """Bring a file to a drive that lacks one byte: it is told, and no part of it stays."""
    old = old_kubelet(node)
    part = old.with_name(f"kubelet.exe.{SHA256[:12]}.part")
    part.write_bytes(CONTENT[:2])
    needed = -(-12 * (len(CONTENT) - 2) // 10)
    node.machine.cim["Win32_LogicalDisk"] = [
        {**row, "FreeSpace": needed - 1} for row in node.machine.cim["Win32_LogicalDisk"]
    ]
    with serving() as files:
        files.contents["/kubelet.exe"] = CONTENT
        report = done(node, download(files.url("/kubelet.exe")))

    assert report.status == "failed"
    assert error_of(report).endswith(
        f"no room for {needed} bytes: {needed - 1} are free, 1 are missing."
    )
    assert (old.read_bytes(), part.exists()) == (b"old", False)


def test_f29_a_disk_that_is_full_as_an_archive_is_unpacked(lab: Lab) -> None:
    node = lab()
    old = old_kubelet(node)
    archive = node.machine.path(r"C:\k\node.tar.gz")
    archive.write_bytes(CONTENT)

    def tar(_machine: object, _version: str, words: Any) -> programs.Ended:
        node.machine.path(words[words.index("-C") + 1] + r"\kubelet.exe").write_bytes(b"ne")
        return programs.Ended(code=1)

    node.machine.programs["tar"] = tar
    want = {"source": r"C:\k\node.tar.gz", "sha256": SHA256}
    report = done(node, step("archive", {"path": r"C:\k", "files": ["kubelet.exe"]}, want))

    assert error_of(report) == "tar.exe ended with 1."
    assert old.read_bytes() == b"old"
    assert not old.with_name(".wincnode-unpacked").exists()


def test_f29_a_disk_that_is_full_as_the_journal_is_written(run: Run, lab: Lab) -> None:
    """It is full from the first step on, and has room again before the next run."""
    node = lab(pace_s=0.2)

    def started() -> bool:
        texts = (path.read_text() for path in base(node).glob("runs/*/journal.jsonl"))
        return any('"type":"step_started"' in text.replace(" ", "") for text in texts)

    def fill() -> None:
        until(started)
        node.machine.room_bytes = 10

    threading.Thread(target=fill, daemon=True).start()
    first = run(*APPLY)
    node.machine.room_bytes = None
    second = run(*APPLY)

    assert (first.exit_code, first.ids[0]) == (1, "run.failed")
    assert "Traceback" not in first.text
    assert second.exit_code == 0, second.text
    assert [line["type"] for rows in journals(node) for line in rows].count("finished") == 1


@fault(
    "F30",
    "the file of a program is in use, or held by an anti-virus",
    does="renames what runs, as Windows allows; what cannot be renamed is waited for, 60 s at most;"
    " then the old version stays, and the message says which process has the file, as far as that is"
    " known",
    exit_code=1,
    deadline_s=60,
)
def test_f30_a_file_that_is_held(row: Row, lab: Lab) -> None:
    """That the engine lets nobody else write a held file is the model's; limits are shorter."""
    node = lab()
    old = old_kubelet(node)
    holder = FunctionProcess(lambda process, _stdin: process.pause(60) or 0, needs_stdin=False)
    assert isinstance(node.engine, ModelEngine)
    node.engine.host.disk.hold(KUBELET, holder)
    with serving() as files:
        files.contents["/kubelet.exe"] = CONTENT
        url = files.url("/kubelet.exe")
        held = done(node, download(url, timeout_s=1))
        said, kept = error_of(held), old.read_bytes()
        threading.Timer(0.3, holder.terminate).start()
        freed = done(node, download(url))

    assert (held.status, held.exit_code, kept) == ("failed", row.exit_code, b"old")
    assert said.startswith(f"{KUBELET} cannot be replaced: ")
    assert said.endswith("Which program holds it is not known; an anti-virus may.")
    assert (freed.status, old.read_bytes()) == ("done", CONTENT)
