"""Requests that computecore.dll takes up and ends later: an operation each, with a limit."""

from __future__ import annotations

import ctypes
import json
import time
from collections.abc import Callable
from typing import Any

from wincnode.hcs.local.failures import (
    INVALID,
    OPERATION_TIMEOUT,
    OUT_OF_MEMORY,
    CallFailed,
    failure,
    is_failure,
)
from wincnode.hcs.local.native import COMPUTECORE, Native, taken, text


class ProcessInformation(ctypes.Structure):
    """HCS_PROCESS_INFORMATION of computedefs.h."""

    _fields_ = (
        ("process_id", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
        ("std_input", ctypes.c_void_p),
        ("std_output", ctypes.c_void_p),
        ("std_error", ctypes.c_void_p),
    )


def document(value: Any) -> ctypes.Array[ctypes.c_char] | None:
    """Give a document as Windows takes it; None is no document."""
    return None if value is None else text(json.dumps(value, ensure_ascii=False))


def milliseconds(limit_s: float) -> int:
    """Give a limit as Windows takes it."""
    return max(1, int(1000 * limit_s))


def waited(native: Native, export: str, start: Callable[[int], int], limit_s: float) -> str | None:
    """Start a request with an operation and wait for its end; gives its document.

    A request that is given up is cancelled, and its operation is closed after that: a thread that
    still waited for it would read what is freed (microsoft/hcsshim:internal/computecore).
    Raises: CallFailed, TimedOut.
    """
    native.check(COMPUTECORE, export)
    operation = opened(native)
    try:
        code = start(operation)
        if is_failure(code):
            raise failure(export, code)
        answer = ctypes.c_void_p()
        name = "HcsWaitForOperationResult"
        code = native.call(
            COMPUTECORE, name, operation, milliseconds(limit_s), ctypes.byref(answer)
        )
        return _ended(native, export, operation, code, taken(native, answer, local=True))
    finally:
        native.call(COMPUTECORE, "HcsCloseOperation", operation)


def opened(native: Native) -> int:
    """Give a new operation.

    Raises: CallFailed.
    """
    operation = native.call(COMPUTECORE, "HcsCreateOperation", None, None)
    if not operation:
        raise CallFailed(OUT_OF_MEMORY, "HcsCreateOperation gave no operation.")
    return operation


def _ended(
    native: Native, export: str, operation: int, code: int, answer: str | None
) -> str | None:
    if code == OPERATION_TIMEOUT:
        # Older builds have no cancelling, and answer E_NOTIMPL.
        native.call(COMPUTECORE, "HcsCancelOperation", operation)
    if is_failure(code):
        raise failure(export, code, answer)
    return answer


def waited_for_process(
    native: Native,
    export: str,
    start: Callable[[int], int],
    limit_s: float,
    information: ProcessInformation,
) -> int:
    """Start a request that gives a process's id and streams; gives its HRESULT.

    That is a failure in one case alone: Server 2022 may say E_INVALIDARG of a process that is there
    (microsoft/hcsshim:internal/hcs/v2).
    Raises: CallFailed, TimedOut.
    """
    native.check(COMPUTECORE, export)
    operation = opened(native)
    try:
        code = start(operation)
        if is_failure(code):
            raise failure(export, code)
        answer = ctypes.c_void_p()
        code = native.call(
            COMPUTECORE,
            "HcsWaitForOperationResultAndProcessInfo",
            operation,
            milliseconds(limit_s),
            ctypes.byref(information),
            ctypes.byref(answer),
        )
        said = taken(native, answer, local=True)
        if code != INVALID:
            _ended(native, export, operation, code, said)
        return code
    finally:
        native.call(COMPUTECORE, "HcsCloseOperation", operation)


def until(deadline: float) -> float:
    """Give the seconds that are left, as long as the clock runs."""
    return max(0.0, deadline - time.monotonic())
