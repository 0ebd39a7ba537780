"""The range of NodePorts: what the inventory may say, and what it leaves to Windows."""

from __future__ import annotations

from pathlib import Path

import pytest
from cluster_cases import inventory_text

from wincnode import node_ports
from wincnode.commands.install import port_variables
from wincnode.errors import ConfigError
from wincnode.inventory import parse

PATH = Path("wincnode.yaml")
TEXT = "cluster: {{{cluster}}}\nconnection: {{user: a, password: {{env: P}}}}\nnodes: {{web-1: {{}}}}\n"


@pytest.mark.parametrize(
    ("text", "ports", "dynamic"),
    [
        (None, (30000, 32767), (34000, 31536)),
        ("20000-22767", (20000, 22767), (34000, 31536)),
        ("30000-36000", (30000, 36000), (36001, 29535)),
        ("48000-65535", (48000, 65535), (10257, 37743)),
    ],
)
def test_windows_gets_ports_that_are_no_node_ports(
    text: str | None, ports: tuple[int, int], dynamic: tuple[int, int]
) -> None:
    """As many as it has by default, or more."""
    assert node_ports.ports_of(text) == ports
    assert node_ports.problem(text) == ""
    start, count = node_ports.dynamic(ports)
    assert (start, count) == dynamic
    assert start + count - 1 <= node_ports.LAST_PORT
    assert count >= node_ports.ENOUGH
    assert start > ports[1] or start + count - 1 < ports[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("32767-30000", "the range goes upwards"),
        ("0-100", "ports are 1 to 65535"),
        ("30000-70000", "ports are 1 to 65535"),
        ("15000-60000", "fewer than 16384 ports"),
    ],
)
def test_a_range_that_cannot_be_is_told_by_its_field(text: str, words: str) -> None:
    """Before any network is touched, with file and line."""
    with pytest.raises(ConfigError) as caught:
        parse(TEXT.format(cluster=f"node_ports: {text}"), PATH)

    assert caught.value.message.startswith("wincnode.yaml:1: cluster.node_ports: is ")
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("cni", "mode", "port"),
    [("flannel", "overlay", "4789"), ("calico", "vxlan", "4789"), ("flannel", "host-gw", "")],
)
def test_the_overlay_s_port_is_that_of_the_network(cni: str, mode: str, port: str) -> None:
    """`install` lets it in where there is one."""
    inventory = parse(inventory_text(cni, mode), PATH)
    assert port_variables(inventory) == {"start": 34000, "count": 31536, "overlay": port}
    assert port_variables(parse(TEXT.format(cluster=""), PATH))["overlay"] == ""
