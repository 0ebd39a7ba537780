"""Files over WinRM, for nodes that reach no server; what a node has of them is not sent again.

A file goes into a `.part` file beside its place; the step `download` verifies it on the node and
moves it. receive.ps1 is asked by a line of JSON, `{"base64", "sample", "files"}`, each file with
its path, the bytes of it to keep, and the number of bytes that follow. It answers with the sample
as it came, and each file's length and SHA-256 as it is then.
"""

from __future__ import annotations

import hashlib
import json
import time
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wincnode import runner
from wincnode.artifacts.fetch import Moved, Watch, part_of
from wincnode.errors import ArtifactError, BadReply, NodeUnreachable, RunFailed
from wincnode.events import printable
from wincnode.transport import Stdin, Transport

# Each byte once: a pipe that is made for text changes some of them.
SAMPLE = bytes(range(256))
# A multiple of 3 whose base64 fits one message of the transport.
LINE_BYTES = 262_140
READ_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """One file that a node is to get.

    Args: target: its full path on the node.
    """

    component: str
    source: Path
    target: str
    sha256: str
    size: int

    @property
    def part(self) -> str:
        """Where it lies on the node until it is whole and verified."""
        return part_of(self.target, self.sha256)


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What a file of the node holds; no file is one of no bytes."""

    length: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rest:
    """What a node lacks of a parcel: all that comes after the first `keep` bytes."""

    parcel: Parcel
    keep: int

    @property
    def length(self) -> int:
        """The number of bytes."""
        return self.parcel.size - self.keep


def push(
    transport: Transport,
    parcels: Sequence[Parcel],
    *,
    node: str,
    watch: Watch = lambda _: None,
    patience_s: float = runner.PATIENCE_S,
) -> int:
    """Bring files to a node, and what a lost link cut off from there on; gives the bytes sent.

    Args: patience_s: seconds from its loss after which a link that takes no byte is given up.
    Raises: ArtifactError: a file here is not what its parcel says. RunFailed, NodeError.
    """
    for parcel in parcels:
        _refuse_other(parcel)
    sent, drops, least = 0, 0, -1
    deadline = 0.0
    while True:
        try:
            rests, clean = _asked(transport, parcels, node=node)
            missing = sum(rest.length for rest in rests)
            if least < 0 or missing < least:
                least, drops = missing, 0
            if not rests:
                return sent
            body = _Body(rests, watch) if clean else _Lines(rests)
            try:
                _deliver(transport, body, rests, node=node)
            finally:
                sent += body.sent
        except NodeUnreachable:
            now = time.monotonic()
            if not drops:
                deadline = now + patience_s
            pause = min(runner.LONGEST_PAUSE_S, 0.1 * 2**drops)
            if least < 0 or now + pause > deadline:
                raise
            time.sleep(pause)
            drops += 1
        else:
            return sent


def _refuse_other(parcel: Parcel) -> None:
    if _hash(parcel.source, parcel.source.stat().st_size) != parcel.sha256:
        text = f"{parcel.component}: {parcel.source} has not the SHA-256 {parcel.sha256}"
        raise ArtifactError(text, id="artifact.hash")


def _asked(
    transport: Transport, parcels: Sequence[Parcel], *, node: str
) -> tuple[list[Rest], bool]:
    """Ask what a node lacks, and whether bytes reach it as they are."""
    paths = [path for parcel in parcels for path in (parcel.target, parcel.part)]
    head = _head(((path, 0, 0) for path in paths), sample=True)
    sample, *rows = _told(transport, head + SAMPLE, node=node, replies=1 + len(paths))
    held = [_held(row, node) for row in rows]
    rests = [
        Rest(parcel=parcel, keep=_keep(parcel, part))
        for parcel, target, part in zip(parcels, held[::2], held[1::2], strict=True)
        if target.sha256 != parcel.sha256
    ]
    return [rest for rest in rests if rest.length], sample.get("sample") == SAMPLE.hex("-").upper()


def _deliver(transport: Transport, body: Stdin, rests: Sequence[Rest], *, node: str) -> None:
    rows = _told(transport, body, node=node, replies=len(rests))
    for rest, row in zip(rests, rows, strict=True):
        if _held(row, node).sha256 != rest.parcel.sha256:
            raise _not_taken(node, f"{rest.parcel.component} did not arrive as it was sent")


def _keep(parcel: Parcel, part: Held) -> int:
    """Give how many bytes of a part are the file's own; the rest is sent."""
    same = part.length <= parcel.size and _hash(parcel.source, part.length) == part.sha256
    return part.length if same else 0


