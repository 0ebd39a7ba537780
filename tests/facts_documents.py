"""Documents of facts, as `wincnode facts -o json=FILE` writes them."""

from __future__ import annotations

import json

from wincnode.commands.facts import SCHEMA


def document(**nodes: object) -> bytes:
    """Give the document of nodes by name."""
    return json.dumps({"schema": SCHEMA, "nodes": nodes}).encode()
