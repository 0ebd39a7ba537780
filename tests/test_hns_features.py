"""Which HNS knows what."""

from __future__ import annotations

import pytest
from hns_cases import NETWORKS

from wincnode.hns.documents.endpoint import HostComputeEndpoint, IpConfig
from wincnode.hns.documents.network import HostComputeNetwork, Ipam, Subnet
from wincnode.hns.documents.policies import (
    HostRoute,
    InterfaceParameters,
    SetPolicy,
    VxlanPort,
    policy,
)
from wincnode.hns.features import FEATURES, HnsVersion, has, lacking, supported
from wincnode.hns.networks import document


def version(text: str) -> HnsVersion:
    """Read a version."""
    major, _, minor = text.partition(".")
    return HnsVersion(major=int(major), minor=int(minor))


# First and last of each range of microsoft/hcsshim:hcn/hcnglobals.go, and what is beside them.
@pytest.mark.parametrize(
    ("feature", "yes", "no"),
    [
        ("ACL lists and ranges", "7.2 9.2 15.4", "7.1 6.9"),
        ("HCN", "9.2 10.0", "9.1 8.3"),
        ("RemoteSubnet", "9.2", "9.1"),
        ("HostRoute", "9.2", "9.1"),
        ("DSR", "9.3 9.5 10.2 13.2", "9.2 10.0 10.1"),
        ("Slash32EndpointPrefixes", "9.3 9.9 10.4", "9.2 10.0 10.3"),
        ("VxlanPort", "10.3 13.0", "9.5 10.2"),
        ("AclSupportForProtocol252", "11.0", "10.9"),
        ("IPv6DualStack", "11.10 12.0", "11.9"),
        ("SessionAffinity", "12.0", "11.11"),
        ("SetPolicy", "13.0", "12.9"),
        ("L4Proxy", "9.5 10.5 11.11 12.1 13.1 15.0", "9.4 10.0 10.4 11.10 12.0 13.0"),
        ("L4WfpProxy", "13.2", "13.1"),
        ("TierAcl", "14.0", "13.9"),
        ("NetworkACL", "15.0", "14.9"),
        ("NestedIpSet", "15.0", "14.9"),
        ("DisableHostPort", "15.1", "15.0"),
        ("ModifyLoadbalancer", "15.4", "15.3"),
        ("Accelnet", "15.4", "15.3"),
    ],
)
def test_ranges_begin_and_end_where_they_do(feature: str, yes: str, no: str) -> None:
    assert [text for text in yes.split() if not has(feature, version(text))] == []
    assert [text for text in no.split() if has(feature, version(text))] == []


def test_every_feature_has_a_case_above() -> None:
    """Each is tried there by the name that FEATURES has it under."""
    assert len(FEATURES) == 19
    assert supported(version("7.1")) == ()
    assert supported(version("15.4")) == tuple(FEATURES)


def test_what_the_networks_of_nodes_take_every_server_has() -> None:
    """Server 2019 tells 9.x."""
    for network in NETWORKS.values():
        assert list(lacking(document(network), build=17763, version=version("9.2"))) == []


def test_what_an_hns_does_not_know_is_refused_and_not_left_out() -> None:
    wish = HostComputeNetwork(
        policies=(
            policy(HostRoute()),
            policy(VxlanPort(port=8472)),
            policy(SetPolicy(policy_type="NESTEDIPSET")),
        ),
        flags=1024,
        ipams=(
            Ipam(
                subnets=(
                    Subnet(ip_address_prefix="10.0.0.0/24"),
                    Subnet(ip_address_prefix="fd00::/64", flags=1),
                )
            ),
        ),
    )

    assert list(lacking(wish, build=17763, version=version("9.5"))) == [
        "VxlanPort takes HNS 10.3 or later; the node has 9.5",
        "SetPolicy takes HNS 13.0 or later; the node has 9.5",
        "NestedIpSet takes HNS 15.0 or later; the node has 9.5",
        "DisableHostPort takes HNS 15.1 or later; the node has 9.5",
        "IPv6DualStack takes HNS 11.10 or later; the node has 9.5",
        "Ipams[0].Subnets[1].Flags takes Windows build 20348 or later; the node has 17763",
    ]
    assert list(lacking(wish, build=26100, version=version("15.1"))) == []


def test_an_unknown_version_is_told_and_never_guessed() -> None:
    (text,) = lacking(HostComputeNetwork(), build=26100, version=None)

    assert text == "HCN takes HNS 9.2 or later, and the node's version is not known"


def test_endpoints_are_held_to_it_too() -> None:
    wish = HostComputeEndpoint(
        ip_configurations=(IpConfig(ip_address="10.244.1.5", prefix_length=32),),
        policies=(policy(InterfaceParameters(mtu=1450)),),
    )

    assert list(lacking(wish, build=17763, version=version("10.0"))) == [
        "Slash32EndpointPrefixes takes HNS 9.3 to 9.x, or 10.4 or later; the node has 10.0",
        "Policies[0].Settings.Mtu takes Windows build 19041 or later; the node has 17763",
    ]
