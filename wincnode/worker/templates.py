"""Renders one file of `templates/worker`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wincnode import assets
from wincnode.rendering import Renderer


def rendered(name: str, scope: Mapping[str, Any]) -> str:
    """Give the text of a template.

    Raises: CannotRender: it asks for what nobody gives, which is a bug of ours.
    """
    path = assets.folder("templates") / "worker" / name
    text = str(Renderer().value(path.read_text(encoding="utf-8"), scope))
    return text.rstrip("\n") + "\n"
