"""A change of the network stays where a client comes back and confirms, else it is taken back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import guard_adapter_cases
import guard_cases
import guard_client_cases
import guard_takeover_cases
import guard_windows_cases
import pytest
from guarded import EXTERNAL, guarded_node, started
from nodes import ENGINES

CASES = [
    *guard_cases.CASES,
    *guard_takeover_cases.CASES,
    *guard_windows_cases.CASES,
    *guard_adapter_cases.CASES,
    *guard_client_cases.CASES,
]
# What is another one each time, or tells the time.
OWN = {"run", "at", "deadline", "elapsed_ms", "pid", "powershell", "clients"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_on_the_model(case: Callable[[str, Path], None], tmp_path: Path) -> None:
    """Each promise holds for what demos show."""
    case("model", tmp_path / "node")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_by_the_scripts(case: Callable[[str, Path], None], tmp_path: Path) -> None:
    """Each promise holds for what runs on Windows."""
    case("powershell", tmp_path / "node")


@pytest.mark.parametrize("faults", [("static-lost",), ("static-lost", "link-lost")])
def test_engines_say_the_same(faults: tuple[str, ...], tmp_path: Path) -> None:
    """The model is what demos show, so it is held to the scripts: events and their fields."""

    def told(engine: str) -> list[dict[str, Any]]:
        with guarded_node(tmp_path / engine, engine, *faults) as node:
            within_s = 3 if "link-lost" in faults else 300
            with started(node, EXTERNAL, within_s=within_s) as run:
                run.end()
                rows = run.journal()
        return [{name: row[name] for name in row.keys() - OWN} for row in rows]

    scripts, model = map(told, ENGINES)
    assert scripts == model
