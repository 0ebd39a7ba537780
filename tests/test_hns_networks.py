"""Networks that are wanted: their mistakes, and which become of which."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import hns_cases
import pytest

from wincnode.hns import plan as plans
from wincnode.hns.networks import Network, Subnet, Way, mistakes
from wincnode.hns.plan import Difference
from wincnode.hns.reading import Reading, reading
from wincnode.hns.steps import rendered, unwanted, wanted

OVERLAY = hns_cases.NETWORKS["overlay"]
NAT = hns_cases.NETWORKS["nat"]
BUILD = 20348


def having(*documents: Mapping[str, Any], owned: tuple[str, ...] = ()) -> Reading:
    """Give what a node tells that has these networks."""
    return reading(
        {
            "version": {"major": 13, "minor": 2},
            "networks": [{"ID": hns_cases.ID, **row} for row in documents],
            "endpoints": [],
            "namespaces": [],
            "owned": list(owned),
            "error": "",
        }
    )


def there(network: Network, **changed: Any) -> dict[str, Any]:
    """Give a network as HNS returns it, with what it adds by itself."""
    made = {**rendered(network, build=BUILD), **changed}
    own = [{"Type": "ProviderAddress", "Settings": {"ProviderAddress": "10.0.0.5"}}]
    return {**made, "Policies": [*made.get("Policies", ()), *own], "State": 1}


@pytest.mark.parametrize("name", hns_cases.NETWORKS)
def test_good_networks_have_no_mistakes(name: str) -> None:
    assert list(mistakes(hns_cases.NETWORKS[name])) == []


SUBNET = OVERLAY.subnets[0]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (replace(NAT, adapter="Ethernet"), "adapter: NAT is made on no adapter"),
        (replace(NAT, vxlan_port=4790), "vxlan_port: NAT carries no VXLAN"),
        (replace(OVERLAY, subnets=()), "subnets: missing; Overlay takes at least one"),
        (
            Network(name="p", type="Private", subnets=NAT.subnets),
            "subnets: Private connects containers by their hardware addresses alone",
        ),
        (
            replace(NAT, subnets=(*NAT.subnets, Subnet(prefix="10.9.0.0/24", gateway="10.9.0.1"))),
            "subnets: has several; WinNAT takes one prefix",
        ),
        (
            replace(OVERLAY, subnets=(replace(SUBNET, prefix="10.244.1.0"),)),
            "subnets[0].prefix: is '10.244.1.0'; it takes a network such as 10.244.0.0/24",
        ),
        (
            replace(OVERLAY, subnets=(replace(SUBNET, prefix="10.244.1.5/24"),)),
            "subnets[0].prefix: is '10.244.1.5/24'; it takes a network such as 10.244.0.0/24",
        ),
        (
            replace(OVERLAY, subnets=(replace(SUBNET, gateway=""),)),
            "subnets[0].gateway: missing; HNS takes a default route for each subnet",
        ),
        (
            replace(OVERLAY, subnets=(replace(SUBNET, gateway="10.0.0.1"),)),
            "subnets[0].gateway: 10.0.0.1 is no address of 10.244.1.0/24",
        ),
        (
            replace(OVERLAY, subnets=(replace(SUBNET, gateway="gw"),)),
            "subnets[0].gateway: gw is no address of 10.244.1.0/24",
        ),
        (
            replace(OVERLAY, subnets=(replace(SUBNET, vsid=0),)),
            "subnets[0].vsid: missing; Overlay takes a number from 4096 to 16777215",
        ),
        (
            replace(OVERLAY, subnets=(replace(SUBNET, vsid=1),)),
            "subnets[0].vsid: is 1; Overlay takes a number from 4096 to 16777215",
        ),
        (
            replace(OVERLAY, type="L2Bridge"),
            "subnets[0].vsid: L2Bridge has no virtual subnets",
        ),
        (
            replace(OVERLAY, subnets=(replace(SUBNET, vlan=5),)),
            "subnets[0].vlan: Overlay tags no frames",
        ),
        (
            Network(
                name="t",
                type="Transparent",
                subnets=(Subnet(prefix="10.1.0.0/24", gateway="10.1.0.1", vlan=4095),),
            ),
            "subnets[0].vlan: is 4095; it takes a number up to 4094",
        ),
        (
            replace(
                OVERLAY, subnets=(replace(SUBNET, routes=(Way(prefix="fd00::/8", next_hop="x"),)),)
            ),
            "subnets[0].routes: 'fd00::/8' is no network of the subnet's family",
        ),
        (
            replace(
                OVERLAY,
                subnets=(
                    replace(SUBNET, routes=(Way(prefix="10.8.0.0/16", next_hop="10.0.0.1"),)),
                ),
            ),
            "subnets[0].routes: the next hop 10.0.0.1 is no address of 10.244.1.0/24",
        ),
        (
            replace(OVERLAY, subnets=(SUBNET, replace(SUBNET, prefix="10.244.0.0/16", vsid=5000))),
            "subnets[1].prefix: 10.244.0.0/16 overlaps 10.244.1.0/24",
        ),
        (replace(NAT, dns_servers=("dns",)), "dns_servers: 'dns' is no address"),
        (
            replace(NAT, mac_ranges=("00-15-5D-52-CF-FF 00-15-5D-52-C0-00",)),
            (
                "mac_ranges: '00-15-5D-52-CF-FF 00-15-5D-52-C0-00' is no range such as"
                " 00-15-5D-52-C0-00 00-15-5D-52-CF-FF"
            ),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_hns_would_refuse_is_told_by_its_field(wrong: Network, said: str) -> None:
    assert [f"{field}: {text}" for field, text in mistakes(wrong)] == [said]


@pytest.mark.parametrize("name", hns_cases.NETWORKS)
def test_a_network_that_is_as_wanted_is_kept(name: str) -> None:
    """Each type, with what HNS adds to a network by itself."""
    network = hns_cases.NETWORKS[name]
    (row,) = plans.plan([network], having(there(network)), build=BUILD)

    assert (row.action, row.differences, row.moves) == ("keep", (), False)
    assert row.text == "wincnode's, as wanted"


@pytest.mark.parametrize("name", hns_cases.NETWORKS)
def test_a_network_that_is_not_there_is_made(name: str) -> None:
    network = hns_cases.NETWORKS[name]
    (row,) = plans.plan([network], having(), build=BUILD)

    assert row.action == "create"
    assert row.moves == (name not in {"nat", "internal", "private"})


SUBNETS = there(OVERLAY)["Ipams"][0]["Subnets"][0]


def drifted(subnet: Mapping[str, Any]) -> list[Any]:
    return [{"Type": "Static", "Subnets": [subnet]}]


@pytest.mark.parametrize(
    ("field", "changed", "have", "want"),
    [
        ("type", {"Type": "L2Bridge"}, "L2Bridge", "Overlay"),
        (
            "adapter",
            {"Policies": [{"Type": "NetAdapterName", "Settings": {"NetworkAdapterName": "B"}}]},
            "B",
            "Ethernet",
        ),
        (
            "prefixes",
            {"Ipams": drifted({**SUBNETS, "IpAddressPrefix": "10.244.9.0/24"})},
            ["10.244.9.0/24"],
            ["10.244.1.0/24"],
        ),
        (
            "gateways",
            {
                "Ipams": drifted(
                    {
                        **SUBNETS,
                        "Routes": [{"NextHop": "10.244.1.9", "DestinationPrefix": "0.0.0.0/0"}],
                    }
                )
            },
            ["10.244.1.9"],
            ["10.244.1.1"],
        ),
        (
            "vsids",
            {
                "Ipams": drifted(
                    {**SUBNETS, "Policies": [{"Type": "VSID", "Settings": {"IsolationId": 5000}}]}
                )
            },
            ["5000"],
            ["4096"],
        ),
    ],
)
def test_drift_is_shown_field_by_field(
    field: str, changed: Mapping[str, Any], have: object, want: object
) -> None:
    now = having(there(OVERLAY, **changed))
    (row,) = plans.plan([OVERLAY], now, build=BUILD)

    assert row.action == "replace"
    assert row.differences == (Difference(field=field, have=have, want=want),)  # type: ignore[arg-type]  # of the case
    assert row.text == f"wincnode's, with another {field}"
    assert row.moves


@pytest.mark.parametrize(
    ("name", "member", "value", "field"),
    [
        ("l2bridge", "Dns", {"ServerList": ["10.96.0.11"]}, "dns_servers, dns_search"),
        ("internal", "Dns", {"Domain": "other.example"}, "dns_suffix"),
        ("private", "MacPool", {"Ranges": []}, "mac_ranges"),
        ("l2tunnel", "Ipams", [], "prefixes, gateways, routes"),
        ("nat", "Ipams", None, "prefixes, gateways"),
    ],
)
def test_what_else_is_asked_for_drifts_too(
    name: str, member: str, value: object, field: str
) -> None:
    network = hns_cases.NETWORKS[name]
    (row,) = plans.plan([network], having(there(network, **{member: value})), build=BUILD)

    assert row.text == f"wincnode's, with another {field}"


def test_what_nobody_asks_for_may_be_anything() -> None:
    """Name servers that HNS or somebody else gave an overlay for which none are wanted."""
    now = having(there(OVERLAY, Dns={"ServerList": ["10.0.0.2"], "Domain": "x.example"}))
    (row,) = plans.plan([OVERLAY], now, build=BUILD)

    assert row.action == "keep"


def test_only_own_networks_are_changed() -> None:
    """Whose it is, its owner says, or the node's list of what wincnode made."""
    changed = there(OVERLAY, Type="L2Bridge")
    for owner in ("", "flannel", "WINCNODE"):
        (row,) = plans.plan([OVERLAY], having({**changed, "Owner": owner}), build=BUILD)
        assert row.action == "foreign"
        assert row.text.endswith("with another type; wincnode changes its own networks alone")
        assert not row.moves
    for owner, action in (("", "replace"), ("flannel", "foreign")):
        listed = having({**changed, "Owner": owner}, owned=("flannel.4096",))
        assert plans.plan([OVERLAY], listed, build=BUILD)[0].action == action


