"""All checks, from their declarations: a table for people, one JSON object for pipelines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from wincnode.checks import Check

SCHEMA = "wincnode/checks/v1"


def to_text(checks: Sequence[Check]) -> str:
    """Give a line for each check: id, severity, title."""
    width = max((len(check.id) for check in checks), default=0)
    return "\n".join(
        f"{check.id:{width}}  {check.severity.value:7}  {check.title}" for check in checks
    )


def to_json(checks: Sequence[Check]) -> str:
    """Give every field of each check, and where it is documented."""
    return json.dumps({"schema": SCHEMA, "checks": [_row(check) for check in checks]}, indent=2)


def _row(check: Check) -> Mapping[str, Any]:
    return {
        "id": check.id,
        "title": check.title,
        "severity": check.severity.value,
        "proves": check.proves,
        "remedy": check.remedy,
        "source": check.source,
        "facts": list(check.needs),
        "docs": check.anchor,
    }
