"""Runs a program call by call: its order, its references, its `finally`; knows no Windows.

What a call does is up to `Verbs`; the form of programs and results is described in docs/hcs.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from wincnode.hcs.local.failures import INVALID, NOT_THERE, CallFailed, same_code, written

REF, JOIN = "$ref", "$join"
# Folders of layers as documents list them; schema 1 spells the id in capitals.
LAYERS = {"$layers": "Id", "$layers_v1": "ID"}


OWNER = "wincnode"


@dataclass(frozen=True, kw_only=True, slots=True)
class Handle:
    """What a call gives and later calls take: `value` is the executor's own, `shown` the result."""

    value: Any
    shown: Mapping[str, Any]


class Verbs(Protocol):
    """What a program can do on one machine."""

    def do(self, verb: str, arguments: Mapping[str, Any], limit_s: float) -> Any:
        """Do one call and give its result: a document, a `Handle` or None.

        Raises: CallFailed, TimedOut.
        """
        ...

    def leftovers(self, owner: str) -> list[dict[str, Any]]:
        """Remove what an earlier run has left, and say what that was."""
        ...

    def close(self) -> None:
        """Close what is still open."""


@dataclass(kw_only=True, slots=True)
class _Run:
    """What has come of the calls so far."""

    verbs: Verbs
    clock: Callable[[], float]
    results: dict[str, Any] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)


def execute(
    program: Mapping[str, Any], verbs: Verbs, *, clock: Callable[[], float] = time.monotonic
) -> dict[str, Any]:
    """Run a program to its end, `finally` included; gives its result and never raises for a call.

    Args: clock: seconds, for how long calls took.
    """
    run = _Run(verbs=verbs, clock=clock)
    try:
        # Who only looks has another name, and removes nothing.
        leftovers = verbs.leftovers(OWNER) if program["owner"] == OWNER else []
        try:
            calls = _calls(run, program["calls"])
        finally:
            # Whatever stopped the calls, what they made is taken down.
            ends = [_tried(run, call) for call in program["finally"]]
    finally:
        verbs.close()
    return {"version": 1, "leftovers": leftovers, "calls": calls, "finally": ends}


def _calls(run: _Run, calls: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    going = True
    for call in calls:
        row = _done(run, call) if going else _skipped(run, call)
        going = going and row["status"] == "ok"
        rows.append(row)
    return rows


def _tried(run: _Run, call: Mapping[str, Any]) -> dict[str, Any]:
    """Do a call of `finally`, unless what it takes down was never there."""
    missing = any(run.status.get(name) != "ok" for name in named(call["args"]))
    undoes = call.get("undoes")
    if missing or (undoes and run.status.get(undoes, "skipped") == "skipped"):
        return _skipped(run, call)
    return _done(run, call)


def _skipped(run: _Run, call: Mapping[str, Any]) -> dict[str, Any]:
    run.status[call["id"]] = "skipped"
    return {"id": call["id"], "do": call["do"], "status": "skipped", "ms": 0}


def _done(run: _Run, call: Mapping[str, Any]) -> dict[str, Any]:
    began = run.clock()
    row: dict[str, Any] = {"id": call["id"], "do": call["do"], "status": "ok"}
    try:
        arguments = {
            name: resolved(value, run.results, run.verbs) for name, value in call["args"].items()
        }
        result = run.verbs.do(call["do"], arguments, float(call["limit_s"]))
    except CallFailed as failed:
        accepted = {same_code(int(code, 16)) for code in call.get("accept", ())}
        if same_code(failed.code) not in accepted:
            row["status"] = failed.status
            row["hresult"] = written(failed.code)
            row["message"] = failed.message
            if failed.error is not None:
                row["error"] = failed.error
    else:
        run.results[call["id"]] = result
        if result is not None:
            row["result"] = result.shown if isinstance(result, Handle) else result
    row["ms"] = int(1000 * (run.clock() - began))
    run.status[call["id"]] = row["status"]
    return row


def resolved(value: Any, results: Mapping[str, Any], verbs: Verbs) -> Any:
    """Put results in the place of references.

    Raises: CallFailed: a reference leads to nothing, or to what does not fit there.
    """
    if isinstance(value, list):
        return [_plain(resolved(item, results, verbs)) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {REF}:
        return _found(str(value[REF]), results)
    if set(value) == {JOIN}:
        return "".join(_piece(item, results) for item in value[JOIN])
    for word in LAYERS.keys() & value.keys() if len(value) == 1 else ():
        return [
            {LAYERS[word]: verbs.do("layer.id", {"path": path}, 10.0)["guid"], "Path": path}
            for path in resolved(value[word], results, verbs)
        ]
    return {name: _plain(resolved(item, results, verbs)) for name, item in value.items()}


def _found(name: str, results: Mapping[str, Any]) -> Any:
    call, _, member = name.partition(".")
    result = results.get(call)
    if not member:
        return result
    shown = result.shown if isinstance(result, Handle) else result
    if not isinstance(shown, Mapping) or member not in shown:
        raise CallFailed(NOT_THERE, f"{name}: the result has no such field")
    return shown[member]


def _piece(item: Any, results: Mapping[str, Any]) -> str:
    value = _found(str(item[REF]), results) if isinstance(item, dict) else item
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise CallFailed(INVALID, "Only texts and numbers can be joined.")
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Handle):
        raise CallFailed(INVALID, "A handle stands within a document.")
    return value


def named(value: Any) -> Iterator[str]:
    """Give the ids of the calls that a value refers to."""
    if isinstance(value, list):
        for item in value:
            yield from named(item)
    elif isinstance(value, dict):
        if set(value) == {REF}:
            yield str(value[REF]).partition(".")[0]
        else:
            for item in value.values():
                yield from named(item)
