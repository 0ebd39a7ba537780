"""What earlier programs have left on the machine: it is ended, taken off and removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wincnode.hcs.local.failures import SYSTEM_NOT_FOUND, CallFailed, same_code
from wincnode.hcs.local.files import Files
from wincnode.hcs.local.storage import Storage
from wincnode.hcs.local.systems import Systems

LIMIT_S = 30.0
# Files that a layer's folder has at its top: microsoft/hcsshim:internal/wclayer.
MARKS = ("sandbox.vhdx", "blank.vhdx")
DEEPEST = 4


def removed(owner: str, systems: Systems, storage: Storage, files: Files) -> list[dict[str, Any]]:
    """End the compute systems of an owner, and remove what lies in the scratch root."""
    try:
        rows = systems.listed({"Owners": [owner]}, LIMIT_S)
    except CallFailed:
        # Where the service does not answer, the program's own calls will say so.
        rows = []
    found = [_told("system", str(row.get("Id")), lambda at: _end(systems, at)) for row in rows]
    root = files.real(files.root)
    names = sorted(path.name for path in root.iterdir()) if root.is_dir() else []
    return found + [_told("scratch", name, lambda at: _clear(storage, files, at)) for name in names]


def _end(systems: Systems, id: str) -> None:
    try:
        handle = systems.open(id)
    except CallFailed as failed:
        # A container ends with the machine that hosts it, which may have been ended before it.
        if same_code(failed.code) != SYSTEM_NOT_FOUND:
            raise
        return
    try:
        systems.end(id)
        systems.exited(handle.value, LIMIT_S)
    finally:
        systems.close(handle.value)


def _clear(storage: Storage, files: Files, name: str) -> None:
    full = files.below(name)
    for layer in _layers_in(files, full, DEEPEST):
        for export in ("UnprepareLayer", "DeactivateLayer"):
            try:
                storage.plain(export, layer, LIMIT_S)
            except CallFailed:
                # It may never have come so far; what matters is that the folder goes.
                continue
        storage.plain("DestroyLayer", layer, LIMIT_S)
    files.remove_folder(name)


def _layers_in(files: Files, path: str, depth: int) -> list[str]:
    """List the folders of layers at and below a folder; layers hold no layers."""
    real = files.real(path)
    if not real.is_dir() or not depth:
        return []
    if any((real / mark).exists() for mark in MARKS):
        return [path]
    return [
        found
        for child in sorted(real.iterdir())
        if not child.is_symlink()
        for found in _layers_in(files, f"{path}\\{child.name}", depth - 1)
    ]


def _told(kind: str, id: str, remove: Callable[[str], None]) -> dict[str, Any]:
    try:
        remove(id)
    except CallFailed as failed:
        return {"kind": kind, "id": id, "removed": False, "error": failed.message}
    return {"kind": kind, "id": id, "removed": True}
