"""Reads a request as bootstrap.ps1 does: proves that nothing of it is missing or altered."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

END_MARK = "wincnode-end"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What a client asks for; `secrets` is a line of name=BASE64 pairs."""

    payload: Mapping[str, Any]
    secrets: str


class Truncated(ValueError):
    """The request is cut short or altered; `run` is its run, if it names one.

    Args: message: what is wrong with it.
    """

    def __init__(self, message: str, run: str) -> None:
        super().__init__(message)
        self.run = run


def unpack(stdin: bytes) -> dict[str, Any]:
    """Give the payload of a request.

    Raises: Truncated.
    """
    return dict(read(stdin).payload)


def read(stdin: bytes) -> Request:
    """Undo the framing of a request.

    Raises: Truncated.
    """
    lines = stdin.decode("ascii", "replace").replace("\r\n", "\n").split("\n")
    if END_MARK in lines:
        lines = lines[: lines.index(END_MARK) + 1]
    try:
        wrong = _problem(lines)
    except (KeyError, TypeError, json.JSONDecodeError):
        wrong = "The request is no wincnode request."
    if wrong:
        run = re.search(r'"run"\s*:\s*"([0-9a-f]{32})"', " ".join(lines))
        raise Truncated(wrong, run[1] if run else "")
    return Request(payload=json.loads(lines[1]), secrets=lines[2])


def _problem(lines: list[str]) -> str:
    if len(lines) != 4 or lines[3] != END_MARK:
        return "The request ended before its end mark."
    header, body = json.loads(lines[0]), lines[1]
    if len(body) != header["length"] or _sha256(body) != header["sha256"]:
        return "The payload differs from what its header says."
    if len(lines[2]) != header["secrets"]:
        return "The secrets are shorter or longer than the header says."
    return "" if fits(json.loads(body)["launcher"]) else "The launcher differs from its hash."


def fits(script: Mapping[str, str]) -> bool:
    """Say whether a script of the request has its hash."""
    return _sha256(script["text"]) == script["sha256"].lower()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("ascii", "replace")).hexdigest()
