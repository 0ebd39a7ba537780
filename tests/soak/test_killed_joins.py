"""A client that is killed -9 at any WinRM request of install and join, at moments around each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import killed
import pytest
from killed import Moment, Yard
from nodes import ENGINES


@pytest.fixture(scope="session")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    """Run a cluster for all cases of a process."""
    with killed.yard(tmp_path_factory.mktemp("yard")) as made:
        yield made


@pytest.mark.parametrize("moment", killed.all_moments(os.environ.get(killed.SEED, "")), ids=str)
@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_command_again_ends_the_work(
    engine: str, moment: Moment, yard: Yard, tmp_path: Path
) -> None:
    """The node ends like one that nothing happened to; no token is left anywhere."""
    yard.goes_on(tmp_path / "web-1", engine, moment)
