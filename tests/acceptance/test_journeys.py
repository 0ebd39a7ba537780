"""What the model's tests show of reboots and leaving, by the shipped scripts."""

from __future__ import annotations

from pathlib import Path

from journeys import goes_back, reboots_twice


def test_a_machine_is_what_it_was_before(tmp_path: Path) -> None:
    """Nothing is left of two playbooks that were taken."""
    goes_back(tmp_path, "powershell")


def test_a_node_is_back_once_it_answers_from_another_boot(tmp_path: Path) -> None:
    """It reboots by shutdown.exe, and by a task of SYSTEM where that is denied."""
    reboots_twice(tmp_path, "powershell")
