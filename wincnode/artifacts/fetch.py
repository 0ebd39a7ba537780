"""Downloads into the cache: what broke off goes on, and only what is verified takes its place."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import requests

from wincnode.artifacts import web
from wincnode.artifacts.catalogue import file_of
from wincnode.artifacts.lock import Entry
from wincnode.artifacts.web import Pace, Passing
from wincnode.errors import ArtifactError, ConfigError

FILE_NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]*"
# A try that brought less than this counts as one that brought nothing.
PROGRESS_BYTES = web.MIB


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """So much of an artifact is here."""

    component: str
    done: int
    total: int


Watch = Callable[[Moved], None]


def cache_folder(environment: Mapping[str, str], home: Path) -> Path:
    """Give the folder for downloads of this user.

    Source: specifications.freedesktop.org/basedir-spec; LOCALAPPDATA is Windows' own.
    """
    base = environment.get("XDG_CACHE_HOME") or environment.get("LOCALAPPDATA") or home / ".cache"
    return Path(base) / "wincnode" / "artifacts"


def path_in(cache: Path, entry: Entry) -> Path:
    """Give the place of an artifact in the cache.

    Raises: ConfigError: its URL ends with no file name.
    """
    name = file_of(entry.url)
    if not re.fullmatch(FILE_NAME, name):
        raise ConfigError(f"{entry.component}: {entry.url} ends with no file name")
    return cache / entry.component / entry.version / name


def part_of(target: str, sha256: str) -> str:
    """Give where a file lies until it is whole: another version's beginning is not taken for its.

    The same on nodes: node/kinds/download.ps1.
    """
    return f"{target}.{sha256[:12]}.part"


def fetch(
    entry: Entry,
    target: Path,
    *,
    watch: Watch = lambda _: None,
    pace: Pace = Pace(),  # noqa: B008 - frozen
) -> bool:
    """Make sure that the verified artifact is at `target`; tells whether it was downloaded.

    The target is replaced in one move, and only by what has the wanted SHA-256. What arrived
    before a link broke is kept beside it, and the next call goes on from there.

    Raises: ArtifactError: it cannot be had or is another; a file at `target` is as it was.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target.parent):
            if _has(target, entry):
                return False
            _download(entry, target, watch, pace)
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written: {error.strerror}") from error
    return True


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until nobody else downloads into the folder; the kernel frees what a killed one held.

    Windows cannot lock a folder: of two at once there, one ends with a wrong SHA-256.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _download(entry: Entry, target: Path, watch: Watch, pace: Pace) -> None:
    part = Path(part_of(str(target), entry.sha256))
    kept = _size(part)
    _fill(entry, part, watch, pace)
    if kept and not _has(part, entry):
        part.unlink()
        _fill(entry, part, watch, pace)  # what was kept may have been another file's beginning
    if not _has(part, entry):
        part.unlink()
        text = f"{entry.component}: {entry.url} has not the SHA-256 {entry.sha256}"
        raise ArtifactError(text, id="artifact.hash")
    part.replace(target)


def _has(path: Path, entry: Entry) -> bool:
    if _size(path) != entry.size:
        return False
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest() == entry.sha256


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _fill(entry: Entry, part: Path, watch: Watch, pace: Pace) -> None:
    """Download until the part is whole; a link that breaks is taken up where it broke."""
    failures = 0
    while (have := _size(part)) != entry.size:
        if have > entry.size:
            part.unlink()
            continue
        try:
            _append(entry, part, have, watch, pace)
        except Passing as problem:
            failures = 0 if _size(part) - have >= PROGRESS_BYTES else failures + 1
            if failures >= pace.tries:
                raise web.gave_up(entry.url, problem, pace) from problem
            time.sleep(pace.wait_s * 2 ** max(failures - 1, 0))


def _append(entry: Entry, part: Path, have: int, watch: Watch, pace: Pace) -> None:
    span = f"bytes={have}-" if have else ""
    with web.opened(entry.url, span=span, pace=pace) as response:
        if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink()
            raise Passing("the server has no bytes after those that are here")
        start = _start(response, have)
        _refuse_size(entry, web.length_of(response))
        with part.open("ab" if start else "wb") as out:
            done = start
            for piece in web.pieces(response, pace):
                done += len(piece)
                _refuse_size(entry, max(done, entry.size))
                out.write(piece)
                watch(Moved(component=entry.component, done=done, total=entry.size))
            out.flush()
            os.fsync(out.fileno())
    if done < entry.size:
        raise Passing(f"broke off after {done} of {entry.size} bytes")


def _start(response: requests.Response, have: int) -> int:
    """Give at which byte an answer starts; 0 where the server sends the whole file again.

    Raises: Passing: it starts elsewhere than asked for.
    """
    if response.status_code != HTTPStatus.PARTIAL_CONTENT:
        return 0
    start, _ = web.range_of(response)
    if start != have:
        raise Passing("the server answered with other bytes than those asked for")
    return start


def _refuse_size(entry: Entry, size: int) -> None:
    """Refuse a file of another size; -1 is one that was not told."""
    if size not in {-1, entry.size}:
        text = f"{entry.component}: {entry.url} has {size} bytes, not {entry.size}"
        raise ArtifactError(text, id="artifact.size")
