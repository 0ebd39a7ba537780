"""Client, runner and executor are killed at each call of a program."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_PATH = Path(__file__).parents[1] / "acceptance" / "test_compute_kills.py"
_SPEC = importlib.util.spec_from_file_location("compute_kills_slice", _PATH)
assert _SPEC is not None and _SPEC.loader is not None
slice_of = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = slice_of
_SPEC.loader.exec_module(slice_of)


@pytest.mark.parametrize("number", range(3))
def test_executor_at_each_call(tmp_path: Path, number: int) -> None:
    """The next program finds and removes what is left."""
    slice_of.executor_killed(tmp_path, number, range(1, 1000))


def test_runner_at_each_call(tmp_path: Path) -> None:
    """The next run finds and removes what is left, and says so."""
    slice_of.runner_killed(tmp_path, list(range(1, 75)))


@pytest.mark.parametrize("request_number", range(3, 15))
def test_client_at_each_request(tmp_path: Path, request_number: int) -> None:
    """The node ends its program, and the next run finds nothing."""
    slice_of.client_killed(tmp_path, request_number)
