"""Documents of HNS: what each build is sent, and where each field stands."""

from __future__ import annotations

import dataclasses
import importlib
import json
import pkgutil
from collections.abc import Iterator
from typing import Any

import golden_texts
import hns_cases
import pytest

from wincnode.hcs.documents.fields import FIRST_BUILD, known, to_document
from wincnode.hns import documents
from wincnode.hns.documents import network as networks
from wincnode.hns.documents import policies
from wincnode.hns.documents.fields import BUILDS
from wincnode.hns.networks import document


def types() -> Iterator[type]:
    """Give every type of a document."""
    for module in pkgutil.iter_modules(documents.__path__):
        found = importlib.import_module(f"{documents.__name__}.{module.name}")
        for value in vars(found).values():
            own = isinstance(value, type) and value.__module__ == found.__name__
            if own and dataclasses.is_dataclass(value):
                yield value


FIELDS = tuple((one, row) for one in types() for row in dataclasses.fields(one))


def plain(name: str) -> dict[str, Any]:
    """Give a network's document but for whose it is and whether it outlives a reboot."""
    found: dict[str, Any] = to_document(document(hns_cases.NETWORKS[name]), 20348)
    return {key: value for key, value in found.items() if key not in {"Owner", "Flags"}}


@pytest.mark.parametrize("name", hns_cases.texts())
def test_documents_are_the_golden_ones(name: str) -> None:
    """`python tests/hns_cases.py` writes them anew."""
    written = (hns_cases.GOLDEN / name).read_text(encoding="utf-8")

    assert hns_cases.texts()[name] + "\n" == written


def test_there_is_a_golden_document_of_each_type_and_build() -> None:
    for build in golden_texts.BUILDS:
        found = {
            json.loads((hns_cases.GOLDEN / str(build) / f"{name}.json").read_text())[0]["Type"]
            for name in hns_cases.NETWORKS
        }
        assert found == set(networks.TYPES)


def test_no_golden_document_is_left_that_nothing_makes() -> None:
    there = {str(path.relative_to(hns_cases.GOLDEN)) for path in hns_cases.GOLDEN.rglob("*.*")}

    assert there == set(hns_cases.texts())


def test_the_overlay_is_the_one_that_flannel_makes() -> None:
    """flannel-io/flannel:pkg/backend/vxlan/device_windows.go@cdf76059."""
    assert plain("overlay") == {
        "Name": "flannel.4096",
        "Type": "Overlay",
        "Ipams": [
            {
                "Type": "Static",
                "Subnets": [
                    {
                        "IpAddressPrefix": "10.244.1.0/24",
                        "Routes": [{"NextHop": "10.244.1.1", "DestinationPrefix": "0.0.0.0/0"}],
                        "Policies": [{"Type": "VSID", "Settings": {"IsolationId": 4096}}],
                    }
                ],
            }
        ],
        "Policies": [{"Type": "NetAdapterName", "Settings": {"NetworkAdapterName": "Ethernet"}}],
        "SchemaVersion": {"Major": 2, "Minor": 0},
    }


def test_the_nat_is_the_one_that_the_plugin_makes() -> None:
    """microsoft/windows-container-networking, by the configuration that containerd ships."""
    subnet = {
        "IpAddressPrefix": "172.20.0.0/16",
        "Routes": [{"NextHop": "172.20.0.1", "DestinationPrefix": "0.0.0.0/0"}],
    }
    assert plain("nat") == {
        "Name": "nat",
        "Type": "NAT",
        "Ipams": [{"Type": "Static", "Subnets": [subnet]}],
        "SchemaVersion": {"Major": 2, "Minor": 0},
    }


@pytest.mark.parametrize(
    ("name", "vsid"), [("external-overlay", 9999), ("external-l2bridge", None)]
)
def test_external_has_the_addresses_that_calico_gives_it(name: str, vsid: int | None) -> None:
    """projectcalico/calico:node/windows-packaging/CalicoWindows/node/node-service.ps1@87c15906."""
    found = plain(name)
    (subnet,) = found["Ipams"][0]["Subnets"]

    assert found["Name"] == "External"
    assert subnet["IpAddressPrefix"] == "192.168.255.0/30"
    assert subnet["Routes"] == [{"NextHop": "192.168.255.1", "DestinationPrefix": "0.0.0.0/0"}]
    wanted = [{"Type": "VSID", "Settings": {"IsolationId": vsid}}] if vsid else None
    assert subnet.get("Policies") == wanted


def test_every_network_is_ours_and_outlives_a_reboot() -> None:
    for network in hns_cases.NETWORKS.values():
        found = to_document(document(network), FIRST_BUILD)
        assert (found["Owner"], found["Flags"]) == ("wincnode", 16)
        assert "ID" not in found


def test_every_field_has_a_name_a_first_build_and_a_source() -> None:
    assert len(FIELDS) > 90
    for one, row in FIELDS:
        assert row.metadata["name"][0].isupper(), one
        assert row.metadata["build"] >= FIRST_BUILD
        full = one(**{row.name: True})
        for _, _, source in known(full):
            assert source.partition("#")[2], (one, row.name)
            assert source.count("/") > 1


@pytest.mark.parametrize("build", sorted({17763, 18362, *BUILDS.values(), 26100}))
def test_fields_unknown_to_a_build_are_never_sent_to_it(build: int) -> None:
    for one, row in FIELDS:
        sent = to_document(one(**{row.name: True}), build)

        assert sent == ({row.metadata["name"]: True} if row.metadata["build"] <= build else {})


def test_each_policy_says_where_it_belongs() -> None:
    kinds = {
        value.policy: value.on
        for value in vars(policies).values()
        if dataclasses.is_dataclass(value) and hasattr(value, "policy")
    }

    assert kinds["VSID"] == kinds["VLAN"] == ("subnet",)
    assert kinds["NetAdapterName"] == ("network",)
    assert kinds["OutBoundNAT"] == ("endpoint",)
    assert all(on and set(on) <= {"network", "subnet", "endpoint"} for on in kinds.values())
