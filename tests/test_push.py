"""Files over WinRM: what a node has is not sent again, and only what is verified takes its place."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from nodes import ENGINES, lab_node, linked
from winps import winps

from wincnode.artifacts.push import Parcel, push
from wincnode.errors import ArtifactError, RunFailed
from wincnode.lab.engine import Engine, Process
from wincnode.lab.faults import Faults
from wincnode.lab.nodes import PASSWORD, USER, LabNode
from wincnode.lab.powershell import PowerShellEngine
from wincnode.lab.process import FunctionProcess
from wincnode.lab.server import WsmanServer
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.profiles import load_profile
from wincnode.runner import command_line
from wincnode.transport import ConnectionSettings, Transport, open_transport

SIZE = 5_000_000
CONTENT = hashlib.shake_256(b"").digest(SIZE)
# Create, Command and Send of what is asked; a Receive and Signal; Command; then the file's Sends.
FIRST_SEND = 7
SENDS = 15


@pytest.fixture
def parcel(tmp_path: Path) -> Parcel:
    """A file here that a node is to get."""
    source = tmp_path / "kubelet.exe"
    source.write_bytes(CONTENT)
    return Parcel(
        component="kubelet",
        source=source,
        target=r"C:\k\kubelet.exe",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size=SIZE,
    )


def part(node: LabNode, parcel: Parcel) -> Path:
    return node.machine.path(parcel.part)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_lost_link_costs_no_byte_that_arrived(
    engine: str, parcel: Parcel, tmp_path: Path
) -> None:
    """A link cut at half is taken up where it broke, by itself; the file is whole."""
    faults = Faults(drop_before=FIRST_SEND + SENDS // 2)
    with lab_node(tmp_path / "node", engine=engine, faults=faults) as node, linked(node) as link:
        sent = push(link, [parcel], node="web-1")

        assert len(node.server.requests) > FIRST_SEND + SENDS // 2, "the fault never came to pass"
        assert part(node, parcel).read_bytes() == CONTENT
        assert SIZE < sent <= 1.2 * SIZE


def test_a_link_that_is_lost_in_a_long_transfer_is_waited_for(
    parcel: Parcel, tmp_path: Path
) -> None:
    """Patience begins with the loss: what came before took longer than that."""
    faults = Faults(drop_before=FIRST_SEND + SENDS // 2, delay_s=0.1)
    with lab_node(tmp_path / "node", engine="model", faults=faults) as node, linked(node) as link:
        assert push(link, [parcel], node="web-1", patience_s=0.5) > SIZE


HALF = SIZE // 2
# What lies on the node, and how much is sent then.
KEPT = {
    "half of it": (CONTENT[:HALF], SIZE - HALF),
    "a wrong byte": (b"?" + CONTENT[1:HALF], SIZE),
    "a byte too many": (CONTENT + b"?", SIZE),
    "all of it": (CONTENT, 0),
}


@pytest.mark.parametrize(
    ("engine", "cases"),
    [("powershell", ("a wrong byte", "all of it")), ("model", tuple(KEPT))],
    ids=ENGINES,
)
def test_a_part_that_is_not_the_files_beginning_is_not_continued(
    engine: str, cases: Sequence[str], parcel: Parcel, tmp_path: Path
) -> None:
    """The node tells what it has by its SHA-256; only what is the file's own is kept."""
    with lab_node(tmp_path / "node", engine=engine) as node, linked(node) as link:
        part(node, parcel).parent.mkdir()
        for case in cases:
            kept, missing = KEPT[case]
            part(node, parcel).write_bytes(kept)
            assert push(link, [parcel], node="web-1") == missing, case
            assert part(node, parcel).read_bytes() == CONTENT


def test_a_file_in_its_place_is_not_sent(parcel: Parcel, tmp_path: Path) -> None:
    """The right one is left alone; of several files, only the others travel."""
    other = Parcel(**{**fields(parcel), "component": "other", "target": r"C:\k\other.exe"})
    told = []
    with lab_node(tmp_path / "node", engine="model") as node, linked(node) as link:
        node.machine.path(r"C:\k").mkdir()
        node.machine.path(parcel.target).write_bytes(CONTENT)
        assert push(link, [parcel, other], node="web-1", watch=told.append) == SIZE

    assert {step.component for step in told} == {"other"}
    assert (told[-1].done, told[-1].total) == (SIZE, SIZE)


def fields(parcel: Parcel) -> dict[str, object]:
    return {name: getattr(parcel, name) for name in Parcel.__dataclass_fields__}


def link_to(server: WsmanServer) -> Transport:
    return open_transport(
        ConnectionSettings(
            address="127.0.0.1", port=server.port, scheme="http", user=USER, password=PASSWORD
        )
    )


