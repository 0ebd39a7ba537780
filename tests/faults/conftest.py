"""What tests of faults share: their row, a desk with lab nodes, and wincnode run at it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fault_rows import TWO, Row, Run, ended, inventory
from nodes import libraries, winps

from wincnode import cli
from wincnode.lab import nodes
from wincnode.lab.faults import parse_fault, together
from wincnode.lab.nodes import PASSWORD, LabNode, Wish


@pytest.fixture
def row(request: pytest.FixtureRequest) -> Row:
    """Give the row of the test."""
    found: Row = request.function.row
    return found


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Give what runs wincnode in the test's folder, in this process, which saves its start."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WINCNODE_LAB_PASSWORD", PASSWORD)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "playbook.yaml").write_text(TWO, encoding="utf-8")

    def wincnode(*words: str) -> object:
        monkeypatch.setattr(sys, "argv", ["wincnode", *words])
        began = time.monotonic()
        code = cli.run()
        seconds = time.monotonic() - began
        said = capfd.readouterr()
        return ended(code, said.out, said.err, seconds)

    return wincnode  # type: ignore[return-value] # of Callable[..., Ended]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Callable[..., LabNode]]:
    """Give what starts a lab node with faults, and writes the inventory of all so far."""
    there: dict[str, tuple[str, int]] = {}
    with ExitStack() as stack:

        def start(
            *faults: str,
            name: str = "web-1",
            profile: str = "ws2022",
            engine: str = "model",
            pace_s: float = 0.0,
            connection: str = "",
        ) -> LabNode:
            wish = Wish(
                profile=profile,
                faults=together(map(parse_fault, faults)),
                powershell=Path(winps()) if engine == "powershell" else None,
                compute=libraries() if engine == "powershell" else None,
                pace_s=pace_s,
            )
            folder = tmp_path / "nodes" / name
            folder.mkdir(parents=True)
            node = stack.enter_context(nodes.lab_node(name, wish, folder))
            there[name] = ("127.0.0.1", node.port)
            inventory(tmp_path / "wincnode.yaml", there, connection)
            return node

        yield start
