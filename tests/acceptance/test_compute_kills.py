"""Who is killed in the middle of a program leaves nothing for ever: the next run finds it, and says so."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from compute_killed import client_killed, executor_killed, runner_killed


@pytest.mark.parametrize("number", range(4))
def test_a_killed_executor_leaves_what_the_next_one_removes(tmp_path: Path, number: int) -> None:
    """By ctypes, at every ninth call of a program; tests/soak has each."""
    first = random.SystemRandom().randrange(1, 10)
    executor_killed(tmp_path, number, range(first, 1000, 9))


def test_a_killed_runner_leaves_what_the_next_run_removes(tmp_path: Path) -> None:
    """The same for the node's process, at a few calls; tests/soak has all."""
    assert runner_killed(tmp_path, random.SystemRandom().sample(range(1, 45), 3))


def test_a_killed_client_leaves_nothing_as_the_node_ends_its_program(tmp_path: Path) -> None:
    """The node takes down what it made, whoever is listening: the next run finds nothing."""
    client_killed(tmp_path, random.SystemRandom().choice((7, 9, 11)))
