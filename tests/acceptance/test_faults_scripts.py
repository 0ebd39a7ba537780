"""Faults in which a shipped script decides, on the engine that runs the scripts."""

from __future__ import annotations

from pathlib import Path

from nodes import lab_node
from test_faults_disks import download_is_refused
from test_faults_services import lives_long_enough, marked_for_deletion

from wincnode.lab.faults import parse_fault


def test_f29_a_disk_that_is_full_at_a_download(tmp_path: Path) -> None:
    """Bytes are counted by the script."""
    with lab_node(tmp_path / "node") as node:
        download_is_refused(node)


def test_f32_a_service_that_lives_is_waited_for(tmp_path: Path) -> None:
    """The age of a process is judged by the script."""
    with lab_node(tmp_path / "node") as node:
        lives_long_enough(node)


def test_f33_a_service_that_is_marked_for_deletion(tmp_path: Path) -> None:
    """The script waits for four fifths of the step's time."""
    with lab_node(tmp_path / "node", faults=parse_fault("service-held")) as node:
        marked_for_deletion(node, timeout_s=20)
