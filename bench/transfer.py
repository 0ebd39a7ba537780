"""Measures how files get to lab nodes: a pull's bytes, a push's speed, what a cut costs, refusals.

Run it with: PYTHONPATH=tests python bench/transfer.py
The node runs the shipped scripts on the PowerShell engine (WINCNODE_WINPS); its server and the
client are processes of their own.
"""

from __future__ import annotations

import hashlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from files_server import serving
from nodes import lab_node, linked
from winps import winps

from wincnode import runner
from wincnode.artifacts.push import Parcel, push
from wincnode.artifacts.web import MIB
from wincnode.events import StepFinished
from wincnode.lab.faults import Faults
from wincnode.lab.nodes import PASSWORD, USER
from wincnode.plan import Plan, Step, to_wire
from wincnode.transport import ConnectionSettings, Transport, open_transport
from wincnode.transport.shell import STDIN_CHUNK_BYTES

SIZE = 128 * MIB
ROUNDS = 5
# Create, Command, Send, Receive and Signal of what is asked, and the Command that takes the file.
BEFORE_FILE = 6


def main() -> None:
    """Print one figure a line."""
    with tempfile.TemporaryDirectory() as name:
        parcel = made(Path(name) / "kubelet.exe")
        say("pull: bytes sent / size", f"{pulled(parcel, Path(name) / 'pull'):.4f}")
        rates = sorted(pushed(parcel, Path(name) / f"push{n}") for n in range(ROUNDS))
        text = ", ".join(f"{rate:.1f}" for rate in rates)
        say("push: MB/s over sealed http, all of it from first request to last answer", text)
        say("cut at 50 %: sent again / size", f"{cut(parcel, Path(name) / 'cut'):.4f}")
        refused = corrupted(parcel, Path(name) / "corrupted")
        say("corrupted at 5 offsets: refused on the node, old version active", f"{refused} of 5")


def say(what: str, figure: str) -> None:
    """Print a figure."""
    sys.stdout.write(f"{what}: {figure}\n")
    sys.stdout.flush()


def made(source: Path) -> Parcel:
    """Make a file that a node is to get."""
    content = hashlib.shake_256(b"").digest(SIZE)
    source.write_bytes(content)
    return Parcel(
        component="kubelet",
        source=source,
        target=r"C:\k\kubelet.exe",
        sha256=hashlib.sha256(content).hexdigest(),
        size=SIZE,
    )


def taken(link: Transport, parcel: Parcel, *sources: str) -> str:
    """Take the step `download`; gives how it ended."""
    want = {"sha256": parcel.sha256, "size": SIZE, "sources": list(sources), "tries": 1}
    key = {"path": parcel.target}
    step = Step(id="1", kind="download", title="", key=key, want=want, timeout_s=300)
    run = runner.new_run()
    plan = to_wire(Plan(node="n", steps=(step,)), run=run, mode="apply", who={})
    events = runner.attached(link, run=run, plan=plan)
    return "".join(event.outcome for event in events if isinstance(event, StepFinished))


def pulled(parcel: Parcel, folder: Path) -> float:
    """Let a node download a file; gives the bytes that it took, for each of the file's."""
    with serving() as files, lab_node(folder) as node, linked(node) as link:
        files.contents["/kubelet.exe"] = parcel.source.read_bytes()
        if taken(link, parcel, files.url("/kubelet.exe")) != "changed":
            return 0.0
        return files.sent["/kubelet.exe"] / SIZE


def pushed(parcel: Parcel, folder: Path) -> float:
    """Push a file to a node that is a process of its own; gives MB/s."""
    with apart(folder) as link:
        began = time.monotonic()
        push(link, [parcel], node="n")
        return SIZE / 1e6 / (time.monotonic() - began)


@contextmanager
def apart(folder: Path) -> Iterator[Transport]:
    """Run a node in a process of its own, and link to it by NTLM over http."""
    folder.mkdir()
    words = [sys.executable, "-m", "wincnode.lab", "up", "ws2022", "--powershell", winps()]
    words += ["--inventory", str(folder / "wincnode.yaml")]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as lab:
        if lab.stdout:
            lab.stdout.readline()  # it is up
        port = re.search(r"port: (\d+)", (folder / "wincnode.yaml").read_text(encoding="utf-8"))
        link = open_transport(
            ConnectionSettings(
                address="127.0.0.1",
                port=int(port[1]) if port else 0,
                scheme="http",
                user=USER,
                password=PASSWORD,
            )
        )
        try:
            yield link
        finally:
            link.close()
            lab.send_signal(signal.SIGINT)


def cut(parcel: Parcel, folder: Path) -> float:
    """Cut the link in a file's middle; gives what is sent after that, for each of its bytes."""
    sends = SIZE // STDIN_CHUNK_BYTES // 2
    faults = Faults(drop_before=BEFORE_FILE + sends)
    with lab_node(folder, faults=faults) as node, linked(node) as link:
        sent = push(link, [parcel], node="n")
        part = node.machine.path(parcel.part)
        whole = hashlib.sha256(part.read_bytes()).hexdigest() == parcel.sha256
        return (sent - sends * STDIN_CHUNK_BYTES) / SIZE if whole else 1.0


def corrupted(parcel: Parcel, folder: Path) -> int:
    """Change a byte of what was pushed; gives how often the old version stayed in its place."""
    content, kept = parcel.source.read_bytes(), 0
    with lab_node(folder) as node, linked(node) as link:
        target = node.machine.path(parcel.target)
        target.parent.mkdir()
        target.write_bytes(b"old")
        for offset in (0, SIZE // 4, SIZE // 2, 3 * SIZE // 4, SIZE - 1):
            wrong = bytearray(content)
            wrong[offset] ^= 1
            node.machine.path(parcel.part).write_bytes(wrong)
            kept += taken(link, parcel) == "failed" and target.read_bytes() == b"old"
    return kept


if __name__ == "__main__":
    main()
