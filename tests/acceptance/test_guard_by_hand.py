"""A change whose client is gone, confirmed by a person: in time, and too late."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from client import Desk, kill
from guarded import held, leftovers, until
from nodes import ENGINES, base, lab_node
from test_networks import BOUND, networks, outcomes, ran, wanting

from wincnode.lab.nodes import LabNode


@pytest.fixture(params=ENGINES)
def node(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LabNode]:
    with lab_node(tmp_path / "node", engine=request.param) as running:
        yield running


def abandoned(here: Desk, node: LabNode, within_s: int) -> Path:
    """Kill the client of a change that is under way; gives the folder of the run, which waits."""
    mark = base(node) / "guard" / "run"

    def start() -> subprocess.Popen[str]:
        return here.start("network", "apply", "--confirm-within", str(within_s))

    assert kill(node.server, start, lambda _requests: mark.exists()).early
    until(lambda: mark.exists() and len(mark.read_text()) == 32)
    folder = base(node) / "runs" / mark.read_text()
    until((folder / "waiting").exists)
    return folder


def ended(folder: Path) -> list[dict[str, Any]]:
    """Wait until a run has said its last word, and give all of them."""
    until(lambda: '"type":"finished"' in (folder / "journal.jsonl").read_text())
    return [json.loads(row) for row in (folder / "journal.jsonl").read_text().splitlines()]


def test_a_person_who_reaches_the_node_confirms_in_time(node: LabNode, tmp_path: Path) -> None:
    """The run ends well, the network stays, and nothing of its guard is left."""
    here = wanting(tmp_path / "desk", node)
    folder = abandoned(here, node, within_s=600)

    listed = here.run("runs", "web-1")
    said = here.run("network", "confirm", "web-1")

    assert f"{folder.name[:12]}" in listed.stdout
    assert "waiting" in listed.stdout
    assert said.returncode == 0, said.stderr
    assert said.stdout == (f"web-1: The change of the network is confirmed, run {folder.name}.\n")
    rows = ended(folder)
    assert [row["type"] for row in rows[-2:]] == ["guard_confirmed", "finished"]
    assert rows[-1]["outcome"] == "ok"
    until(lambda: not leftovers(node))
    assert node.machine.hns.bound() == BOUND
    assert outcomes(ran(here, "apply")) == ["ok"]


def test_a_person_who_comes_too_late_is_told_so(node: LabNode, tmp_path: Path) -> None:
    """The node is back already; neither what waits nor the run by its id is there to confirm."""
    before = held(node.machine)
    here = wanting(tmp_path / "desk", node)
    folder = abandoned(here, node, within_s=15)
    rows = ended(folder)
    until(lambda: not leftovers(node))

    which = here.run("network", "confirm", "web-1")
    late = here.run("network", "confirm", "web-1", "--run", folder.name)

    assert rows[-2]["reason"] == "No client came back and confirmed within 15 s."
    assert (rows[-1]["outcome"], networks(node)) == ("failed", {})
    assert held(node.machine) == before
    for client, why in (
        (which, "No change of the network waits here to be confirmed."),
        (late, "It is too late: the node puts its network back, or has done so."),
    ):
        assert (client.returncode, client.stdout) == (1, "")
        assert f"web-1: not confirmed: {why}" in client.stderr
        assert "`wincnode runs web-1` lists its runs and their states." in client.stderr
        assert "Traceback" not in client.stderr
