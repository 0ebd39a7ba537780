"""The section of facts that tells what wincnode's manifest holds; as ownership.ps1."""

from __future__ import annotations

import json
from typing import Any

from wincnode.lab.model.host import Host, to_line
from wincnode.lab.model.steps import MANIFEST

LONGEST, ROOM = 32768, 524288


def ownership(host: Host) -> dict[str, Any]:
    """Read what the runs have changed, and what was there before."""
    disk = host.disk
    rows = json.loads(disk.read(MANIFEST))["entries"] if disk.is_file(MANIFEST) else []
    room, entries = ROOM, []
    for row in rows:
        before, long = {}, []
        for name, value in row["before"].items():
            length = 0 if value is None else len(to_line(value))
            if length > min(LONGEST, room):
                long.append(name)
                continue
            room -= length
            before[name] = value
        entries.append({"kind": row["kind"], "key": row["key"], "before": before, "too_long": long})
    return {"path": MANIFEST, "entries": entries}
