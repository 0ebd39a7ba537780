"""The states of a compute system, and which verb each of them allows.

Source: learn.microsoft.com/virtualization/api/hcs/reference/apioverview;
microsoft/hcsshim:internal/hcs/system.go@7c9ff7f4. What a created system refuses is inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from wincnode.hcs.calls import Action
from wincnode.hcs.compute_calls import (
    ProcessCreate,
    SystemExited,
    SystemModify,
    SystemProperties,
    SystemShares,
    SystemShutdown,
    SystemStart,
    SystemTerminate,
)

State = Literal["created", "running", "stopped"]
States: TypeAlias = "frozenset[State]"
CREATED: States = frozenset({"created"})
RUNNING: States = frozenset({"running"})
STOPPED: States = frozenset({"stopped"})
ANY: States = CREATED | RUNNING | STOPPED
# HCS_E_INVALID_STATE and HCS_E_SYSTEM_ALREADY_STOPPED. Source: winerror.h of the Windows SDK
REFUSALS: Mapping[State, int] = MappingProxyType(
    {"created": 0x80370105, "running": 0x80370105, "stopped": 0x80370110}
)

# Verb: where it may be called, and where it leads; nothing is where it was before.
_ROWS: Mapping[type, tuple[States, States | None]] = MappingProxyType(
    {
        SystemStart: (CREATED, RUNNING),
        ProcessCreate: (RUNNING, None),
        SystemModify: (CREATED | RUNNING, None),
        SystemShares: (CREATED | RUNNING, None),
        SystemProperties: (ANY, None),
        # A request: what runs there may take its time, or not hear it.
        SystemShutdown: (RUNNING, RUNNING | STOPPED),
        SystemTerminate: (CREATED | RUNNING, STOPPED),
        # A system that was never started never ends.
        SystemExited: (RUNNING | STOPPED, STOPPED),
    }
)


def allowed(action: Action) -> States:
    """Give the states that allow a verb."""
    return _ROWS[type(action)][0] if type(action) in _ROWS else ANY


def after(action: Action, before: States) -> States:
    """Give the states that a system may be in once a verb has succeeded."""
    leads = _ROWS[type(action)][1] if type(action) in _ROWS else None
    return before if leads is None else leads
