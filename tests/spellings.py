"""How a secret may stand in a text."""

from __future__ import annotations

import base64
from functools import cache


@cache
def spellings(secret: str) -> tuple[bytes, ...]:
    """Give a secret raw and as base64 of each alignment, in UTF-8 and in UTF-16LE."""
    raw = secret.encode(), secret.encode("utf-16-le")
    return (*raw, *(_aligned(text, shift) for text in raw for shift in range(3)))


def _aligned(text: bytes, shift: int) -> bytes:
    """Give the part of its base64 that does not depend on what stands around it."""
    code = base64.b64encode(bytes(shift) + text)
    return code[-(-shift * 8 // 6) : (shift + len(text)) * 8 // 6]
