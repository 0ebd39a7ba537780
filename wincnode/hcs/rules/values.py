"""Each call by itself: its name, its limit, its arguments, and that references look back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wincnode.hcs.calls import takes
from wincnode.hcs.program import MOST_S, Call, Program
from wincnode.hcs.references import CALL_ID, Join, Ref, references
from wincnode.hcs.rules.problem import Problem
from wincnode.hcs.verbs import Fields, Is

Known = Mapping[str, Fields]


def problems(program: Program) -> Iterator[Problem]:
    """Say which calls do not fit by themselves."""
    known: dict[str, Fields] = {}
    names = {call.id for call in program.calls}
    for at, call in enumerate((*program.calls, *program.ending)):
        last = at >= len(program.calls)
        yield from _frame(call, known, last=last)
        if call.undoes and call.undoes not in names:
            yield _problem(call, f"undoes {call.undoes}, which is no call before `finally`")
        for name, is_a in takes(type(call.action)).items():
            for text in _misfits(getattr(call.action, name), is_a, known):
                yield Problem(call=call.id, rule=text[0], text=f"{name} {text[1]}")
        known[call.id] = call.action.gives


def _frame(call: Call, known: Known, *, last: bool) -> Iterator[Problem]:
    if not CALL_ID.fullmatch(call.id):
        text = "an id has small letters, digits and _, and begins with a letter"
        yield Problem(call=call.id, rule="id", text=text)
    if call.id in known:
        yield Problem(call=call.id, rule="id", text="another call has it too")
    if not 0 < call.limit_s <= MOST_S:
        text = f"limit_s is {call.limit_s}, it takes 1 to {MOST_S}"
        yield Problem(call=call.id, rule="limit", text=text)
    if not last and (call.accept or call.undoes):
        text = "accept and undoes are for calls of `finally`"
        yield Problem(call=call.id, rule="finally", text=text)


def _problem(call: Call, text: str) -> Problem:
    return Problem(call=call.id, rule="reference", text=text)


def _misfits(value: Any, is_a: Is, known: Known) -> Iterator[tuple[Any, str]]:
    """Say which rule an argument breaks, and how."""
    match is_a, value:
        case "system" | "process", Ref():
            yield from _no_result(value, is_a, known)
        case "text" | "texts", Ref():
            yield from _no_result(value, is_a, known)
        case "text", str():
            pass
        case "text", Join():
            yield from _inside(value, known)
        case "texts", tuple():
            for item in value:
                yield from _misfits(item, "text", known)
        case ("number", int()) | ("flag", bool()) if isinstance(value, bool) == (is_a == "flag"):
            pass
        case "document", Mapping():
            yield from _inside(value, known)
        case _:
            yield "argument", f"is {value!r:.60}; it takes a {is_a}"


def _inside(value: Any, known: Known) -> Iterator[tuple[Any, str]]:
    for one, needed in references(value):
        if needed != "value":
            yield from _no_result(one, needed, known)
            continue
        yield from _no_result(one, "", known)
        if known.get(one.call, {}).get(one.field) in {"system", "process"}:
            yield "reference", f"has a handle, {one}, where a value is due"


def _no_result(one: Ref, is_a: str, known: Known) -> Iterator[tuple[Any, str]]:
    """Say why a reference gives nothing of the wanted type; any value will do for an empty one."""
    if one.call not in known:
        yield "reference", f"refers to {one.call}, which is no earlier call"
        return
    given = known[one.call].get(one.field)
    if given is None:
        what = f"field {one.field}" if one.field else "whole result"
        yield "reference", f"refers to {one}: {one.call} gives no {what}"
    elif is_a and given != is_a:
        yield "reference", f"refers to {one}, a {given}, where a {is_a} is due"
