"""No call on a state that forbids it, wherever the calls before it ended.

Source: the table of states in `wincnode.hcs.states`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from wincnode.hcs.calls import Action
from wincnode.hcs.compute_calls import (
    ProcessClose,
    ProcessFinished,
    ProcessTerminate,
    SystemClose,
    SystemCreate,
    SystemCreateV1,
    SystemOpen,
)
from wincnode.hcs.program import Call, Program
from wincnode.hcs.rules.problem import Problem
from wincnode.hcs.states import ANY, CREATED, REFUSALS, States, after, allowed


def problems(program: Program) -> Iterator[Problem]:
    """Follow each system through the calls, and through `finally` from wherever they stopped."""
    opened = {call.id for call in program.calls if isinstance(call.action, SystemOpen)}
    now: dict[str, States] = {}
    ever: dict[str, States] = {}
    for call in program.calls:
        if isinstance(call.action, SystemCreate | SystemCreateV1):
            now[call.id] = CREATED
        elif isinstance(call.action, SystemOpen):
            now[call.id] = ANY
        elif (system := _system(call.action)) in now:
            yield from _refused(call, now[system], system in opened)
            now[system] = after(call.action, now[system] & allowed(call.action))
        for system, states in now.items():
            ever[system] = ever.get(system, frozenset()) | states
    yield from _ending(program, ever, opened)


def _refused(call: Call, states: States, opened: bool) -> Iterator[Problem]:
    wrong = states - allowed(call.action)
    if wrong == states or (wrong and not opened):
        yield _problem(call, wrong)


def _ending(program: Program, ever: dict[str, States], opened: set[str]) -> Iterator[Problem]:
    """Calls stop anywhere, so a system is in any state it had; `accept` says what is no failure."""
    closed: set[str] = set()
    for call in program.ending:
        name = _handle(call.action)
        if name in closed:
            text = f"{name} was closed before"
            yield Problem(call=call.id, rule="state", text=text)
        if isinstance(call.action, SystemClose | ProcessClose):
            closed.add(name)
        system = _system(call.action)
        if system not in ever:
            continue
        wrong = ever[system] - allowed(call.action)
        refused = frozenset(state for state in wrong if REFUSALS[state] not in call.accept)
        if refused and system not in opened:
            yield _problem(call, refused)
        ever[system] = wrong | after(call.action, ever[system] & allowed(call.action))


def _problem(call: Call, states: States) -> Problem:
    where = " or ".join(sorted(states)) or "in no state that it knows"
    codes = ", ".join(sorted({f"0x{REFUSALS[state]:08x}" for state in states}))
    text = f"{call.action.do} on a system that is {where}, which answers {codes}"
    return Problem(call=call.id, rule="state", text=text)


def _system(action: Action) -> str:
    """Give the id of the call whose system this is about."""
    one = getattr(action, "system", None) if "system" in _names(action) else None
    return one.call if one is not None else ""


def _handle(action: Action) -> str:
    if isinstance(action, ProcessFinished | ProcessTerminate | ProcessClose):
        return action.process.call
    return _system(action)


def _names(action: Action) -> set[str]:
    return {row.name for row in fields(action)}
