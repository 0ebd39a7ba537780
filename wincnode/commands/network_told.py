"""What a node's adapters had before a change of its network and have after it, for a reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wincnode.events import Event, GuardReverted, GuardWaiting

DEFAULT_ROUTES = ("0.0.0.0/0", "::/0")
# The cloud's metadata, whose route is the one that a new switch loses.
METADATA = "169.254.169.254/32"


def notes_of(event: Event) -> tuple[str, ...]:
    """Give a line for each adapter that had or has addresses; nothing of other events."""
    match event:
        case GuardWaiting(before=before, after=after):
            return (*lines("before", before), *lines("after", after))
        case GuardReverted(after=after):
            return tuple(lines("put back", after))
    return ()


def lines(word: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say what each adapter with an address has; what came in another form is left out."""
    for row in rows:
        addresses = [
            f"{one.get('address')}/{one.get('prefix_length')}"
            for one in _rows(row.get("addresses"))
        ]
        if addresses:
            rest = "; ".join(text for text in _rest(row) if text)
            yield f"{word}: {row.get('name')}: {', '.join(addresses)}; {rest}".rstrip("; ")


def _rest(row: Mapping[str, Any]) -> Iterator[str]:
    yield "by DHCP" if row.get("dhcp") is True else "static"
    routes = _rows(row.get("routes"))
    hops = [str(one.get("next_hop")) for one in routes if one.get("destination") in DEFAULT_ROUTES]
    yield f"gateway {', '.join(hops)}" if hops else ""
    yield "route to the metadata" if any(r.get("destination") == METADATA for r in routes) else ""
    dns = row.get("dns")
    yield f"DNS {', '.join(map(str, dns))}" if isinstance(dns, list) and dns else ""
    yield f"MTU {row['mtu']}" if row.get("mtu") else ""
    yield f"metric {row['metric']}" if row.get("metric") else ""
    yield str(row.get("category") or "")


def _rows(value: Any) -> list[Mapping[str, Any]]:
    rows = value if isinstance(value, list) else []
    return [row for row in rows if isinstance(row, Mapping)]
