"""A guard with its default limit and with minutes of ours, where other tests let time fly."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from guarded import EXTERNAL, Run, guarded_node, held, is_as_before, of_guard, started
from nodes import ENGINES

LIMIT_S = 120
# From the limit on, for what a node does to be back.
BACK_S = 10


def waited_s(run: Run) -> float:
    """Give the seconds from the node's asking to be confirmed to the end of its run."""
    at = {row["type"]: datetime.fromisoformat(row["at"]) for row in run.journal()}
    return (at["finished"] - at["guard_waiting"]).total_seconds()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_link_that_is_lost_for_90_seconds(engine: str, tmp_path: Path) -> None:
    """Who comes back within the limit confirms, and the run ends well."""
    with guarded_node(tmp_path / "node", engine, "link-lost=90", speed=1) as node:
        with started(node, EXTERNAL, within_s=LIMIT_S) as run:
            assert of_guard(run.end()) == ["GuardWaiting", "GuardConfirmed", "ok"]
            assert 80 < waited_s(run) < LIMIT_S


@pytest.mark.parametrize("engine", ENGINES)
def test_a_link_that_is_lost_for_ever(engine: str, tmp_path: Path) -> None:
    """The node is as before, soon after the limit, and its client hears why."""
    with guarded_node(tmp_path / "node", engine, "link-lost", "static-lost", speed=1) as node:
        before = held(node.machine)
        with started(node, EXTERNAL, within_s=LIMIT_S) as run:
            assert of_guard(run.end()) == ["GuardWaiting", "GuardReverted", "failed"]
            assert LIMIT_S <= waited_s(run) <= LIMIT_S + BACK_S
        assert is_as_before(node, before)