def test_another_s_network_that_is_as_wanted_is_left_as_it_is() -> None:
    (row,) = plans.plan([OVERLAY], having({**there(OVERLAY), "Owner": "flannel"}), build=BUILD)

    assert (row.action, row.text) == ("keep", "flannel's, as wanted")


def test_an_hns_that_does_not_repeat_the_adapter_proves_nothing() -> None:
    (row,) = plans.plan([OVERLAY], having(there(OVERLAY) | {"Policies": []}), build=BUILD)

    assert row.action == "keep"


def test_words_that_windows_takes_in_any_case_are_no_drift() -> None:
    """The guides write `overlay`, and people `ethernet`."""
    document = {**there(OVERLAY, Type="overlay"), "Name": "FLANNEL.4096"}
    (row,) = plans.plan([replace(OVERLAY, adapter="ETHERNET")], having(document), build=BUILD)

    assert row.action == "keep"


def test_a_nat_without_its_type_is_one() -> None:
    document = {key: value for key, value in there(NAT).items() if key != "Type"}
    (row,) = plans.plan([NAT], having(document), build=BUILD)

    assert row.action == "keep"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (
            Network(name="docker", type="NAT"),
            "the network docker is of type NAT, and WinNAT takes one prefix",
        ),
    ],
)
def test_a_second_nat_is_told_before_hns_refuses_it(other: Network, said: str) -> None:
    (row,) = plans.plan([NAT], having(there(other)), build=BUILD)

    assert (row.action, row.text) == ("blocked", said)


