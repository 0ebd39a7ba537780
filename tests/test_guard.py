"""A change of the network stays where a client comes back and confirms, else it is taken back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from guard_cases import CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_on_the_model(case: Callable[[str, Path], None], tmp_path: Path) -> None:
    """The shipped scripts have the same cases in the acceptance tests."""
    case("model", tmp_path / "node")
