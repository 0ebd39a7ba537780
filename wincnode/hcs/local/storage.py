"""Layers: scratch disks, their attachment, their filter. One call at a time, each with a limit.

Calls of vmcompute.dll return when they are done, and may never be. So each has a thread of its
own; one that is given up goes on, and the next call waits for it.
Source: microsoft/hcsshim:internal/wclayer@7c9ff7f4 (a lock around PrepareLayer; the retries)
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from wincnode.hcs.local.failures import (
    NOT_CONNECTED,
    NOT_READY,
    CallFailed,
    TimedOut,
    failure,
    is_failure,
    late,
)
from wincnode.hcs.local.native import OFFREG, VMCOMPUTE, Native, read, text
from wincnode.hcs.local.operations import until

T = TypeVar("T")
# A disk may take a moment to arrive, as on Server 2019: hcsshim internal/wclayer/activatelayer.go.
ATTEMPTS = 5
PAUSE_S = 0.1
_FILTER_DRIVER = 1
# The version of hives that every Windows from 6.1 on reads:
# learn.microsoft.com/windows/win32/devnotes/orsavehive
HIVE_VERSION = (6, 1)


class Guid(ctypes.Structure):
    """GUID of guiddef.h."""

    _fields_ = (
        ("a", ctypes.c_uint32),
        ("b", ctypes.c_uint16),
        ("c", ctypes.c_uint16),
        ("d", ctypes.c_uint8 * 8),
    )

    def __str__(self) -> str:
        tail = bytes(self.d).hex()
        return f"{self.a:08x}-{self.b:04x}-{self.c:04x}-{tail[:4]}-{tail[4:]}"


class DriverInfo(ctypes.Structure):
    """DriverInfo of hcsshim: which driver, and no home of its own."""

    _fields_ = (("flavour", ctypes.c_int32), ("home", ctypes.c_void_p))


class Descriptor(ctypes.Structure):
    """WC_LAYER_DESCRIPTOR of hcsshim: one layer below."""

    _fields_ = (("id", Guid), ("flags", ctypes.c_uint32), ("path", ctypes.c_void_p))


class Storage:
    """What is done with layers."""

    def __init__(self, native: Native) -> None:
        self._native = native
        self._under_way: threading.Thread | None = None
        self._attached: set[str] = set()
        self._empty = text("")
        self._info = DriverInfo(_FILTER_DRIVER, ctypes.addressof(self._empty))

    def within(self, limit_s: float, name: str, work: Callable[[], T]) -> T:
        """Do in a thread what returns when it is done; give it up when its time is over.

        Raises: TimedOut; what `work` raises.
        """
        deadline = time.monotonic() + limit_s
        earlier = self._under_way
        if earlier is not None:
            earlier.join(limit_s)
            if earlier.is_alive():
                raise late(name)
        results: list[T] = []
        problems: list[BaseException] = []

        def run() -> None:
            try:
                results.append(work())
            except BaseException as problem:  # noqa: BLE001 - it is raised in the caller's thread
                problems.append(problem)

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._under_way = thread
        thread.start()
        thread.join(until(deadline))
        if thread.is_alive():
            raise late(name)
        self._under_way = None
        if problems:
            raise problems[0]
        return results[0]

    def id(self, path: str) -> str:
        """Give the GUID that Windows makes of a layer's folder's name."""
        return str(self._guid(path))

    def scratch(self, path: str, parents: Sequence[str], limit_s: float) -> None:
        """Make a writable layer."""
        name = "CreateSandboxLayer"
        self._native.check(VMCOMPUTE, name)
        self.within(limit_s, name, lambda: self._with_parents(name, path, parents, (0,)))

    def activate(self, path: str, limit_s: float) -> None:
        """Attach its disk."""
        self._attached.add(path.lower())
        try:
            self.within(limit_s, "ActivateLayer", lambda: self._retried(path, self._attach))
        except CallFailed as failed:
            # One that is given up may still come to its end.
            if not isinstance(failed, TimedOut):
                self._attached.discard(path.lower())
            raise

    def attached_below(self, path: str) -> bool:
        """Tell whether a folder has a layer that is attached, as far as this program knows.

        Removing such a folder would leave a disk that nobody finds any more.
        """
        return any(f"{row}\\".startswith(f"{path.lower()}\\") for row in self._attached)

    def prepare(self, path: str, parents: Sequence[str], limit_s: float) -> None:
        """Lay the filter over the disk; where that has not arrived, it is attached anew."""
        self._native.check(VMCOMPUTE, "PrepareLayer")

        def prepared(at: str) -> None:
            self._with_parents("PrepareLayer", at, parents, ())

        def attached_anew(at: str) -> None:
            self._attach(at)
            prepared(at)

        self.within(limit_s, "PrepareLayer", lambda: self._retried(path, prepared, attached_anew))

    def volume(self, path: str, limit_s: float) -> str:
        """Give the volume of an attached layer, with a backslash at its end."""
        return self.within(limit_s, "GetLayerMountPath", lambda: self._mount_path(path))

    def plain(self, export: str, path: str, limit_s: float) -> None:
        """Call one of UnprepareLayer, DeactivateLayer and DestroyLayer."""
        self.within(limit_s, export, lambda: self._call(export, path))
        if export != "UnprepareLayer":
            self._attached.discard(path.lower())

    def base(self, path: str, limit_s: float) -> None:
        """Make a base layer of a folder."""
        name = "ProcessBaseImage"

        def work() -> None:
            _held(name, self._native.call(VMCOMPUTE, name, text(path)))

        self.within(limit_s, name, work)

    def hive(self, path: str, limit_s: float) -> None:
        """Write an empty hive."""

        def work() -> None:
            hive = ctypes.c_void_p()
            _win32("ORCreateHive", self._native.call(OFFREG, "ORCreateHive", ctypes.byref(hive)))
            try:
                saved = self._native.call(OFFREG, "ORSaveHive", hive, text(path), *HIVE_VERSION)
                _win32("ORSaveHive", saved)
            finally:
                self._native.call(OFFREG, "ORCloseHive", hive)

        self.within(limit_s, "ORSaveHive", work)

    def _guid(self, path: str) -> Guid:
        found = Guid()
        last = path.replace("/", "\\").rstrip("\\").rpartition("\\")[2]
        code = self._native.call(VMCOMPUTE, "NameToGuid", text(last), ctypes.byref(found))
        _held("NameToGuid", code)
        return found

    def _call(self, export: str, path: str) -> None:
        info = ctypes.byref(self._info)
        _held(export, self._native.call(VMCOMPUTE, export, info, text(path)))

    def _attach(self, path: str) -> None:
        self._call("ActivateLayer", path)

    def _with_parents(
        self, export: str, path: str, parents: Sequence[str], more: tuple[int, ...]
    ) -> None:
        texts = [text(parent) for parent in parents]
        rows = (Descriptor * len(parents))(
            *(
                Descriptor(self._guid(parent), 0, ctypes.addressof(at))
                for parent, at in zip(parents, texts, strict=True)
            )
        )
        info = ctypes.byref(self._info)
        code = self._native.call(VMCOMPUTE, export, info, text(path), *more, rows, len(parents))
        _held(export, code)

    def _retried(
        self, path: str, first: Callable[[str], None], again: Callable[[str], None] | None = None
    ) -> None:
        work = first
        for attempt in range(ATTEMPTS):
            try:
                work(path)
            except CallFailed as failed:
                late = failed.code in {NOT_READY, NOT_CONNECTED}
                if not late or attempt == ATTEMPTS - 1:
                    raise
                info = ctypes.byref(self._info)
                self._native.call(VMCOMPUTE, "DeactivateLayer", info, text(path))
                time.sleep(PAUSE_S)
                work = again or first
            else:
                return

    def _mount_path(self, path: str) -> str:
        name = "GetLayerMountPath"
        info, at = ctypes.byref(self._info), text(path)
        length = ctypes.c_size_t()
        _held(name, self._native.call(VMCOMPUTE, name, info, at, ctypes.byref(length), None))
        buffer = ctypes.create_string_buffer(2 * (length.value + 1))
        _held(name, self._native.call(VMCOMPUTE, name, info, at, ctypes.byref(length), buffer))
        found = read(ctypes.addressof(buffer))
        return found if found.endswith("\\") else found + "\\"


def _held(export: str, code: int) -> None:
    if is_failure(code):
        raise failure(export, code)


def _win32(export: str, code: int) -> None:
    if code:
        raise failure(export, 0x80070000 | code)
