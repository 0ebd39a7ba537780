"""What a program acquires is its own, in order, and is given back in reverse order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wincnode.hcs.calls import Action
from wincnode.hcs.compute_calls import SystemCreate, SystemCreateV1, SystemTerminate
from wincnode.hcs.endings import Resource, acquired, released
from wincnode.hcs.program import Call, Program
from wincnode.hcs.references import Join, Ref, Text
from wincnode.hcs.rules.problem import Problem, Rule
from wincnode.hcs.storage_calls import (
    FileCopy,
    FileWrite,
    FolderCreate,
    HiveEmpty,
    LayerActivate,
    LayerBase,
    LayerPrepare,
    LayerScratch,
    LayerVolume,
)

# What ends a system with the last of its handles, should nobody get to `finally`.
# Source: microsoft/hcsshim:internal/hcs/schema2/compute_system.go,
# internal/hcs/schema1/schema1.go@7c9ff7f4
_LAST_HANDLE = {
    SystemCreate: "ShouldTerminateOnLastHandleClosed",
    SystemCreateV1: "TerminateOnLastHandleClosed",
}


def problems(program: Program) -> Iterator[Problem]:
    """Say what a program does not give back, or uses without having it."""
    held: dict[Resource, str] = {}
    for call in program.calls:
        if released(call.action):
            yield _problem(call, "release", "what was acquired is given back in `finally` alone")
        yield from _owned(call, program.owner)
        yield from _in_folder(call, held)
        yield from _layered(call, held)
        if resource := acquired(call):
            held[resource] = call.id
    yield from _given_back(program, held)


def _given_back(program: Program, held: Mapping[Resource, str]) -> Iterator[Problem]:
    due = list(held)
    terminated = {
        call.action.system.call
        for call in program.ending
        if isinstance(call.action, SystemTerminate)
    }
    ours = {call.id for call in program.calls if type(call.action) in _LAST_HANDLE}
    for call in program.ending:
        if acquired(call):
            yield _problem(call, "finally", "acquires something that nothing gives back")
        options = released(call.action)
        if not options:
            continue
        mine = next((row for row in options if row in due), None)
        if mine is None:
            yield _problem(call, "release", "gives back what the calls do not acquire")
            continue
        if due[-1] != mine:
            text = f"goes before {held[due[-1]]} is given back, which came later"
            yield _problem(call, "release", text)
        due.remove(mine)
    for resource in due:
        text = f"its {resource[0]} is not given back in `finally`"
        yield Problem(call=held[resource], rule="release", text=text)
    for name in sorted(ours - terminated):
        yield Problem(call=name, rule="release", text="its system is not terminated in `finally`")


def _owned(call: Call, owner: str) -> Iterator[Problem]:
    """A system says whose it is, so that its leftovers are found."""
    if isinstance(call.action, SystemCreate | SystemCreateV1):
        if call.action.document.get("Owner") != owner:
            yield _problem(call, "owner", f"the document's Owner is not {owner}")
        field = _LAST_HANDLE[type(call.action)]
        if call.action.document.get(field) is not True:
            yield _problem(call, "owner", f"the document's {field} is not true")


def _in_folder(call: Call, held: Mapping[Resource, str]) -> Iterator[Problem]:
    """What is written lies in a folder that the program made, and so removes."""
    path = _written(call.action)
    if path is None:
        return
    first = path.parts[0] if isinstance(path, Join) else path
    if isinstance(first, Ref) and ("folder", first) in held:
        return
    if isinstance(call.action, FileWrite) and isinstance(first, Ref) and first.field == "volume":
        return
    yield _problem(call, "folder", "its path is not in a folder that this program made")


def _written(action: Action) -> Text | None:
    match action:
        case HiveEmpty(path=path) | FileWrite(path=path) | LayerBase(path=path):
            return path
        case LayerScratch(path=path) | FileCopy(target=path):
            return path
        case FolderCreate(path=path) if not isinstance(path, str) or _leaves(path):
            # Never a folder of this program, so that it is refused.
            return path
        case _:
            return None


def _leaves(path: str) -> bool:
    parts = path.replace("/", "\\").split("\\")
    return ":" in path or not all(parts) or ".." in parts or "." in parts


def _layered(call: Call, held: Mapping[Resource, str]) -> Iterator[Problem]:
    """A layer is made, then attached, then prepared, each once."""
    if (resource := acquired(call)) in held:
        yield _problem(call, "layer", f"{held[resource]} has done it already")  # type: ignore[index]  # it is in it
    match call.action:
        case LayerActivate(path=path):
            needed: Resource = ("scratch", path)
        case LayerPrepare(path=path) | LayerVolume(path=path):
            needed = ("disk", path)
        case _:
            return
    if needed not in held:
        yield _problem(call, "layer", f"no earlier call made its {needed[0]}")


def _problem(call: Call, rule: Rule, text: str) -> Problem:
    return Problem(call=call.id, rule=rule, text=text)
