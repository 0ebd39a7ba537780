"""The health of lab nodes' kubelets, on the one loopback that the nodes of a host have."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.request import urlopen

from wincnode.lab.nodes import closed_port
from wincnode.lab.programs.healthz import Healthz
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.profiles import load_profile


def machine(folder: Path) -> Machine:
    return Machine(load_profile("ws2022"), folder, computer=folder.name)


def answer(port: int) -> bytes:
    with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as reply:
        found: bytes = reply.read()
    return found


def test_nodes_of_a_host_share_the_port(tmp_path: Path) -> None:
    """The scripts look there; a node's health does not end with another's."""
    first, second, port = machine(tmp_path / "one"), machine(tmp_path / "two"), closed_port()
    one, two = Healthz(first, "127.0.0.1", port), Healthz(second, "127.0.0.1", port)
    one.start()
    two.start()
    try:
        assert first.loopback == second.loopback == {port: port}
        one.stop()
        assert answer(port) == b"ok"
    finally:
        two.stop()
    assert not first.loopback
    assert not second.loopback


def test_where_something_else_has_the_port_the_model_knows_another(tmp_path: Path) -> None:
    """A kubelet of the host's own is not disturbed."""
    node = machine(tmp_path / "one")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        healthz = Healthz(node, "127.0.0.1", port)
        healthz.start()
        try:
            assert node.loopback[port] != port
            assert answer(node.loopback[port]) == b"ok"
        finally:
            healthz.stop()
