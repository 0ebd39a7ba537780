"""What tests of the node's scripts share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import winps


@pytest.fixture
def node(tmp_path: Path) -> Iterator[winps.Machine]:
    """A healthy Server 2022."""
    with winps.machine(tmp_path / "node") as machine:
        yield machine
