"""Where a report goes: `-o FORMAT` to stdout, `-o FORMAT=FILE` to a file, several at once."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import typer

from wincnode.errors import ConfigError

STDOUT = "-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """One format, and the file that gets it; none stands for stdout."""

    format: str
    path: Path | None = None


def wishes(words: Sequence[str] | None, known: Iterable[str], *, default: str) -> tuple[Wish, ...]:
    """Read the words of `-o`; the default goes to stdout where nothing else does.

    Args: default: "" leaves stdout empty.
    Raises: ConfigError: a format is not known, two go to one place, or a file cannot be written.
    """
    found = [_wish(word, tuple(known)) for word in words or ()]
    on_stdout = [wish.format for wish in found if wish.path is None]
    if len(on_stdout) > 1:
        raise ConfigError(
            f"{' and '.join(on_stdout)} cannot both go to stdout",
            remedy=f"Send one of them to a file: -o {on_stdout[-1]}=FILE",
        )
    files = [os.path.realpath(wish.path) for wish in found if wish.path is not None]
    if twice := next((path for path in files if files.count(path) > 1), None):
        raise ConfigError(f"{twice} is given twice to -o")
    for wish in found:
        if wish.path is not None:
            _writable(wish.path)
    if default and not on_stdout:
        return Wish(format=default), *found
    return tuple(found)


def _wish(word: str, known: tuple[str, ...]) -> Wish:
    from wincnode.inventory.marks import nearest

    name, equals, path = word.partition("=")
    if name not in known:
        raise ConfigError(f"-o {name}: no such format; {nearest(name, known)}")
    if equals and not path:
        raise ConfigError(f"-o {word}: the file's name is missing")
    return Wish(format=name, path=Path(path) if path and path != STDOUT else None)


def _writable(path: Path) -> None:
    """Try what will be done at the end.

    Raises: ConfigError: it cannot be done.
    """
    try:
        if _is_special(path):
            return
        if path.is_dir():
            raise ConfigError(f"-o {path}: is a folder; it takes a file")
        handle, name = _beside(path)
        os.close(handle)
        os.unlink(name)  # noqa: PTH108 - a name as mkstemp gave it
    except (OSError, ValueError) as error:
        raise ConfigError(f"-o {path}: cannot be written: {_why(error)}") from error


def write(path: Path, text: str) -> None:
    """Write a report as a whole.

    Raises: OSError.
    """
    put(path, f"{text}\n".encode())


def put(path: Path, data: bytes) -> None:
    """Write a file as a whole: a reader meets the old one or the new one.

    Raises: OSError.
    """
    if _is_special(path):
        path.write_bytes(data)
        return
    handle, name = _beside(path)
    try:
        with os.fdopen(handle, "wb") as opened:
            os.fchmod(opened.fileno(), _mode(path)) if hasattr(os, "fchmod") else None
            _keep_owner(opened.fileno(), path)
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(name, os.path.realpath(path))  # noqa: PTH105 - a link stays one
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108
        raise


def _keep_owner(handle: int, path: Path) -> None:
    """Let a file stay its owner's where that may be said, as for root who edits another's."""
    if hasattr(os, "fchown"):
        with contextlib.suppress(OSError):
            there = path.stat()
            os.fchown(handle, there.st_uid, there.st_gid)


def _beside(path: Path) -> tuple[int, str]:
    target = Path(os.path.realpath(path))
    return tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".part", dir=target.parent)


def _is_special(path: Path) -> bool:
    """Tell devices and pipes, such as /dev/stderr or a shell's >(...), which are written as is."""
    try:
        return not (stat.S_ISREG(path.stat().st_mode) or path.is_dir())
    except FileNotFoundError:
        return False


def _mode(path: Path) -> int:
    """Give the permissions that the file has, or would get from a program that just opens it."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _why(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or str(error)


def close_stdout() -> None:
    """Let what is still to be flushed to stdout go nowhere.

    Else Python would try once more as it ends, and end with a code of its own.
    """
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def printed(show: Callable[[], None]) -> bool:
    """Let something be printed to stdout; says whether it has arrived, and why not.

    A reader that has gone, as with `| head`, has read enough: what was judged still counts.
    """
    try:
        show()
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        close_stdout()
        if isinstance(error, BrokenPipeError):
            return True
        typer.echo(f"wincnode: stdout cannot be written: {_why(error)}", err=True)
        return False
    return True


def deliver(made: Iterable[tuple[Wish, str]]) -> bool:
    """Write files and print the rest; says whether each has arrived, and names those that have not.

    A file that cannot be written any more holds up none of the others.
    """
    arrived = True
    for wish, text in made:
        if wish.path is None:
            # In UTF-8 wherever it runs, as the formats say of themselves.
            arrived &= printed(partial(typer.echo, text.encode(), nl=bool(text)))
            continue
        try:
            write(wish.path, text)
        except OSError as error:
            typer.echo(f"wincnode: -o {wish.path}: cannot be written: {_why(error)}", err=True)
            arrived = False
    return arrived
