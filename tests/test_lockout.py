"""A password is tried on few nodes until one has taken it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from client import Desk
from echo_engine import EchoEngine

from wincnode.lab.faults import Faults
from wincnode.lab.nodes import PASSWORD, USER, write_inventory
from wincnode.lab.server import WsmanServer
from wincnode.lockout import MOST_REFUSALS

NODES = 8


@pytest.fixture
def servers(request: pytest.FixtureRequest) -> Iterator[list[WsmanServer]]:
    """Nodes of which the first ones that the parameter counts know another password."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                WsmanServer(
                    EchoEngine(), users={USER: "other" if number < request.param else PASSWORD}
                )
            )
            for number in range(NODES)
        ]


def ids(servers: list[WsmanServer], folder: Path) -> list[str]:
    """Run preflight on all nodes at once and give the id of each node's error."""
    ports = {f"web-{number}": server.port for number, server in enumerate(servers)}
    write_inventory(folder / "wincnode.yaml", ports)
    done = Desk(folder=folder).run("preflight", "--parallel", str(NODES), "-o", "json")
    assert done.returncode in {1, 4}, done.stderr
    return [node["error"]["id"] for node in json.loads(done.stdout)["nodes"] if node["error"]]


@pytest.mark.parametrize("servers", [NODES], indirect=True)
def test_three_refusals_are_enough(servers: list[WsmanServer], tmp_path: Path) -> None:
    """The others are named as not tried, and no password reaches them."""
    found = ids(servers, tmp_path)

    assert sorted(found) == [*["link.lockout"] * (NODES - 3), *["link.password"] * 3]
    # The first request asks which schemes there are.
    assert sum(server.http_requests > 1 for server in servers) == MOST_REFUSALS


@pytest.mark.parametrize("servers", [2], indirect=True)
def test_nodes_with_another_password_do_not_hold_up_the_rest(
    servers: list[WsmanServer], tmp_path: Path
) -> None:
    """Once a node has taken the account, every node is asked."""
    assert ids(servers, tmp_path).count("link.password") == 2
    assert all(server.http_requests > 1 for server in servers)


@pytest.mark.parametrize("servers", [0], indirect=True)
def test_nodes_that_answer_nothing_do_not_hold_up_the_rest(
    servers: list[WsmanServer], tmp_path: Path
) -> None:
    """They try no password, whoever is first in the inventory."""
    for server in servers[:MOST_REFUSALS]:
        server.faults = Faults(black_hole=True)
    asked: list[float] = []
    for server in servers[MOST_REFUSALS:]:
        server.on_request.append(lambda _: asked.append(time.monotonic()))

    found = ids(servers, tmp_path)
    ended = time.monotonic()

    assert found.count("link.silent") == MOST_REFUSALS
    assert len(asked) >= NODES - MOST_REFUSALS
    assert max(asked) < ended - 3  # five seconds of silence begin when the others are asked
