"""The section of facts that tells what wincnode's manifest holds; as ownership.ps1."""

from __future__ import annotations

from typing import Any

from wincnode.lab.model.host import MANIFEST, Host, to_line

LONGEST, ROOM = 32768, 524288


def ownership(host: Host) -> dict[str, Any]:
    """Read what the runs have changed, and what was there before."""
    room, entries = ROOM, []
    for row in host.manifest():
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
