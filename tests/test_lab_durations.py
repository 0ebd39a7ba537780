"""Long work on lab nodes: it takes the time of their clock, and no longer than a step may."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from threading import Event

import pytest
from journeys import limited

from wincnode.lab import __main__ as lab
from wincnode.lab.windows.clock import Clock
from wincnode.lab.windows.limits import step_limit
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.profiles import load_profile


def test_long_work_passes_on_the_machine_s_clock_and_hardly_on_ours() -> None:
    """A wait that is no such work is as long as ever."""
    clock, began = Clock(haste=1000), time.monotonic()
    clock.work(180, Event())
    ours = time.monotonic() - began

    assert 180 <= clock.seconds() < 190
    assert 0.18 <= ours < 5


def test_work_ends_with_its_machine() -> None:
    """Nothing is left behind when nodes go."""
    gone = Event()
    gone.set()
    Clock().work(180, gone)


def test_work_outlasts_no_step(tmp_path: Path) -> None:
    """A step that may take less than the work does fails with both figures."""
    assert limited(tmp_path / "short", "model", limit_s=179) == (
        "feature_install takes 180 s here, and the step may take 179 s."
    )
    assert limited(tmp_path / "long", "model", limit_s=180) == ""


def test_where_no_run_takes_a_step_nothing_is_limited(tmp_path: Path) -> None:
    """Neither before the first run nor after the last."""
    machine = Machine(load_profile("ws2022"), tmp_path, computer="WEB-1")
    assert step_limit(machine) == float("inf")


def test_durations_are_asked_for_by_name() -> None:
    """What the nodes do not do is refused."""
    assert lab._duration("feature_install=180") == ("feature_install", 180)
    for text in ("lunch=1", "boot", "boot=soon"):
        with pytest.raises(argparse.ArgumentTypeError, match="feature_install=180"):
            lab._duration(text)
    assert lab._haste("30") == 30
    for text in ("0", "-1", "fast", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="whole number"):
            lab._haste(text)
