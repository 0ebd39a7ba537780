"""How the scripts of the node read what a program wrote."""

from __future__ import annotations

from wincnode.lab.windows.programs import Ended

LAST_LINES = 6


def lines(ended: Ended) -> list[str]:
    """Give a program's lines without empty ones."""
    stripped = (line.strip() for line in (ended.stdout + ended.stderr).splitlines())
    return [line for line in stripped if line]


def tail(ended: Ended) -> str:
    """Give the last lines, for an error."""
    return "\n".join(lines(ended)[-LAST_LINES:])
