"""Which networks a node is to have, of the inventory and of the cluster's network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wincnode.cluster.networks import load_networks
from wincnode.commands import network_wish as wishes
from wincnode.commands.network_wish import Asked, Target
from wincnode.errors import RunFailed
from wincnode.facts import Facts
from wincnode.hns.documents.network import EXTERNAL
from wincnode.hns.features import HnsVersion
from wincnode.hns.networks import mistakes
from wincnode.inventory import parse

HEAD = "connection: {user: a, password: {env: P}, port: 15986}\n"
NAT = "networks: [{name: nat, type: NAT, subnets: [{prefix: 172.20.0.0/16, gateway: 172.20.0.1}]}]"
OUTSIDE = "networks: [{name: outside, type: Transparent, adapter: Storage}]"
FLANNEL = "cluster: {cni: flannel}\n"
CALICO = "cluster: {cni: calico}\n"


def adapter(name: str, index: int, *addresses: str, physical: bool = True) -> dict[str, Any]:
    """Give an adapter as a node tells of it."""
    rows = [{"address": text, "prefix_length": 24, "origin": "Dhcp"} for text in addresses]
    row = {"name": name, "index": index, "description": f"{name} NIC", "mac": "", "up": True}
    return {**row, "physical": physical, "addresses": rows}


def facts(*networks: tuple[str, str], mtu: int = 1500, **changed: Any) -> Facts:
    """Give what a node with two adapters tells of itself."""
    sections: dict[str, Any] = {
        "os": {"build": 20348},
        "services": {"services": {"hns": {}}},
        "network": {
            "adapters": [adapter("Ethernet", 4, "10.0.0.5"), adapter("Storage", 5, "172.31.0.5")],
            "routes": [
                {"destination": "0.0.0.0/0", "next_hop": "10.0.0.1", "index": 4, "metric": 20},
                {"destination": "0.0.0.0/0", "next_hop": "10.0.0.2", "index": 4, "metric": 10},
                {"destination": "10.0.0.0/24", "next_hop": "0.0.0.0", "index": 4, "metric": 5},
            ],
        },
        "links": {"interfaces": [{"index": 4, "mtu": mtu}], "switches": None},
        "hns": {"networks": [{"name": name, "type": type_} for name, type_ in networks]},
    }
    return Facts(sections=sections | changed)


def target(text: str, found: Facts, node: str = "{}", **asked: Any) -> Target:
    """Give a node of an inventory."""
    inventory = parse(f"{HEAD}{text}nodes: {{web-1: {node}}}\n", Path("w.yaml"))
    return Target(
        inventory=inventory,
        node=inventory.nodes[0],
        facts=found,
        build=20348,
        asked=Asked(**asked),
    )


def names(one: Target) -> list[str]:
    """Give the networks that are missing, with their adapters."""
    rows = wishes.missing(one, wishes.wanted(one.inventory))
    return [f"{row.name} on {row.adapter}" for row in wishes.wish(one, rows).networks]


def test_every_mode_says_what_it_expects_of_a_node() -> None:
    """What the agents make on their first start, by their own scripts."""
    found = {
        f"{name} {mode.name}": mode.external
        for name, network in load_networks().items()
        for mode in network.modes.values()
    }

    assert {key: row.type if row else None for key, row in found.items()} == {
        "calico vxlan": "Overlay",
        "flannel overlay": "Overlay",
        "flannel host-gw": "L2Bridge",
        "none none": None,
    }
    for row in found.values():
        if row is not None:
            assert list(mistakes(row.network())) == []
            assert row.type in EXTERNAL
            assert row.source.count("/") > 1


def test_the_cluster_s_network_moves_the_adapter_of_the_default_route() -> None:
    one = target(FLANNEL, facts())
    wish = wishes.wish(one, wishes.wanted(one.inventory))

    assert names(one) == ["External on Ethernet"]
    assert wish.notes == (
        "adapter Ethernet: it alone has a usable default route",
        "not Storage: it has no default route",
        "MTU: frames of Ethernet have 1500 bytes, and 1450 of pods in VXLAN",
    )


def test_it_is_left_to_its_agent_where_somebody_says_so() -> None:
    assert names(target(f"{FLANNEL}network: {{external: false}}\n", facts())) == []
    assert names(target("", facts())) == []
    assert names(target("cluster: {cni: none}\n", facts())) == []


def test_networks_of_the_inventory_come_beside_it_or_in_its_place() -> None:
    both = target(f"{FLANNEL}network: {{{NAT}}}\n", facts())
    own = target(f"{FLANNEL}network: {{{OUTSIDE}}}\n", facts())

    assert names(both) == ["External on Ethernet", "nat on "]
    assert names(own) == ["outside on Storage"]


@pytest.mark.parametrize(
    ("there", "left"),
    [
        ([("External", "Overlay")], ["nat on "]),
        ([("external", "overlay"), ("NAT", "nat")], []),
        # Its agent has been there: the adapter has moved already.
        ([("flannel.4096", "Overlay")], ["nat on "]),
        ([("Calico", "L2Bridge")], ["nat on "]),
        ([("nat", "nat")], ["External on Ethernet"]),
        ([("Default Switch", "ICS")], ["External on Ethernet", "nat on "]),
    ],
)
def test_only_what_is_missing_is_made(there: list[tuple[str, str]], left: list[str]) -> None:
    one = target(f"{FLANNEL}network: {{{NAT}}}\n", facts(*there))

    assert names(one) == left


def test_what_hns_does_not_tell_is_taken_to_be_missing() -> None:
    """Its cmdlets may be missing; the node's own step finds out."""
    one = target(FLANNEL, facts(hns={"networks": None}))

    assert names(one) == ["External on Ethernet"]


