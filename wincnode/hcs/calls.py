"""All verbs of a program, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from types import MappingProxyType
from typing import TypeAlias, get_args

from wincnode.hcs.account_calls import RightHolders
from wincnode.hcs.compute_calls import (
    ProcessClose,
    ProcessCreate,
    ProcessFinished,
    ProcessTerminate,
    ServiceProperties,
    ServiceSystems,
    SystemClose,
    SystemCreate,
    SystemCreateV1,
    SystemExited,
    SystemModify,
    SystemOpen,
    SystemProperties,
    SystemShares,
    SystemShutdown,
    SystemStart,
    SystemTerminate,
)
from wincnode.hcs.storage_calls import (
    FileCopy,
    FileRead,
    FileWrite,
    FolderCreate,
    FolderRemove,
    HiveEmpty,
    ImageLayers,
    LayerActivate,
    LayerBase,
    LayerDeactivate,
    LayerDestroy,
    LayerId,
    LayerPrepare,
    LayerScratch,
    LayerUnprepare,
    LayerVolume,
    VmGrant,
    VmRevoke,
)
from wincnode.hcs.verbs import ANNOTATIONS, Is

Action: TypeAlias = (
    ServiceProperties
    | ServiceSystems
    | SystemCreate
    | SystemCreateV1
    | SystemOpen
    | SystemStart
    | SystemShutdown
    | SystemTerminate
    | SystemProperties
    | SystemModify
    | SystemShares
    | SystemExited
    | SystemClose
    | ProcessCreate
    | ProcessFinished
    | ProcessTerminate
    | ProcessClose
    | VmGrant
    | VmRevoke
    | LayerId
    | LayerScratch
    | LayerActivate
    | LayerPrepare
    | LayerVolume
    | LayerUnprepare
    | LayerDeactivate
    | LayerDestroy
    | LayerBase
    | HiveEmpty
    | FolderCreate
    | FolderRemove
    | FileCopy
    | FileWrite
    | FileRead
    | ImageLayers
    | RightHolders
)
ACTIONS: Mapping[str, type[Action]] = MappingProxyType(
    {action.do: action for action in get_args(Action)}
)


def takes(action: type[Action]) -> Mapping[str, Is]:
    """Give the arguments of a verb by their names."""
    return {row.name: ANNOTATIONS[str(row.type)] for row in fields(action)}


def required(action: type[Action]) -> frozenset[str]:
    """Give the names of the arguments that have no default."""
    return frozenset(row.name for row in fields(action) if row.default is MISSING)