def _hash(path: Path, length: int) -> str:
    """Give the SHA-256 of a file's first bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while length > 0 and (piece := file.read(min(length, READ_BYTES))):
            digest.update(piece)
            length -= len(piece)
    return digest.hexdigest()


def _head(
    files: Iterable[tuple[str, int, int]], *, base64: bool = False, sample: bool = False
) -> bytes:
    rows = [{"path": path, "keep": keep, "length": length} for path, keep, length in files]
    row = {"base64": base64, "sample": sample, "files": rows}
    return json.dumps(row).encode("ascii") + b"\n"


def _told(transport: Transport, body: Stdin, *, node: str, replies: int) -> list[dict[str, Any]]:
    """Send a request and give the node's replies.

    Raises: RunFailed: it could not do it. BadReply. NodeError.
    """
    lines = list(transport.run(runner.command_line("receive"), body))
    rows = [_row(line, node) for line in lines if line.strip()]
    for row in rows:
        if "error" in row:
            raise _not_taken(node, printable(str(row["error"])))
    if len(rows) != replies:
        raise runner.died(transport, node=node)
    return rows


def _row(line: bytes, node: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise _bad(node)
    return row


def _held(row: dict[str, Any], node: str) -> Held:
    match row:
        case {"length": int() as length, "sha256": str() as digest} if length >= 0:
            plain = digest.replace("-", "").lower() or hashlib.sha256().hexdigest()
            return Held(length=length, sha256=plain)
    raise _bad(node)


def _not_taken(node: str, why: str) -> RunFailed:
    return RunFailed(f"{node}: the files were not taken: {why}", id="artifact.push")


def _bad(node: str) -> BadReply:
    return BadReply(f"{node}: an answer that no node of ours gives", id="node.bad-reply")


class _Body:
    """A request with bytes of files, read as they are sent; `sent` counts the latter."""

    def __init__(self, rests: Sequence[Rest], watch: Watch) -> None:
        self._head = _head((rest.parcel.part, rest.keep, rest.length) for rest in rests)
        self._rests = rests
        self._watch = watch
        self.sent = 0

    def __len__(self) -> int:
        return len(self._head) + sum(rest.length for rest in self._rests)

    def __getitem__(self, part: slice, /) -> bytes:
        start, stop, _ = part.indices(len(self))
        pieces = [self._head[start:stop]]
        begin = len(self._head)
        for rest in self._rests:
            first, last = max(start - begin, 0), min(stop - begin, rest.length)
            if first < last:
                pieces.append(_bytes(rest, first, last))
                done, parcel = rest.keep + last, rest.parcel
                self._watch(Moved(component=parcel.component, done=done, total=parcel.size))
            begin += rest.length
        self.sent = max(self.sent, stop - len(self._head))
        return b"".join(pieces)


class _Lines:
    """The same in lines of base64, for a pipe that is made for text; it is held in memory."""

    def __init__(self, rests: Sequence[Rest]) -> None:
        head = _head(((rest.parcel.part, rest.keep, rest.length) for rest in rests), base64=True)
        self._text = head + b"".join(line for rest in rests for line in _lines(rest))
        self.sent = 0

    def __len__(self) -> int:
        return len(self._text)

    def __getitem__(self, part: slice, /) -> bytes:
        _, stop, _ = part.indices(len(self))
        self.sent = max(self.sent, stop)
        return self._text[part]


def _bytes(rest: Rest, first: int, last: int) -> bytes:
    with rest.parcel.source.open("rb") as file:
        file.seek(rest.keep + first)
        return file.read(last - first)


def _lines(rest: Rest) -> Iterator[bytes]:
    for first in range(0, rest.length, LINE_BYTES):
        piece = _bytes(rest, first, min(first + LINE_BYTES, rest.length))
        yield b64encode(piece) + b"\n"
