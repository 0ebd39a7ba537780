"""What a check proves and what to do when it fails, from its own declaration."""

from __future__ import annotations

import difflib

from wincnode import checks
from wincnode.errors import ConfigError


def explain(check_id: str) -> str:
    """Give the text of a check.

    Raises: ConfigError: no check has that id; the message names the nearest.
    """
    by_id = {check.id: check for check in checks.all_checks()}
    if check_id not in by_id:
        near = difflib.get_close_matches(check_id, by_id, n=3)
        raise ConfigError(
            f"no check has the id {check_id!r}",
            remedy=f"Did you mean {', '.join(near)}?" if near else "",
        )
    check = by_id[check_id]
    return (
        f"{check.id} ({check.severity.value}): {check.title}\n"
        f"  proves: {check.proves}\n  remedy: {check.remedy}\n  source: {check.source}"
    )
