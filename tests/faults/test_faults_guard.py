"""F11 and F12: the first network of HNS moves the adapter, and the node is away or elsewhere.

All that the guard promises, on both engines: tests/guard_cases.py.
"""

from __future__ import annotations

import time
from pathlib import Path

import guard_cases
from fault_rows import GRACE_S, Row, fault


@fault(
    "F11",
    "a new switch takes the adapter, and the link is away for 20 s, or for ever",
    does="expects it, comes back and confirms; where nobody confirms within 120 s, the node puts"
    " addresses, routes, DNS and networks back by itself, and the run has failed with the reason",
    rehearse=("link-lost=SECONDS", "link-lost"),
)
def test_f11_a_link_that_is_lost_for_a_while(row: Row, tmp_path: Path) -> None:
    """The run ends well; the time is that of the node's clock."""
    began = time.monotonic()
    guard_cases.lost_for_a_while("model", tmp_path / "node")
    assert time.monotonic() - began <= row.deadline_s + 2 * GRACE_S


def test_f11_a_link_that_is_lost_for_ever(tmp_path: Path) -> None:
    """The node is as before, and the run has failed."""
    guard_cases.lost_for_ever("model", tmp_path / "node")


@fault(
    "F12",
    "the node comes back with another address under its name",
    does="asks the name anew, and goes on where MachineGuid is that of before; another machine is"
    " asked to confirm nothing, and is left alone",
    rehearse=("address-changed",),
)
def test_f12_another_address(row: Row, tmp_path: Path) -> None:
    """The run ends well, at the new address."""
    began = time.monotonic()
    guard_cases.address_changed("model", tmp_path / "node")
    assert time.monotonic() - began <= row.deadline_s + 2 * GRACE_S


def test_f12_another_machine_under_the_name(tmp_path: Path) -> None:
    """It is told apart, and the node puts its network back."""
    guard_cases.another_machine("model", tmp_path / "node")
