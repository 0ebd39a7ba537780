"""How a call of a program fails: by a code, or by its time."""

from __future__ import annotations

import json
from typing import Any

# winerror.h of the Windows SDK 10.0.26100.0.
NO_MODULE = 0x8007007E
NO_EXPORT = 0x8007007F
NO_FILE = 0x80070002
NO_PATH = 0x80070003
DENIED = 0x80070005
OUT_OF_MEMORY = 0x8007000E
INVALID = 0x80070057
IN_USE = 0x80070020
NOT_SUPPORTED = 0x80070032
NOT_THERE = 0x80070490
TIMEOUT = 0x800705B4
NOT_READY = 0x80070015
NOT_CONNECTED = 0x8007048F
OPERATION_TIMEOUT = 0x80370118
ALREADY_STOPPED = 0x80370110
SYSTEM_NOT_FOUND = 0x8037010E
TOO_LONG = 0x8007007A
MOST_OF_A_TEXT = 4096
MOST_OF_A_DOCUMENT = 65536
_VMCOMPUTE = 0xC0370000
_COMPUTECORE = 0x80370000


class CallFailed(Exception):
    """A call of a program failed.

    Args: error: what the service says beside the code: a ResultError, or text that is none.
    """

    status = "failed"

    def __init__(self, code: int, message: str, error: Any = None) -> None:
        super().__init__(message)
        self.code = code & 0xFFFFFFFF
        self.message = message
        self.error = error


class TimedOut(CallFailed):
    """A call was given up when its time was over."""

    status = "timeout"


def written(code: int) -> str:
    """Give a code as results have it."""
    return f"0x{code & 0xFFFFFFFF:08x}"


def same_code(code: int) -> int:
    """Give one number for what vmcompute.dll has as C037 and computecore.dll as 8037."""
    low = code & 0xFFFF
    return _COMPUTECORE | low if code & 0xFFFF0000 == _VMCOMPUTE else code & 0xFFFFFFFF


def is_failure(code: int) -> bool:
    """Tell whether an HRESULT is one; its sign says so."""
    return bool(code & 0x80000000)


def failure(export: str, code: int, document: str | None = None) -> CallFailed:
    """Give the error for a call that Windows refused, in the words of its ResultError."""
    error = _short(read(document))
    message = error.get("ErrorMessage") if isinstance(error, dict) else None
    if not isinstance(message, str) or not message:
        message = f"{export} gave {written(code)}."
    late = same_code(code) in {OPERATION_TIMEOUT, TIMEOUT}
    return (TimedOut if late else CallFailed)(code, message, error)


def late(export: str) -> TimedOut:
    """Give the error for a call that was given up."""
    return TimedOut(TIMEOUT, f"{export} took too long.")


def _short(value: Any) -> Any:
    """Cut texts, as a result goes into one line of a journal."""
    if isinstance(value, str):
        return value[:MOST_OF_A_TEXT]
    if isinstance(value, list):
        return [_short(item) for item in value]
    return (
        {name: _short(item) for name, item in value.items()} if isinstance(value, dict) else value
    )


def read(document: str | None) -> Any:
    """Read a document of the service; what is no JSON stays text, nothing stays nothing.

    Raises: CallFailed: it is too long for a result.
    """
    if not document:
        return None
    if len(document) > MOST_OF_A_DOCUMENT:
        raise CallFailed(TOO_LONG, f"The answer has {len(document)} characters.")
    try:
        return json.loads(document)
    except ValueError:
        return document
