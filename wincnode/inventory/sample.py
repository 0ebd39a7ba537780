"""The commented inventory that `wincnode init` writes."""

from __future__ import annotations

from pathlib import Path

FILE_NAME = "wincnode.yaml"


def sample_text() -> str:
    """Give the text of a complete, valid inventory to start from."""
    return Path(__file__).with_name("sample.yaml").read_text(encoding="utf-8")
