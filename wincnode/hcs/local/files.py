"""Files and folders of programs, which lie below one scratch root or on a layer's volume."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path

from wincnode.hcs.local import owned
from wincnode.hcs.local.failures import DENIED, INVALID, NO_FILE, NO_PATH, CallFailed, failure
from wincnode.hcs.local.native import KERNEL32, Native, text

# learn.microsoft.com/windows/win32/fileio/naming-a-file
_PART = re.compile(r"[^<>:\"|?*/\\\x00-\x1f]*[^<>:\"|?*/\\\x00-\x1f. ]")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_VOLUME = re.compile(r"\\\\\?\\Volume\{[0-9a-fA-F-]{36}\}\\")
_READ, _WRITE = 0x80000000, 0x40000000
_SHARE_READ = 1
_CREATE_ALWAYS, _OPEN_EXISTING = 2, 3
_NORMAL = 0x80
REMOVALS = 10
REMOVAL_PAUSE_S = 0.2
_INVALID_HANDLE = 2 ** (8 * ctypes.sizeof(ctypes.c_void_p)) - 1


class Files:
    """What is done with files.

    Args:
        root: the scratch root, as Windows writes it.
        drive: the folder that stands for drive C, on a machine that has no drives.
    """

    def __init__(self, native: Native, root: str, drive: Path | None = None) -> None:
        self._native = native
        self._drive = drive
        self.root = root.rstrip("\\")

    def real(self, path: str) -> Path:
        """Give where a path of Windows lies."""
        if self._drive is None:
            return Path(path)
        return self._drive.joinpath(*path[2:].replace("\\", "/").strip("/").split("/"))

    def below(self, path: str) -> str:
        """Give the full form of a path below the scratch root; a relative one begins there.

        Raises: CallFailed: it is elsewhere, has parts that are no names, or leads over a link.
        """
        rest = path.replace("/", "\\")
        if _DRIVE.match(rest):
            if not rest.lower().startswith(self.root.lower() + "\\"):
                raise CallFailed(DENIED, f"{path} is not below {self.root}.")
            rest = rest[len(self.root) + 1 :]
        parts = rest.split("\\")
        if not all(_PART.fullmatch(part) for part in parts):
            raise CallFailed(DENIED, f"{path} is no path below {self.root}.")
        at = self.root
        for part in parts:
            at = f"{at}\\{part}"
            if _is_link(self.real(at)):
                raise CallFailed(DENIED, f"{at} is a link.")
        return at

    def own_root(self) -> None:
        """Have the scratch root, which is nobody else's.

        Raises: CallFailed.
        """
        above = self.root.rpartition("\\")[0]
        for path in (above, self.root):
            if _is_link(self.real(path)):
                raise CallFailed(DENIED, f"{path} is a link.")
            if self.real(path).exists():
                owned.check(self._native, path)
            else:
                owned.make(self._native, path)

    def make_folder(self, path: str) -> str:
        """Make a folder below the scratch root and those above it; gives its full path."""
        full = self.below(path)
        self.own_root()
        with _words():
            self.real(full).mkdir(parents=True, exist_ok=True)
        return full

    def remove_folder(self, path: str) -> None:
        """Remove a folder with all in it, following no links; one that is gone is no failure.

        A scanner may hold a file of it for a moment.
        """
        full = self.real(self.below(path))
        for attempt in range(1, REMOVALS + 1):
            if not full.exists():
                return
            with _words() if attempt == REMOVALS else suppress(OSError):
                shutil.rmtree(full)
                return
            time.sleep(REMOVAL_PAUSE_S)

    def copy(self, source: str, target: str) -> None:
        """Copy a file to below the scratch root."""
        full = self.new_file(target)
        with _words():
            shutil.copyfile(self.real(source), self.real(full))

    def new_file(self, path: str) -> str:
        """Have the folder of a file that is to be made; gives its full path."""
        full = self.below(path)
        self.make_folder(full.rpartition("\\")[0])
        return full

    def write(self, path: str, content: str) -> None:
        """Write a text as UTF-8."""
        data = content.encode()
        if not _VOLUME.match(path):
            full = self.new_file(path)
            with _words():
                self.real(full).write_bytes(data)
            return
        self._on_volume(path)
        handle = self._opened(path, _WRITE, _CREATE_ALWAYS)
        try:
            done = ctypes.c_uint32()
            if not self._native.call(
                KERNEL32, "WriteFile", handle, data, len(data), ctypes.byref(done), None
            ):
                raise failure("WriteFile", 0x80070000 | self._native.last_error())
        finally:
            self._native.call(KERNEL32, "CloseHandle", handle)

    def read(self, path: str, limit: int) -> str:
        """Read the first bytes of a text."""
        if not _VOLUME.match(path):
            full = self.below(path)
            with _words(), self.real(full).open("rb") as file:
                return file.read(limit).decode("utf-8", "replace")
        self._on_volume(path)
        handle = self._opened(path, _READ, _OPEN_EXISTING)
        try:
            buffer, done = ctypes.create_string_buffer(limit), ctypes.c_uint32()
            if not self._native.call(
                KERNEL32, "ReadFile", handle, buffer, limit, ctypes.byref(done), None
            ):
                raise failure("ReadFile", 0x80070000 | self._native.last_error())
            return buffer.raw[: done.value].decode("utf-8", "replace")
        finally:
            self._native.call(KERNEL32, "CloseHandle", handle)

    @staticmethod
    def _on_volume(path: str) -> None:
        """Refuse what is no plain path on a volume."""
        found = _VOLUME.match(path)
        rest = path[found.end() :] if found else ""
        if not all(_PART.fullmatch(part) for part in rest.split("\\")):
            raise CallFailed(DENIED, f"{path} is no path on a volume.")

    def _opened(self, path: str, access: int, how: int) -> int:
        handle = self._native.call(
            KERNEL32, "CreateFileW", text(path), access, _SHARE_READ, None, how, _NORMAL, None
        )
        if handle in {0, _INVALID_HANDLE}:
            raise failure("CreateFileW", 0x80070000 | self._native.last_error())
        return handle


def _is_link(path: Path) -> bool:
    """Tell whether a link or a junction lies there."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    attributes = getattr(found, "st_file_attributes", 0)
    return stat.S_ISLNK(found.st_mode) or bool(attributes & stat.FILE_ATTRIBUTE_REPARSE_POINT)


class _words:  # noqa: N801 - it reads as a word of the `with`
    """Gives an error of the system as that of a call."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, problem: object, _trace: object) -> None:
        if not isinstance(problem, OSError):
            return
        if sys.platform == "win32" and problem.winerror:
            code = 0x80070000 | problem.winerror
        elif isinstance(problem, FileNotFoundError):
            code = NO_FILE
        elif isinstance(problem, NotADirectoryError | FileExistsError):
            code = NO_PATH
        else:
            code = DENIED if isinstance(problem, PermissionError) else INVALID
        raise CallFailed(code, f"{problem.strerror}: {problem.filename}") from problem
