"""Facts about the pages that come from code."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
SPEC = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
assert SPEC is not None
assert SPEC.loader is not None
generate = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(generate)


@pytest.mark.parametrize("name", sorted(generate.PAGES))
def test_a_generated_page_is_current(name: str) -> None:
    """A page that lags behind the code is a wrong page; `make docs` writes it anew."""
    assert (DOCS / name).read_text(encoding="utf-8") == generate.PAGES[name]()
