"""Folders of the host that a machine's guest is shown, each by a request of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from wincnode.hcs.local.failures import INVALID, CallFailed
from wincnode.hcs.local.operations import until
from wincnode.hcs.local.storage import Storage
from wincnode.hcs.local.systems import System, Systems


def shared(
    systems: Systems,
    storage: Storage,
    system: System,
    arguments: Mapping[str, Any],
    limit_s: float,
) -> dict[str, Any]:
    """Show folders one after the other; gives them as a document lists them, by the guest's paths.

    Raises: CallFailed, TimedOut.
    """
    deadline = time.monotonic() + limit_s
    folders, request, guest = (arguments.get(name) for name in ("folders", "request", "guest"))
    if not isinstance(folders, Sequence) or isinstance(folders, str) or not isinstance(guest, str):
        raise CallFailed(INVALID, "folders and guest are no list of texts and no text.")
    if not isinstance(request, Mapping) or not isinstance(request.get("Settings"), Mapping):
        raise CallFailed(INVALID, "request has no Settings.")
    layers = []
    for number, path in enumerate(folders):
        name = f"s{number}"
        settings = {**request["Settings"], "Name": name, "Path": path}
        systems.modify(system, {**request, "Settings": settings}, until(deadline))
        layers.append({"Id": storage.id(path), "Path": guest + name})
    return {"layers": layers}
