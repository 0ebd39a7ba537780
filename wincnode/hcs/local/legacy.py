"""Compute systems of schema 1, which vmcompute.dll makes; its calls end by a notification.

Source: microsoft/hcsshim:internal/hcs/{system,callback,waithelper}.go@7c9ff7f4
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Mapping
from typing import Any

from wincnode.hcs.local.executor import Handle
from wincnode.hcs.local.failures import TimedOut, failure, is_failure, late
from wincnode.hcs.local.native import VMCOMPUTE, Native, read, taken, text
from wincnode.hcs.local.operations import document
from wincnode.hcs.local.systems import Systems

CREATE = "HcsCreateComputeSystem"
_PENDING = 0xC0370103
_SYSTEM_EXITED = 1
_CREATE_COMPLETED = 2
_SERVICE_DISCONNECT = 0x01000000
_FUNCTION: Any = getattr(ctypes, "WINFUNCTYPE" if sys.platform == "win32" else "CFUNCTYPE")
_Notification = _FUNCTION(None, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_int32, ctypes.c_void_p)


def create(
    native: Native, systems: Systems, id: str, configuration: Mapping[str, Any], limit_s: float
) -> Handle:
    """Make one and open it with computecore.dll, by which all goes that is done with it later.

    Raises: CallFailed, TimedOut.
    """
    made, answer = ctypes.c_void_p(), ctypes.c_void_p()
    code = native.call(
        VMCOMPUTE,
        CREATE,
        text(id),
        document(configuration),
        None,
        ctypes.byref(made),
        ctypes.byref(answer),
    )
    said = taken(native, answer, local=False)
    if is_failure(code) and code != _PENDING:
        raise failure(CREATE, code, said)
    try:
        if code == _PENDING:
            _completed(native, made, limit_s)
        # It may end with its last handle, so the new one comes first.
        return systems.open(id)
    except TimedOut:
        systems.end(id)
        raise
    finally:
        native.call(VMCOMPUTE, "HcsCloseComputeSystem", made)


def _completed(native: Native, system: ctypes.c_void_p, limit_s: float) -> None:
    """Wait for the notification that it is made."""
    told = threading.Event()
    heard: list[tuple[int, int, str | None]] = []

    def called(kind: int, _context: int | None, status: int, data: int | None) -> None:
        if kind in {_SYSTEM_EXITED, _CREATE_COMPLETED, _SERVICE_DISCONNECT}:
            # What the data points to is there during the call alone.
            heard.append((kind, status & 0xFFFFFFFF, read(data) if data else None))
            told.set()

    function = _Notification(called)
    registration = ctypes.c_void_p()
    name = "HcsRegisterComputeSystemCallback"
    code = native.call(VMCOMPUTE, name, system, function, None, ctypes.byref(registration))
    if is_failure(code):
        raise failure(name, code)
    try:
        if not told.wait(limit_s):
            raise late(CREATE)
    finally:
        # It waits for a notification that is under way, so that `function` may go afterwards.
        native.call(VMCOMPUTE, "HcsUnregisterComputeSystemCallback", registration)
    kind, status, data = heard[0]
    if is_failure(status):
        raise failure(CREATE, status, data)
    if kind == _SERVICE_DISCONNECT:
        raise failure(CREATE, 0x8037011E)
    if kind == _SYSTEM_EXITED:
        raise failure(CREATE, 0x80370106, data)
