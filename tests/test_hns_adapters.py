"""Which adapter a network is made on, and how the choice explains itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wincnode.hns.adapters import Adapter, Node, Switch, choose

ETHERNET = Adapter(
    name="Ethernet", description="Intel(R) I350", addresses=("10.0.0.5",), metric=256
)
STORAGE = Adapter(name="Storage", description="Mellanox", addresses=("172.31.0.5",))
SECOND = Adapter(name="Ethernet 2", description="Intel #2", addresses=("10.1.0.5",), metric=256)
DOWN = Adapter(name="Spare", up=False)
UNPLUGGED = Adapter(name="Bare", addresses=("169.254.3.4",), metric=1)
NAT = Adapter(
    name="vEthernet (nat)",
    description="Hyper-V Virtual Ethernet Adapter",
    physical=False,
    addresses=("172.20.0.1",),
)
VIRTUAL = Adapter(
    name="vEthernet (Ethernet)",
    description="Hyper-V Virtual Ethernet Adapter #2",
    physical=False,
    addresses=("10.0.0.5",),
    metric=256,
)
UNDER = replace(ETHERNET, addresses=(), metric=None)
TEAM = Adapter(
    name="Team1",
    description="Microsoft Network Adapter Multiplexor Driver",
    physical=False,
    addresses=("10.0.0.5",),
    metric=256,
)
MEMBERS = (Adapter(name="NIC1"), Adapter(name="NIC2"))


def told(*adapters: Adapter, **more: object) -> list[str]:
    """Give the choice as a reader sees it."""
    return list(choose(replace(Node(adapters=adapters, build=20348), **more)).lines())  # type: ignore[arg-type]  # fields of Node


def test_the_only_one_with_a_default_route_is_taken() -> None:
    assert told(ETHERNET, STORAGE, DOWN, UNPLUGGED, NAT) == [
        "adapter Ethernet: it alone has a usable default route",
        "not Spare: it is down",
        "not Bare: it has no address",
        "not vEthernet (nat): it is virtual",
        "not Storage: it has no default route",
    ]


def test_the_node_s_own_address_goes_before_routes() -> None:
    assert told(ETHERNET, SECOND, address="10.1.0.5") == [
        "adapter Ethernet 2: it has the node's address 10.1.0.5"
    ]
    assert told(ETHERNET, SECOND, STORAGE, address="172.31.0.5") == [
        "adapter Storage: it has the node's address 172.31.0.5"
    ]


def test_the_lowest_metric_decides_between_several() -> None:
    assert told(ETHERNET, replace(SECOND, metric=10)) == [
        "adapter Ethernet 2: its default route has the lowest metric, 10",
        "not Ethernet: its default route has the metric 256, not 10",
    ]


def test_between_equals_nobody_guesses() -> None:
    (said,) = told(ETHERNET, SECOND)

    assert said == (
        "several adapters have a default route of the metric 256: Ethernet, Ethernet 2; name one"
        " in the inventory (network.adapter, or adapter of the node), or give the node's node_ip"
    )
    assert told(ETHERNET, SECOND, asked="ethernet 2") == ["adapter Ethernet 2: it was asked for"]


def test_the_one_that_is_asked_for_must_be_usable() -> None:
    assert told(ETHERNET, DOWN, asked="Spare") == ["Spare was asked for, but it is down"]
    assert told(ETHERNET, DOWN, asked="Wi-Fi") == [
        "there is no adapter 'Wi-Fi'; the node has Ethernet, Spare"
    ]
    assert told(asked="Wi-Fi") == ["there is no adapter 'Wi-Fi'; the node has none"]
    # An adapter beside that of WinRM needs neither address nor route.
    assert told(ETHERNET, replace(STORAGE, addresses=()), asked="storage") == [
        "adapter Storage: it was asked for"
    ]


def test_no_switch_is_made_on_a_team_from_server_2022_on() -> None:
    said = told(*MEMBERS, TEAM)

    assert said[0] == "no adapter is up, has an address and a default route, and is free"
    assert (
        "not Team1: it is a team by LBFO, on which build 20348 makes no switch; use Switch"
        " Embedded Teaming"
    ) in said
    assert told(*MEMBERS, TEAM, build=17763)[0] == (
        "adapter Team1: it alone has a usable default route"
    )


def test_a_switch_of_somebody_else_holds_its_adapter() -> None:
    held = Switch(name="Lab", adapter="Intel(R) I350")

    assert told(ETHERNET, STORAGE, switches=(held,)) == [
        "no adapter is up, has an address and a default route, and is free",
        "not Ethernet: the switch Lab, which is none of HNS's, holds it",
        "not Storage: it has no default route",
    ]
    assert told(ETHERNET, asked="Ethernet", switches=(held,)) == [
        "Ethernet was asked for, but the switch Lab, which is none of HNS's, holds it"
    ]


@pytest.mark.parametrize("asked", ["", "Ethernet", "vEthernet (Ethernet)"])
def test_an_adapter_with_a_switch_of_hns_is_found_by_its_port(asked: str) -> None:
    """The second time, the address is the virtual adapter's."""
    own = Switch(name="External", adapter="Intel(R) I350")
    node = Node(
        adapters=(UNDER, VIRTUAL, NAT),
        switches=(own,),
        networks=frozenset({"External", "nat"}),
        build=20348,
        asked=asked,
    )
    choice = choose(node)

    assert (choice.adapter, choice.bound) == ("Ethernet", "vEthernet (Ethernet)")
    assert choice.others == (() if asked else (("vEthernet (nat)", "it is virtual"),))


def test_a_port_of_somebody_else_s_switch_is_no_port_of_hns() -> None:
    held = Switch(name="Lab", adapter="Intel(R) I350")

    assert told(UNDER, VIRTUAL, switches=(held,)) == [
        "Ethernet is not usable: the switch Lab, which is none of HNS's, holds it"
    ]
    # Where HNS does not tell its networks, nobody knows whose the switch is.
    assert told(UNDER, VIRTUAL, switches=(held,), networks=None) == [
        "adapter Ethernet: it alone has a usable default route, by its port vEthernet (Ethernet)"
    ]


def test_a_node_without_adapters_says_so() -> None:
    assert told() == ["the node tells of no adapter"]
