"""The Windows host: what each verb of a program does on it, and what earlier runs have left."""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from wincnode.hcs.local import legacy
from wincnode.hcs.local.executor import Handle, execute
from wincnode.hcs.local.failures import (
    IN_USE,
    INVALID,
    NOT_THERE,
    TIMEOUT,
    CallFailed,
    TimedOut,
    failure,
    is_failure,
    read,
)
from wincnode.hcs.local.files import Files
from wincnode.hcs.local.images import Images, Start
from wincnode.hcs.local.leftovers import removed
from wincnode.hcs.local.native import COMPUTECORE, Native, taken, text
from wincnode.hcs.local.operations import document
from wincnode.hcs.local.processes import Process, Processes
from wincnode.hcs.local.rights import OPEN, holders
from wincnode.hcs.local.shares import shared
from wincnode.hcs.local.storage import Storage
from wincnode.hcs.local.systems import System, Systems


class Machine:
    """The verbs of programs.

    Args:
        native: the exports. root: the scratch root. drive: see `Files`.
        start: starts a program, as `started` does. build: of this Windows.
    """

    def __init__(
        self,
        native: Native,
        *,
        root: str,
        build: int,
        drive: Path | None = None,
        start: Start | None = None,
    ) -> None:
        self._native = native
        self._systems = Systems(native)
        self._processes = Processes(native, self._systems)
        self._storage = Storage(native)
        self._files = Files(native, root, drive)
        self._images = Images(self._files, start or started, build)
        # What could not be removed of earlier programs, and why.
        self._stays: Mapping[str, str] = {}
        self._verbs: Mapping[str, Callable[[Mapping[str, Any], float], Any]] = {
            **self._of_systems(),
            **self._of_processes(),
            **self._of_layers(),
            **self._of_files(),
        }

    def do(self, verb: str, arguments: Mapping[str, Any], limit_s: float) -> Any:
        """Do one call.

        Raises: CallFailed, TimedOut.
        """
        work = self._verbs.get(verb)
        if work is None:
            raise CallFailed(INVALID, f"There is no verb {verb}.")
        return work(arguments, limit_s)

    def close(self) -> None:
        """Close the handles that a program has left open."""
        self._processes.close_all()
        self._systems.close_all()

    def leftovers(self, owner: str) -> list[dict[str, Any]]:
        """End the compute systems of an owner, and remove what lies in the scratch root."""
        rows = removed(owner, self._systems, self._storage, self._files)
        scratch = (row for row in rows if row["kind"] == "scratch" and not row["removed"])
        self._stays = {row["id"].lower(): row["error"] for row in scratch}
        return rows

    def _of_systems(self) -> Mapping[str, Callable[[Mapping[str, Any], float], Any]]:
        systems = self._systems
        return {
            "service.properties": lambda a, s: self._asked_service(a["query"], s),
            "service.systems": lambda a, s: systems.listed(a["query"], s),
            "system.create": lambda a, s: systems.create(_text(a, "id"), a["document"], s),
            "system.create_v1": lambda a, s: legacy.create(
                self._native, systems, _text(a, "id"), a["document"], s
            ),
            "system.open": lambda a, _: systems.open(_text(a, "id")),
            "system.start": lambda a, s: systems.start(_system(a), s),
            "system.shutdown": lambda a, s: systems.shutdown(_system(a), s),
            "system.terminate": lambda a, s: systems.terminate(_system(a), s),
            "system.properties": lambda a, s: systems.properties(_system(a), a["query"], s),
            "system.modify": lambda a, s: systems.modify(_system(a), a["request"], s),
            "system.shares": lambda a, s: shared(systems, self._storage, _system(a), a, s),
            "system.exited": lambda a, s: systems.exited(_system(a), s),
            "system.close": lambda a, _: systems.close(_system(a)),
            "right.holders": lambda a, s: {"sids": self._holders(_text(a, "right"), s)},
        }

    def _of_processes(self) -> Mapping[str, Callable[[Mapping[str, Any], float], Any]]:
        processes = self._processes
        return {
            "process.create": lambda a, s: processes.create(_system(a), a["parameters"], s),
            "process.finished": lambda a, s: processes.finished(
                _process(a), int(a.get("output_limit", 65536)), s
            ),
            "process.terminate": lambda a, s: processes.terminate(_process(a), s),
            "process.close": lambda a, _: processes.close(_process(a)),
            "vm.grant": lambda a, s: self._access("HcsGrantVmAccess", a, s),
            "vm.revoke": lambda a, s: self._access("HcsRevokeVmAccess", a, s),
        }

    def _of_layers(self) -> Mapping[str, Callable[[Mapping[str, Any], float], Any]]:
        storage = self._storage

        def at(arguments: Mapping[str, Any]) -> str:
            return self._files.below(_text(arguments, "path"))

        return {
            "layer.id": lambda a, _: {"guid": storage.id(_text(a, "path"))},
            "layer.scratch": lambda a, s: storage.scratch(
                self._files.make_folder(_text(a, "path")), a["parents"], s
            ),
            "layer.activate": lambda a, s: storage.activate(at(a), s),
            "layer.prepare": lambda a, s: storage.prepare(at(a), a["parents"], s),
            "layer.volume": lambda a, s: {"volume": storage.volume(at(a), s)},
            "layer.unprepare": lambda a, s: storage.plain("UnprepareLayer", at(a), s),
            "layer.deactivate": lambda a, s: storage.plain("DeactivateLayer", at(a), s),
            "layer.destroy": lambda a, s: storage.plain("DestroyLayer", at(a), s),
            "layer.base": lambda a, s: storage.base(at(a), s),
            "hive.empty": lambda a, s: storage.hive(self._files.new_file(_text(a, "path")), s),
        }

    def _of_files(self) -> Mapping[str, Callable[[Mapping[str, Any], float], Any]]:
        files = self._files
        return {
            "folder.create": lambda a, _: {"path": self._folder_created(_text(a, "path"))},
            "folder.remove": lambda a, _: self._folder_removed(_text(a, "path")),
            "file.copy": lambda a, _: files.copy(_text(a, "source"), _text(a, "target")),
            "file.write": lambda a, _: files.write(_text(a, "path"), _text(a, "text")),
            "file.read": lambda a, _: {
                "text": files.read(_text(a, "path"), int(a.get("limit", 4096)))
            },
            "image.layers": lambda a, s: self._images.layers(
                _text(a, "runtime"),
                _text(a, "image"),
                utility_vm=a.get("utility_vm") is True,
                limit_s=s,
            ),
        }

    def _folder_created(self, path: str) -> str:
        """Make a folder that is this program's own: what stays of another's may be attached."""
        first = self._files.below(path)[len(self._files.root) + 1 :].partition("\\")[0]
        if first.lower() in self._stays:
            why = self._stays[first.lower()]
            raise CallFailed(IN_USE, f"{first} stays of an earlier program: {why}")
        return self._files.make_folder(path)

    def _folder_removed(self, path: str) -> None:
        if self._storage.attached_below(self._files.below(path)):
            raise CallFailed(IN_USE, f"{path} has a layer that is attached.")
        self._files.remove_folder(path)

    def _asked_service(self, query: Any, limit_s: float) -> Any:
        name = "HcsGetServiceProperties"

        def work() -> tuple[int, str | None]:
            answer = ctypes.c_void_p()
            code = self._native.call(COMPUTECORE, name, document(query), ctypes.byref(answer))
            return code, taken(self._native, answer, local=True)

        code, said = self._storage.within(limit_s, name, work)
        if is_failure(code):
            raise failure(name, code, said)
        return read(said)

    def _holders(self, right: str, limit_s: float) -> list[str]:
        return self._storage.within(limit_s, OPEN, lambda: holders(self._native, right))

    def _access(self, export: str, arguments: Mapping[str, Any], limit_s: float) -> None:
        vm, path = _text(arguments, "vm"), _text(arguments, "path")

        def work() -> int:
            return self._native.call(COMPUTECORE, export, text(vm), text(path))

        code = self._storage.within(limit_s, export, work)
        if is_failure(code):
            raise failure(export, code)


