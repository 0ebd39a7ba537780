"""Reads the pipes of a process, as far as a limit, without ever waiting for one of them alone.

Source: the handles are those of overlapped named pipes, computedefs.h of the Windows SDK;
learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-readfile
"""

from __future__ import annotations

import ctypes

from wincnode.hcs.local.failures import OUT_OF_MEMORY, CallFailed
from wincnode.hcs.local.native import KERNEL32, Native

PIECE_BYTES = 4096
_ENDED = 0
_PENDING = 997
_INCOMPLETE = 996
_INVALID_HANDLE = 2 ** (8 * ctypes.sizeof(ctypes.c_void_p)) - 1


class Overlapped(ctypes.Structure):
    """OVERLAPPED of minwinbase.h."""

    _fields_ = (
        ("internal", ctypes.c_size_t),
        ("internal_high", ctypes.c_size_t),
        ("offset", ctypes.c_uint32),
        ("offset_high", ctypes.c_uint32),
        ("event", ctypes.c_void_p),
    )


def is_open(handle: int | None) -> bool:
    """Tell whether a process has a stream there: the others are 0 or INVALID_HANDLE_VALUE."""
    return handle not in {None, 0, _INVALID_HANDLE}


class Stream:
    """The reading end of one pipe.

    Args: limit: bytes that are kept; the rest is read, so that the writer can go on, and dropped.
    """

    def __init__(self, native: Native, handle: int, *, limit: int) -> None:
        self._native = native
        self._handle = handle
        self._limit = limit
        self._buffer = ctypes.create_string_buffer(PIECE_BYTES)
        self._overlapped = Overlapped()
        self._reading = False
        self.kept = bytearray()
        self.truncated = False
        self.ended = False
        event = native.call(KERNEL32, "CreateEventW", None, 1, 0, None)
        if not event:
            raise CallFailed(OUT_OF_MEMORY, "CreateEventW gave no event.")
        self._overlapped.event = event

    def poll(self, ms: int) -> bool:
        """Read what is there, waiting at most so long for it; tells whether something came."""
        if self.ended or (not self._reading and not self._begun()):
            return False
        event = self._overlapped.event
        if self._native.call(KERNEL32, "WaitForSingleObject", event, ms) != _ENDED:
            return False
        self._taken()
        return True

    def close(self) -> None:
        """Stop reading and close the pipe."""
        if self._reading:
            # The system writes into the buffer until the read has come to its end.
            at = ctypes.byref(self._overlapped)
            self._native.call(KERNEL32, "CancelIoEx", self._handle, at)
            got = ctypes.c_uint32()
            self._native.call(
                KERNEL32, "GetOverlappedResult", self._handle, at, ctypes.byref(got), 1
            )
            self._reading = False
        self._native.call(KERNEL32, "CloseHandle", self._overlapped.event)
        self._native.call(KERNEL32, "CloseHandle", self._handle)

    def _begun(self) -> bool:
        got = ctypes.c_uint32()
        done = self._native.call(
            KERNEL32,
            "ReadFile",
            self._handle,
            self._buffer,
            PIECE_BYTES,
            ctypes.byref(got),
            ctypes.byref(self._overlapped),
        )
        # A broken pipe is how a stream ends.
        self.ended = not done and self._native.last_error() != _PENDING
        self._reading = not self.ended
        return self._reading

    def _taken(self) -> None:
        got = ctypes.c_uint32()
        done = self._native.call(
            KERNEL32,
            "GetOverlappedResult",
            self._handle,
            ctypes.byref(self._overlapped),
            ctypes.byref(got),
            0,
        )
        if not done and self._native.last_error() == _INCOMPLETE:
            return
        self._reading = False
        self.ended = not done
        if not done:
            return
        room = self._limit - len(self.kept)
        self.kept += self._buffer.raw[: min(room, got.value)]
        self.truncated = self.truncated or got.value > room