class Bent:
    """A process whose stdin is made for text: what is no ASCII arrives as a question mark."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.read = process.read
        self.terminate = process.terminate

    def write(self, data: bytes, *, end: bool) -> None:
        self._process.write(data.decode("ascii", "replace").encode("ascii", "replace"), end=end)


class BentEngine:
    """An engine whose processes have such a stdin."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def start(self, command: str, environment: Mapping[str, str]) -> Process:
        return Bent(self._engine.start(command, environment))


def test_a_pipe_that_is_made_for_text_gets_text(parcel: Parcel, tmp_path: Path) -> None:
    """The node tells how bytes reach it, before a file is sent."""
    machine = Machine(load_profile("ws2022"), tmp_path / "node", computer="WEB-1")
    with (
        PowerShellEngine(Path(winps()), machine) as engine,
        WsmanServer(BentEngine(engine), users={USER: PASSWORD}) as server,
        contextlib.closing(link_to(server)) as link,
    ):
        push(link, [parcel], node="web-1")

        assert machine.path(parcel.part).read_bytes() == CONTENT


def test_a_file_that_changed_here_is_not_sent(parcel: Parcel, tmp_path: Path) -> None:
    """It is held to its SHA-256 before the node is asked."""
    parcel.source.write_bytes(b"?" + CONTENT[1:])
    with lab_node(tmp_path / "node", engine="model") as node, linked(node) as link:
        with pytest.raises(ArtifactError) as caught:
            push(link, [parcel], node="web-1")
        assert node.server.requests == []

    assert caught.value.id == "artifact.hash"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_node_says_why_it_takes_no_file(engine: str, parcel: Parcel, tmp_path: Path) -> None:
    """A file that stands where the folder goes is named in the node's words."""
    with lab_node(tmp_path / "node", engine=engine) as node, linked(node) as link:
        node.machine.path(r"C:\k").write_bytes(b"")
        with pytest.raises(RunFailed, match="same name") as caught:
            push(link, [parcel], node="web-1")

    assert caught.value.id == "artifact.push"


def received(engine: PowerShellEngine, request: object, body: bytes) -> bytes:
    """Start the receiver, give it a request and bytes, and end its stdin."""
    process = engine.start(command_line("receive"), {})
    process.write(json.dumps(request).encode() + b"\n" + body, end=True)
    told = b""
    while not (output := process.read(20)).done:
        told += output.stdout
    return told + output.stdout


def test_the_receiver_takes_parts_and_whole_ones(tmp_path: Path) -> None:
    """Nothing but a part is written; one that was cut off is told; one in use is waited for."""
    machine = Machine(load_profile("ws2022"), tmp_path / "node", computer="WEB-1")

    def asked(path: str) -> dict[str, object]:
        return {
            "base64": False,
            "sample": False,
            "files": [{"path": path, "keep": 0, "length": 9}],
        }

    with PowerShellEngine(Path(winps()), machine) as engine:
        other = received(engine, asked(r"C:\x.exe"), b"x" * 9)
        cut = received(engine, asked(r"C:\x.exe.part"), b"x" * 5)
        held = machine.path(r"C:\x.exe.part").open("rb")
        fcntl.flock(held, fcntl.LOCK_EX)
        threading.Timer(1.5, held.close).start()
        whole = received(engine, asked(r"C:\x.exe.part"), b"x" * 9)

    assert b"No .part file." in other
    assert b"Cut off." in cut
    assert b'"length":9' in whole
    assert not machine.path(r"C:\x.exe").exists()


def test_the_receiver_fits_behind_cmd_exe() -> None:
    """cmd.exe ends a command line at 8191 characters, with its own name in front."""
    assert len(command_line("receive")) <= 8150


@pytest.mark.parametrize(
    ("line", "id"),
    [
        (b"hello", "node.bad-reply"),
        (b'{"length": -1, "sha256": ""}', "node.bad-reply"),
        (b"", "run.no-result"),
    ],
)
def test_what_no_node_of_ours_says_is_an_error(line: bytes, id: str, parcel: Parcel) -> None:
    """A stranger's words neither raise something else nor count as a file."""

    class Stranger:
        def start(self, command: str, environment: Mapping[str, str]) -> Process:
            def work(process: FunctionProcess, stdin: bytes) -> int:
                process.put(b'{"sample": ""}\n' + (line + b"\n") * 2 if line else b"")
                return 1

            return FunctionProcess(work, needs_stdin=True)

    with (
        WsmanServer(Stranger(), users={USER: PASSWORD}) as server,
        contextlib.closing(link_to(server)) as link,
        pytest.raises(Exception, match="web-1") as caught,
    ):
        push(link, [parcel], node="web-1")

    assert caught.value.id == id  # type: ignore[attr-defined] # an error of ours
