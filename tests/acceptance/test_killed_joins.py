"""A client that is killed -9 at any WinRM request is answered by the same command again.

At each request of `install` with its reboot and of `join`, at a moment drawn by a seed that the
summary prints, on the lab's model; and at 4 more moments by the shipped scripts. `make soak` kills
at three or more at each, on both.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import killed
import pytest
from killed import ROADS, Moment, Yard

MODEL, SCRIPTS = sum(map(len, ROADS.values())), 4
CASES = killed.moments(os.environ[killed.SEED], least=MODEL + SCRIPTS)
# An undisturbed machine by the scripts takes its time; one process waits for it.
BY_SCRIPTS = pytest.mark.xdist_group("kills by scripts")


@pytest.fixture(scope="session")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    """Run a cluster for all cases of a process."""
    with killed.yard(tmp_path_factory.mktemp("yard")) as made:
        yield made


@pytest.mark.parametrize("moment", CASES[:MODEL], ids=str)
def test_the_same_command_again_ends_the_work(moment: Moment, yard: Yard, tmp_path: Path) -> None:
    """On the lab's model."""
    yard.goes_on(tmp_path / "web-1", "model", moment)


@BY_SCRIPTS
@pytest.mark.parametrize("moment", CASES[MODEL:], ids=str)
def test_the_same_command_again_ends_the_work_by_the_scripts(
    moment: Moment, yard: Yard, tmp_path: Path
) -> None:
    """On the engine that runs what ships."""
    yard.goes_on(tmp_path / "web-1", "powershell", moment)


def test_there_is_a_moment_at_every_request(yard: Yard) -> None:
    """Of either command, as an undisturbed machine gets them."""
    places = {(case.command, case.place) for case in CASES[:MODEL]}

    assert yard.undisturbed("model").roads == ROADS
    assert len(places) == sum(map(len, ROADS.values()))
    assert len(set(CASES)) >= 40


@BY_SCRIPTS
def test_the_scripts_take_the_same_road(yard: Yard) -> None:
    """Request by request."""
    assert yard.undisturbed("powershell").roads == ROADS
