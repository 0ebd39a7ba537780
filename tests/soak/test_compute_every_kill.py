"""Client, runner and executor are killed at each call of a program."""

from __future__ import annotations

from pathlib import Path

import pytest
from compute_killed import client_killed, executor_killed, runner_killed


@pytest.mark.parametrize("number", range(4))
def test_executor_at_each_call(tmp_path: Path, number: int) -> None:
    """The next program finds and removes what is left."""
    executor_killed(tmp_path, number, range(1, 1000))


def test_runner_at_each_call(tmp_path: Path) -> None:
    """The next run finds and removes what is left, and says so."""
    assert runner_killed(tmp_path, range(1, 1000)) > 40


@pytest.mark.parametrize("request_number", range(3, 15))
def test_client_at_each_request(tmp_path: Path, request_number: int) -> None:
    """The node ends its program, and the next run finds nothing."""
    client_killed(tmp_path, request_number)
