"""Whom this host asks for the addresses of names."""

from __future__ import annotations

from pathlib import Path

_CONFIGURATION = Path("/etc/resolv.conf")
_MOST_BYTES = 65536


def asked(configuration: Path = _CONFIGURATION) -> str:
    """Name the resolver of this host, with its name servers where a file tells them.

    Source: man7.org/linux/man-pages/man5/resolv.conf.5.html; Windows has no such file.
    """
    try:
        with configuration.open("rb") as opened:
            text = opened.read(_MOST_BYTES).decode("ascii", "replace")
    except OSError:
        return "this host's resolver"
    rows = [line.split() for line in text.splitlines()]
    servers = [row[1] for row in rows if len(row) > 1 and row[0] == "nameserver"]
    listed = ", ".join(server for server in servers[:3] if server.isprintable())
    return f"this host's resolver ({listed})" if listed else "this host's resolver"
