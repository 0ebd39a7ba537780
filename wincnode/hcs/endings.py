"""The end of a program: what its calls acquired is given back, in reverse order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

from wincnode.hcs.calls import Action
from wincnode.hcs.compute_calls import (
    ProcessClose,
    ProcessCreate,
    SystemClose,
    SystemCreate,
    SystemCreateV1,
    SystemExited,
    SystemOpen,
    SystemTerminate,
)
from wincnode.hcs.program import OWNER, Call, Program
from wincnode.hcs.references import Ref, Text
from wincnode.hcs.storage_calls import (
    FolderCreate,
    FolderRemove,
    LayerActivate,
    LayerBase,
    LayerDeactivate,
    LayerDestroy,
    LayerPrepare,
    LayerScratch,
    LayerUnprepare,
    VmGrant,
    VmRevoke,
)

# Source: winerror.h of the Windows SDK; which of them mean that a system is gone already:
# microsoft/hcsshim:internal/hcs/errors.go@7c9ff7f4 (IsNotExist, IsAlreadyStopped, IsPending)
TERMINATED = 0x80370107
SYSTEM_NOT_FOUND = 0x8037010E
SYSTEM_ALREADY_STOPPED = 0x80370110
GONE = (SYSTEM_ALREADY_STOPPED, SYSTEM_NOT_FOUND, TERMINATED)
# ERROR_FILE_NOT_FOUND and ERROR_PATH_NOT_FOUND as HRESULTs.
NO_FILE = (0x80070002, 0x80070003)
# Source: microsoft/hcsshim:internal/cmd/cmd.go, cmd/containerd-shim-runhcs-v1/task_hcs.go@7c9ff7f4
STOP_S = 30
CLOSE_S = 15
# Detaching a disk and removing a layer's files.
LAYER_S = 60

Resource: TypeAlias = "tuple[Kind, Text | tuple[Text, Text]]"
Kind = Literal["system", "process", "grant", "scratch", "disk", "filter", "base", "folder"]


def with_ending(calls: Iterable[Call], owner: str = OWNER) -> Program:
    """Make a program of calls, which gives back at its end what they acquire."""
    rows = tuple(calls)
    ending = (one for call in reversed(rows) for one in _release(call))
    return Program(calls=rows, ending=tuple(ending), owner=owner)


def acquired(call: Call) -> Resource | None:  # noqa: PLR0911 - one return for each resource
    """Say what is to be given back once a call was made."""
    match call.action:
        case SystemCreate() | SystemCreateV1() | SystemOpen():
            return "system", call.id
        case ProcessCreate():
            return "process", call.id
        case VmGrant(vm=vm, path=path):
            return "grant", (vm, path)
        case LayerScratch(path=path):
            return "scratch", path
        case LayerBase(path=path):
            return "base", path
        case LayerActivate(path=path):
            return "disk", path
        case LayerPrepare(path=path):
            return "filter", path
        case FolderCreate():
            return "folder", Ref(call=call.id, field="path")
        case _:
            return None


def released(  # noqa: PLR0911 - one return for each resource
    action: Action,
) -> tuple[Resource, ...]:
    """Say what a call gives back: one of these."""
    match action:
        case SystemClose(system=system):
            return (("system", system.call),)
        case ProcessClose(process=process):
            return (("process", process.call),)
        case VmRevoke(vm=vm, path=path):
            return (("grant", (vm, path)),)
        case LayerDestroy(path=path):
            return ("scratch", path), ("base", path)
        case LayerDeactivate(path=path):
            return (("disk", path),)
        case LayerUnprepare(path=path):
            return (("filter", path),)
        case FolderRemove(path=path):
            return (("folder", path),)
        case _:
            return ()


def _release(call: Call) -> Iterator[Call]:
    """Give the calls that take one back."""
    handle = Ref(call=call.id)
    match call.action:
        case SystemCreate() | SystemCreateV1():
            yield _end(call, "terminate", SystemTerminate(system=handle), STOP_S, GONE)
            yield _end(call, "exited", SystemExited(system=handle), STOP_S, GONE)
            yield _end(call, "close", SystemClose(system=handle), CLOSE_S)
        case SystemOpen():
            yield _end(call, "close", SystemClose(system=handle), CLOSE_S)
        case ProcessCreate():
            yield _end(call, "close", ProcessClose(process=handle), CLOSE_S)
        case VmGrant(vm=vm, path=path):
            yield _end(call, "revoke", VmRevoke(vm=vm, path=path), CLOSE_S)
        case LayerScratch(path=path) | LayerBase(path=path):
            yield _end(call, "destroy", LayerDestroy(path=path), LAYER_S, NO_FILE)
        case LayerActivate(path=path):
            yield _end(call, "deactivate", LayerDeactivate(path=path), LAYER_S)
        case LayerPrepare(path=path):
            yield _end(call, "unprepare", LayerUnprepare(path=path), LAYER_S)
        case FolderCreate():
            path = Ref(call=call.id, field="path")
            yield _end(call, "remove", FolderRemove(path=path), LAYER_S, NO_FILE)


def _end(call: Call, word: str, action: Action, limit_s: int, accept: tuple[int, ...] = ()) -> Call:
    return Call(
        id=f"{call.id}_{word}", action=action, limit_s=limit_s, accept=accept, undoes=call.id
    )
