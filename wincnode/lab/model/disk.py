"""Drive C of a simulated machine as .NET's System.IO sees it.

The messages are those of .NET Framework: microsoft/referencesource mscorlib/system/io/__error.cs.
"""

from __future__ import annotations

import shutil
import threading
import time
from datetime import UTC, datetime
from pathlib import Path, PureWindowsPath

from wincnode.lab.model.acl import AccessLists, Descriptor
from wincnode.lab.model.failures import Failure
from wincnode.lab.process import FunctionProcess
from wincnode.lab.windows.limits import step_limit
from wincnode.lab.windows.machine import Machine


class Disk:
    """Files and folders, and who holds which file open with no sharing."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.access = AccessLists()
        self._open: dict[str, FunctionProcess] = {}
        self._mutex = threading.Lock()

    def is_file(self, path: str) -> bool:
        """Say whether there is such a file."""
        return _on_c(path) and self._machine.path(path).is_file()

    def is_folder(self, path: str) -> bool:
        """Say whether there is such a folder."""
        return _on_c(path) and self._machine.path(path).is_dir()

    def names(self, folder: str) -> list[str]:
        """List what lies in a folder by name; nothing where there is none."""
        if not self.is_folder(folder):
            return []
        return sorted((row.name for row in self._machine.path(folder).iterdir()), key=str.lower)

    def written(self, path: str) -> datetime:
        """Give when a file was last written; long ago where there is none."""
        file = self._machine.path(path)
        return datetime.fromtimestamp(file.stat().st_mtime if file.is_file() else 0, UTC)

    def read(self, path: str, start: int = 0) -> bytes:
        """Give a file's bytes from one on."""
        with self._mutex, self._machine.path(path).open("rb") as file:
            file.seek(start)
            return file.read()

    def read_text(self, path: str) -> str:
        """Give a file's text; bytes that are no UTF-8 become U+FFFD."""
        return self.read(path).decode("utf-8", "replace")

    def write(self, path: str, text: str) -> None:
        """Write a whole file.

        Raises: Failure.
        """
        file = self._writable(path)
        data = text.encode("utf-8", "replace")
        self._take_room(len(data))
        with self._mutex:
            file.write_bytes(data)

    def create(self, path: str, text: str = "") -> None:
        """Write a file that must not exist.

        Raises: Failure.
        """
        self._take_room(len(text))
        try:
            with self._mutex, self._writable(path).open("xb") as file:
                file.write(text.encode("ascii"))
        except FileExistsError:
            raise Failure(f"The file '{path}' already exists.", "IOException") from None

    def append(self, path: str, text: str) -> None:
        """Add to a file's end.

        Raises: Failure.
        """
        self._take_room(len(text))
        with self._mutex, self._machine.path(path).open("ab") as file:
            file.write(text.encode("ascii"))

    def journal(self, path: str, line: str, process: FunctionProcess) -> None:
        """Add a record to a run's journal; half of one, where the power goes.

        Raises: Failure. Killed.
        """
        if not self._machine.loses_power():
            self.append(path, line)
            return
        with self._mutex, self._machine.path(path).open("ab") as file:
            file.write(line[: len(line) // 2].encode("ascii"))
        process.terminate()
        process.check()

    def _take_room(self, size: int) -> None:
        room = self._machine.room_bytes
        if room is None:
            return
        if size > room:
            raise Failure("There is not enough space on the disk.\r\n", "IOException")
        self._machine.room_bytes = room - size

    def put_in_place(self, new: str, path: str) -> None:
        """Give a file the name of another, which goes; one that is held is waited for.

        Raises: Failure.
        """
        self.wait_until_free(path)
        if self.is_folder(path):
            text = "Cannot create a file when that file already exists.\r\n"
            raise Failure(text, "IOException")
        self._machine.path(new).replace(self._machine.path(path))

    def wait_until_free(self, path: str) -> None:
        """Wait while somebody holds a file, as long as the step has time.

        Raises: Failure.
        """
        clock = self._machine.clock
        until_s = clock.seconds() + min(60, step_limit(self._machine))
        while self.held(path):
            if clock.seconds() >= until_s:
                raise Failure(
                    f"{path} cannot be replaced: The process cannot access the file because it is "
                    "being used by another process. Which program holds it is not known; an "
                    "anti-virus may.",
                    "IOException",
                )
            time.sleep(0.02)

    def delete(self, path: str) -> None:
        """Remove a file; harmless when there is none."""
        if self.is_file(path):
            self._machine.path(path).unlink()

    def make_folder(self, path: str, descriptor: Descriptor | None = None) -> None:
        """Make a folder with those above it; one that exists is left as it is.

        Raises: Failure.
        """
        folder = self._machine.path(path)
        if not _on_c(path):
            raise _no_path(path)
        if folder.is_file():
            text = f"Cannot create '{path}' because a file or directory with the same name "
            raise Failure(text + "already exists.", "IOException")
        if folder.is_dir():
            return
        try:
            folder.mkdir(parents=True)
        except (NotADirectoryError, FileExistsError):
            raise _no_path(path) from None
        if descriptor:
            self.access.set(path, descriptor)

    def delete_folder(self, path: str) -> None:
        """Remove a folder with all that is in it."""
        shutil.rmtree(self._machine.path(path), ignore_errors=True)
        self.access.forget(path)

    def is_link(self, path: str) -> bool:
        """Say whether a folder is a reparse point."""
        return self._machine.path(path).is_symlink()

    def hold(self, path: str, process: FunctionProcess) -> bool:
        """Open a file with no sharing; False while a living process has it."""
        with self._mutex:
            if self._holder(path):
                return False
            self._open[_key(path)] = process
            return True

    def release(self, path: str) -> None:
        """Close a file; the end of its process does the same."""
        with self._mutex:
            self._open.pop(_key(path), None)

    def held(self, path: str) -> bool:
        """Say whether a living process has the file open."""
        with self._mutex:
            return self._holder(path) is not None

    def _holder(self, path: str) -> FunctionProcess | None:
        process = self._open.get(_key(path))
        return process if process and process.alive else None

    def _writable(self, path: str) -> Path:
        file = self._machine.path(path)
        if not (_on_c(path) and file.parent.is_dir()):
            raise _no_path(path)
        if file.is_dir():
            raise Failure(f"Access to the path '{path}' is denied.", "UnauthorizedAccessException")
        return file


def _on_c(path: str) -> bool:
    return PureWindowsPath(path).drive.lower() == "c:"


def _key(path: str) -> str:
    return str(PureWindowsPath(path)).lower()


def _no_path(path: str) -> Failure:
    text = f"Could not find a part of the path '{path}'."
    return Failure(text, "DirectoryNotFoundException")
