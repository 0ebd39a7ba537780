"""A password is tried on few nodes until one has taken it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from client import Desk
from echo_engine import EchoEngine

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
    """The others are named as not tried, and no packet reaches them."""
    found = ids(servers, tmp_path)

    assert sorted(found) == [*["link.lockout"] * (NODES - 3), *["link.password"] * 3]
    assert sum(server.http_requests > 0 for server in servers) == MOST_REFUSALS


@pytest.mark.parametrize("servers", [2], indirect=True)
def test_nodes_with_another_password_do_not_hold_up_the_rest(
    servers: list[WsmanServer], tmp_path: Path
) -> None:
    """Once a node has taken the account, every node is asked."""
    assert ids(servers, tmp_path).count("link.password") == 2
    assert all(server.http_requests for server in servers)
