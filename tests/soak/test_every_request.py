"""A whole `wincnode apply` is disturbed at each of its requests, in three ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from client import EACH_KIND, changed, desk, journals, killed_at, until_not_locked
from conformance.play import end_state
from nodes import lab_node

from wincnode.lab.faults import Faults

WAYS = ("drop before", "lost reply", "kill")
# More than any apply makes; a test beyond the last request of an undisturbed one is no test.
MOST_REQUESTS = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Undisturbed:
    """What an apply does when nothing happens to it."""

    requests: int
    state: dict[str, Any]
    steps: list[str]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    folder = tmp_path_factory.mktemp("undisturbed")
    with lab_node(folder / "node") as node:
        desk(folder, node, EACH_KIND).apply()
        yield Undisturbed(
            requests=len(node.server.requests), state=end_state(node), steps=changed(node)
        )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", range(1, MOST_REQUESTS + 1))
def test_the_node_ends_as_if_nothing_had_happened(
    undisturbed: Undisturbed, number: int, way: str, tmp_path: Path
) -> None:
    """Same files, registry and services; no step twice; no event lost or doubled; exit code 0."""
    assert undisturbed.requests < MOST_REQUESTS
    if number > undisturbed.requests:
        pytest.skip(f"an undisturbed apply ends with request {undisturbed.requests}")
    faults = {
        "drop before": Faults(drop_before=number),
        "lost reply": Faults(drop_at_request=number),
        "kill": Faults(),
    }[way]
    with lab_node(tmp_path / "node", faults=faults) as node:
        here = desk(tmp_path, node, EACH_KIND)
        if way == "kill":
            killed_at(number, here, node)
            report = until_not_locked(here)
        else:
            report = here.apply()
            assert len(node.server.requests) >= number
        assert [step["step"] for step in report["steps"]][:-1] == undisturbed.steps
        assert changed(node) == undisturbed.steps
        for journal in journals(node):
            assert [row["seq"] for row in journal] == list(range(1, len(journal) + 1))
            assert journal[-1]["type"] == "finished"
        assert end_state(node) == undisturbed.state
        again = here.apply()
        assert {step["outcome"] for step in again["steps"]} == {"ok"}