@pytest.mark.parametrize(
    ("settings", "node", "asked", "chosen"),
    [
        ("network: {adapter: Storage}\n", "{}", {}, "Storage"),
        ("network: {adapter: Storage}\n", "{adapter: ethernet}", {}, "Ethernet"),
        ("", "{adapter: Ethernet}", {"adapter": "Storage"}, "Storage"),
        ("", "{node_ip: 172.31.0.5}", {}, "Storage"),
        ("", "{node_ip: 'fd00::5,172.31.0.5'}", {}, "Storage"),
    ],
)
def test_the_adapter_is_named_from_near_to_far(
    settings: str, node: str, asked: dict[str, Any], chosen: str
) -> None:
    one = target(FLANNEL + settings, facts(), node, **asked)

    assert names(one) == [f"External on {chosen}"]


def test_where_no_adapter_fits_nothing_is_planned() -> None:
    one = target(f"{FLANNEL}network: {{adapter: Wi-Fi}}\n", facts())
    with pytest.raises(RunFailed) as caught:
        names(one)
    assert caught.value.id == "network.adapter"
    assert "there is no adapter 'Wi-Fi'; the node has Ethernet, Storage" in caught.value.message

    unknown = target(FLANNEL, Facts(sections={}))
    with pytest.raises(RunFailed, match="its adapters are not known: network is unknown"):
        names(unknown)


def test_frames_are_told_where_their_size_is_known() -> None:
    jumbo = target(f"network: {{{OUTSIDE}, adapter: Ethernet}}\n", facts(mtu=9000))
    assert not [text for text in wishes.wish(jumbo, ()).notes if "MTU" in text]

    host = target("cluster: {cni: {name: flannel, mode: host-gw}}\n", facts(mtu=9000))
    notes = wishes.wish(host, wishes.wanted(host.inventory)).notes
    assert notes[-1] == "MTU: frames of Ethernet have 9000 bytes"


def test_what_the_node_s_hns_does_not_know_is_refused() -> None:
    text = (
        "network: {networks: [{name: o, type: Overlay, vxlan_port: 8472, subnets:"
        " [{prefix: 10.1.0.0/24, gateway: 10.1.0.1, vsid: 4096}]}]}\n"
    )
    one = target(text, facts())
    networks = wishes.wish(one, wishes.wanted(one.inventory)).networks

    wishes.refuse_unknown("web-1", networks, build=20348, version=HnsVersion(major=13, minor=2))
    with pytest.raises(
        RunFailed, match=r"o: VxlanPort takes HNS 10\.3 or later; the node has 9\.5"
    ):
        wishes.refuse_unknown("web-1", networks, build=17763, version=HnsVersion(major=9, minor=5))