def test_addresses_and_virtual_subnets_of_others_are_not_taken() -> None:
    other = replace(
        OVERLAY,
        name="Calico",
        subnets=(Subnet(prefix="10.99.0.0/24", gateway="10.99.0.1", vsid=4096),),
    )
    bridge = Network(
        name="cbr0",
        type="L2Bridge",
        subnets=(Subnet(prefix="10.244.0.0/16", gateway="10.244.0.1"),),
    )
    rows = [plans.plan([OVERLAY], having(there(one)), build=BUILD)[0] for one in (other, bridge)]

    assert [row.text for row in rows] == [
        "the network Calico has the virtual subnet 4096 already",
        "10.244.0.0/16 of the network cbr0 has addresses of flannel.4096",
    ]


def test_a_step_asks_for_what_is_wanted_and_nothing_else() -> None:
    fields = wanted(OVERLAY, build=BUILD)

    assert set(fields) == {
        *("name", "state", "type", "adapter", "prefixes", "gateways", "vsids", "document")
    }
    assert json.loads(str(fields["document"])) == rendered(OVERLAY, build=BUILD)
    assert unwanted("External") == {"name": "External", "state": "absent"}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "x",
        {"networks": "x", "endpoints": {"a": 1}, "version": "13.2", "owned": [1]},
        {"networks": [None, 1, [], {"Name": 5, "Policies": "x", "Ipams": [{"Subnets": 1}]}]},
        {"networks": [{"Ipams": [{"Subnets": [{"Routes": [1], "Policies": [{"Settings": []}]}]}]}]},
        {"networks": [{"MacPool": {"Ranges": 1}, "Dns": {"ServerList": "10.0.0.1"}}]},
        {"networks": [{"Ipams": [{"Subnets": [{"IpAddressPrefix": "no/prefix"}]}]}]},
        {"version": {"major": True, "minor": "2"}},
    ],
)
def test_an_answer_of_any_form_is_read(answer: Any) -> None:
    """What has not the form that HNS gives it counts for nothing."""
    found = reading(answer)

    assert found.version is None
    rows = plans.plan([OVERLAY], found, build=BUILD)
    assert rows[0].action == "create"


def test_endpoints_are_told_with_their_network() -> None:
    found = reading(
        {
            "networks": [{"ID": hns_cases.ID.upper(), "Name": "cbr0", "Owner": "x"}],
            "endpoints": [
                {
                    "ID": "1",
                    "Name": "cbr0_ep",
                    "HostComputeNetwork": hns_cases.ID,
                    "IpConfigurations": [{"IpAddress": "10.244.1.2"}],
                },
                {"ID": "2", "HostComputeNetwork": "gone"},
            ],
            "namespaces": [{}, {}],
        }
    )

    assert [(one.name, one.network, one.addresses) for one in found.endpoints] == [
        ("cbr0_ep", "cbr0", ("10.244.1.2",)),
        ("", "gone", ()),
    ]
    assert found.namespaces == 2
