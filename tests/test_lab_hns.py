"""The Host Network Service of a simulated machine: what it binds, keeps, loses and refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wincnode.lab.windows.cmdlets import call
from wincnode.lab.windows.hns_rules import HnsError
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.profiles import load_profile

V2 = {"SchemaVersion": {"Major": 2, "Minor": 0}}


def machine(folder: Path, profile: str = "ws2022") -> Machine:
    return Machine(load_profile(profile), folder, computer="NODE1")


def network(name: str = "External", type: str = "L2Bridge", **members: Any) -> dict[str, Any]:
    subnet: dict[str, Any] = {
        "IpAddressPrefix": "192.168.255.0/24",
        "Routes": [{"NextHop": "192.168.255.1", "DestinationPrefix": "0.0.0.0/0"}],
    }
    if type == "Overlay":
        subnet["Policies"] = [{"Type": "VSID", "Settings": {"IsolationId": 9999}}]
    ipams = [{"Type": "Static", "Subnets": [subnet]}]
    return {"Name": name, "Type": type, "Ipams": ipams, **V2, **members}


@pytest.mark.parametrize("type", ["L2Bridge", "L2Tunnel", "Overlay", "Transparent"])
def test_an_external_network_binds_the_adapter_and_learns_its_address(
    tmp_path: Path, type: str
) -> None:
    """The adapter of the default route is taken where none is named; its address comes later."""
    hns = machine(tmp_path).hns
    made = hns.create("network", "", network(type=type))

    seen = [str(hns.query("network", made)["Policies"]).count("192.168.50.21") for _ in range(3)]

    assert hns.bound() == {"Ethernet": "vEthernet (Ethernet)"}
    assert seen == [0, 0, 1]
    hns.delete("network", made)
    assert hns.bound() == {}


@pytest.mark.parametrize("type", ["NAT", "Internal", "Private"])
def test_an_inner_network_binds_nothing(tmp_path: Path, type: str) -> None:
    """No adapter is touched."""
    hns = machine(tmp_path).hns
    hns.create("network", "", network(type=type))

    assert hns.bound() == {}


def test_a_network_on_an_adapter_under_another_switch_is_refused(tmp_path: Path) -> None:
    """Networks of one type share a switch; one of another type finds no adapter."""
    hns = machine(tmp_path).hns
    hns.create("network", "", network("first"))
    hns.create("network", "", network("second"))

    with pytest.raises(HnsError, match="0x803b0006"):
        hns.create("network", "", network("third", "Overlay"))


def test_a_boot_keeps_what_is_persistent(tmp_path: Path) -> None:
    """Server 2019 also loses what its flags do not call persistent."""
    for profile, kept in (("ws2019", ["b"]), ("ws2022", ["a", "b"])):
        folder = tmp_path / profile
        folder.mkdir()
        hns = machine(folder, profile).hns
        for name, flags in (("a", 0), ("b", 16), ("c", 8)):
            hns.create("network", "", network(name, "Internal", Flags=flags))

        hns.boot()

        assert [row["Name"] for row in hns.documents("network")] == kept


def test_an_endpoint_is_in_one_namespace_and_holds_its_network(tmp_path: Path) -> None:
    """The order of removal: endpoint, then network."""
    hns = machine(tmp_path).hns
    made = hns.create("network", "", network(type="Internal"))
    end = hns.create("endpoint", "", V2, made)
    space = hns.create("namespace", "", V2)
    add = {"ResourceType": "Endpoint", "RequestType": "Add", "Settings": {"EndpointId": end}}
    hns.modify("namespace", space, add)

    with pytest.raises(HnsError, match="0x803b002b"):
        hns.modify("namespace", space, add)
    with pytest.raises(HnsError, match="0x803b002c"):
        hns.delete("network", made)
    assert hns.query("endpoint", end)["IpConfigurations"][0]["IpAddress"] == "192.168.255.2"
    hns.delete("endpoint", end)
    assert hns.query("namespace", space)["Resources"] == []
    hns.delete("network", made)


def test_a_restart_of_the_service_voids_endpoints(tmp_path: Path) -> None:
    """While it is stopped, nothing answers; after it the networks are there."""
    node = machine(tmp_path)
    made = node.hns.create("network", "", network(type="Internal"))
    node.hns.create("endpoint", "", V2, made)
    node.services.start("hns")
    node.services.stop("hns")

    with pytest.raises(HnsError, match="0x803b0020"):
        node.hns.enumerate("network")
    node.services.start("hns")

    assert (node.hns.enumerate("network"), node.hns.enumerate("endpoint")) == ((made,), ())


def test_cmdlets_show_what_is_there(tmp_path: Path) -> None:
    """Networks of the profile, and those that were made since."""
    node = machine(tmp_path, "net.hns.networks")
    made = node.hns.create("network", "", network(type="Internal"))
    node.hns.create("endpoint", "", V2, made)

    shown = call(node, "Get-HnsNetwork", {})

    assert [(row["Name"], row["Type"]) for row in shown] == [
        ("nat", "NAT"),
        ("flannel.4096", "Overlay"),
        ("External", "Internal"),
    ]
    assert shown[2]["Subnets"] == [{"AddressPrefix": "192.168.255.0/24"}]
    assert len(call(node, "Get-HnsEndpoint", {})) == 1
    assert node.hns.bound() == {}