def run(program: Mapping[str, Any]) -> dict[str, Any]:
    """Run a program on this Windows host; gives its result.

    Where the platform cannot be used at all, the result says so, and every call is skipped.
    """
    reason = _refusal()
    if reason:
        return refused(program, reason)
    data = os.environ.get("ProgramData", r"C:\ProgramData")  # noqa: SIM112 - its name on Windows
    build = int(platform.version().rpartition(".")[2])
    return execute(program, Machine(Native(), root=rf"{data}\wincnode\scratch", build=build))


def refused(program: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """Give the result of a program none of whose calls can be made."""

    def rows(calls: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [
            {"id": call["id"], "do": call["do"], "status": "skipped", "ms": 0} for call in calls
        ]

    return {
        "version": 1,
        "leftovers": [],
        "calls": rows(program["calls"]),
        "finally": rows(program["finally"]),
        "refused": reason,
    }


def started(program: str, words: Sequence[str], limit_s: float) -> tuple[int, str, str]:
    """Start a program and wait for its end.

    Raises: TimedOut, CallFailed.
    """
    try:
        done = subprocess.run(
            [program, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TimedOut(TIMEOUT, f"{program} took longer than {limit_s:g} s.") from error
    except OSError as error:
        raise CallFailed(NOT_THERE, f"{program} cannot be started: {error.strerror}") from error
    return (
        done.returncode,
        done.stdout.decode("utf-8", "replace"),
        done.stderr.decode("utf-8", "replace"),
    )


def _refusal() -> str:
    if sys.platform != "win32":
        return "Compute systems are a part of Windows."
    if sys.maxsize <= 2**32:
        return "A 32-bit process cannot call the Host Compute Service."
    return ""


def _text(arguments: Mapping[str, Any], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str):
        raise CallFailed(INVALID, f"{name} is no text.")
    return value


def _system(arguments: Mapping[str, Any]) -> System:
    value = arguments.get("system")
    if not isinstance(value, Handle) or not isinstance(value.value, System):
        raise CallFailed(INVALID, "system is no open system.")
    return value.value


def _process(arguments: Mapping[str, Any]) -> Process:
    value = arguments.get("process")
    if not isinstance(value, Handle) or not isinstance(value.value, Process):
        raise CallFailed(INVALID, "process is no open process.")
    return value.value
