"""Networks on both engines: made, left alone, repaired, removed; and HNS that does not do it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from guarded import held
from hns_networks import TYPES, document, ended, facts, fields, outcomes, step
from nodes import ENGINES, lab_node

from wincnode.lab.nodes import LabNode

INNER = ("NAT", "Internal", "Private")
# An adapter takes networks of one type at a time, so that builds share the types.
EXTERNAL = {
    "ws2019": ("L2Bridge", "L2Tunnel"),
    "ws2022": ("Overlay",),
    "ws2025": ("Transparent",),
}
PREFIXES = {"NAT": ("172.20.0.0/24",), "Internal": ("10.1.1.0/24",)}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def node(engine: str, tmp_path: Path) -> Iterator[LabNode]:
    with lab_node(tmp_path / "node", engine=engine) as running:
        yield running


def names(node: LabNode, kind: str = "network") -> list[str]:
    return [row["Name"] for row in node.machine.hns.documents(kind)]


def prefixes(node: LabNode) -> list[str]:
    return [
        subnet["IpAddressPrefix"]
        for row in node.machine.hns.documents("network")
        for ipam in row["Ipams"]
        for subnet in ipam["Subnets"]
    ]


@pytest.mark.parametrize("profile", EXTERNAL)
def test_a_network_of_each_type_is_shown_made_left_alone_and_removed(
    engine: str, tmp_path: Path, profile: str
) -> None:
    """Nothing is made by a check; one after the other, as they cannot share the adapter."""
    wanted = [step(fields(type, type)) for type in TYPES]
    gone = [step({"name": type, "state": "absent"}) for type in TYPES]
    with lab_node(tmp_path / "node", engine=engine, profile=profile) as node:
        assert outcomes(node, "check", *wanted) == ["would_change"] * 7
        assert (names(node), dict(node.machine.hns.bound())) == ([], {})

        rows = [row for one, other in zip(wanted, gone, strict=True) for row in (one, one, other)]

        assert outcomes(node, "apply", *rows, *gone) == [
            *["changed", "ok", "changed"] * 7,
            *["ok"] * 7,
        ]
        assert (names(node), dict(node.machine.hns.bound())) == ([], {})


@pytest.mark.parametrize("profile", EXTERNAL)
def test_a_network_that_was_changed_by_hand_is_shown_and_repaired(
    engine: str, tmp_path: Path, profile: str
) -> None:
    """Each has other addresses, or hardware addresses, and an endpoint; a check tells which."""
    with lab_node(tmp_path / "node", engine=engine, profile=profile) as node:
        for external in EXTERNAL[profile]:
            types = (*INNER, external) if external == EXTERNAL[profile][0] else (external,)
            wanted = [step(fields(type, type, *PREFIXES.get(type, ()))) for type in types]
            assert outcomes(node, "apply", *wanted) == ["changed"] * len(types)
            assert outcomes(node, "check", *wanted) == ["ok"] * len(types)
            assert bool(node.machine.hns.bound())
            before = prefixes(node)
            for type in types:
                drift(node, type)

            shown = ended(node, "check", *wanted)
            repaired = outcomes(node, "apply", *wanted, *wanted)

            for row in shown:
                fields_ = ["mac_ranges"] if row.step == "Private" else ["gateways", "prefixes"]
                assert [field for field, _, _ in row.diff] == fields_
            assert repaired == ["changed"] * len(types) + ["ok"] * len(types)
            assert (sorted(prefixes(node)), names(node, "endpoint")) == (sorted(before), [])
            gone = step({"name": external, "state": "absent"})
            assert outcomes(node, "apply", gone) == ["changed"]
            assert dict(node.machine.hns.bound()) == {}


def drift(node: LabNode, type: str) -> None:
    """Make a network anew by hand, otherwise than it was, and with an endpoint."""
    hns = node.machine.hns
    (old,) = (row for row in hns.documents("network") if row["Name"] == type)
    hns.delete("network", str(old["ID"]))
    other = {
        "Ranges": [{"StartMacAddress": "00-15-5D-99-00-00", "EndMacAddress": "00-15-5D-99-0F-FF"}]
    }
    made = hns.create("network", "", document(type, type, "10.9.9.0/24", MacPool=other))
    hns.create("endpoint", "", {"SchemaVersion": {"Major": 2, "Minor": 0}}, made)


def test_a_network_of_another_is_left_alone(node: LabNode) -> None:
    """One that is as wanted does; one that is not is a failure by its name, shown before, too."""
    hns = node.machine.hns
    theirs = document("cbr0", "Internal")
    del theirs["Owner"]
    hns.create("network", "", theirs)
    hns.create("network", "", document("docker", "Internal", "10.1.1.0/24", Owner="docker"))
    before = hns.documents("network")

    assert outcomes(node, "apply", step(fields("cbr0", "Internal"))) == ["ok"]
    for mode in ("check", "apply"):
        (found,) = ended(node, mode, step(fields("cbr0", "Internal", "10.7.7.0/24")))
        assert found.error == (
            "hns.foreign: the network cbr0 is not wincnode's and not as wanted (gateways,"
            " prefixes), so it is left alone."
        )
        (found,) = ended(node, mode, step({"name": "docker", "state": "absent"}))
        assert found.error.startswith("hns.foreign: the network docker is not wincnode's")
    assert hns.documents("network") == before
    assert not node.machine.path(r"C:\Program Files\wincnode\manifest.json").exists()


# What the step says that would make a network.
FAULTS = {
    "hns-refused": "HcnCreateNetwork gave 0x803b0006. An adapter was not found.",
    "hns-hangs": "HcnCreateNetwork took too long.",
    "hns-restarts": "HcnCreateNetwork gave 0x800706be.",
    "hns-stopped": (
        "HcnEnumerateNetworks gave 0x803b0020. Operation cannot be performed while service is"
        " stopping."
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_hns_does_not_do_leaves_the_node_as_it_was(node: LabNode, fault: str) -> None:
    """The code of Windows is told; a hanging call ends within the step's limit."""
    node.machine.hns.faults.add(fault)

    # Compiling takes a good second, and ten on a busy machine.
    limit_s = 30 if fault == "hns-hangs" else 120
    (found,) = ended(node, "apply", step(fields("net", "L2Bridge"), timeout_s=limit_s))

    assert found.outcome == "failed"
    # While a call hangs, nobody can ask what it has made.
    assert found.error == FAULTS[fault] or (
        fault == "hns-hangs" and found.error.startswith(f"{FAULTS[fault]} What may have been made")
    )
    assert (names(node), dict(node.machine.hns.bound())) == ([], {})
    node.machine.hns.faults.clear()
    assert outcomes(node, "apply", step(fields("net", "L2Bridge"))) == ["changed"]


def test_a_node_that_may_not_call_hns_says_so_by_an_id(node: LabNode) -> None:
    """In a check and in a run; nothing is made, removed or left behind."""
    assert outcomes(node, "apply", step(fields("net", "NAT"))) == ["changed"]
    before, there = held(node.machine), node.machine.hns.documents("network")
    node.machine.compute.faults.add("hcs-refused")

    for mode in ("check", "apply"):
        for wanted in (fields("net", "NAT", "10.5.5.0/24"), {"name": "net", "state": "absent"}):
            (found,) = ended(node, mode, step(wanted))
            assert found.outcome == "failed"
            assert found.error.startswith("hns.refused: ")
    assert facts(node)["error"].startswith("hns.refused: ")
    assert (held(node.machine), node.machine.hns.documents("network")) == (before, there)


def test_what_was_there_is_put_back_where_the_new_one_is_refused(node: LabNode) -> None:
    """A document that this HNS does not take: the old network has its id again."""
    assert outcomes(node, "apply", step(fields("net", "Overlay"))) == ["changed"]
    before = node.machine.hns.documents("network")
    bad = fields("net", "Overlay", "10.5.5.0/24", Policies=[{"Type": "NetworkACL", "Settings": {}}])

    (found,) = ended(node, "apply", step(bad))

    assert found.error == "HcnCreateNetwork gave 0x803b000e. Invalid policy type."
    after = node.machine.hns.documents("network")
    assert [plain(row) for row in after] == [plain(row) for row in before]
    assert node.machine.hns.bound() == {"Ethernet": "vEthernet (Ethernet)"}


def plain(row: Any) -> dict[str, Any]:
    """Leave out what HNS makes up each time."""
    return {name: value for name, value in row.items() if name != "Health"}


def test_a_network_that_does_not_say_whose_it_is_nor_where_it_lies(node: LabNode) -> None:
    """The manifest says that it is wincnode's, its port on which adapter it lies."""

    def net(vlan: int) -> dict[str, Any]:
        made = document("net", "L2Bridge")
        del made["Owner"], made["Policies"]
        (subnet,) = made["Ipams"][0]["Subnets"]
        subnet["Routes"].append({"NextHop": "10.244.1.1", "DestinationPrefix": "10.0.0.0/8"})
        subnet["Policies"] = [{"Type": "VLAN", "Settings": {"IsolationId": vlan}}]
        return made

    wanted = step(
        {
            **fields("net", "L2Bridge"),
            "routes": ["10.0.0.0/8 10.244.1.1"],
            "vlans": ["7"],
            "document": json.dumps(net(7)),
        }
    )
    hns = node.machine.hns
    assert outcomes(node, "apply", wanted, wanted) == ["changed", "ok"]
    hns.delete("network", str(hns.documents("network")[0]["ID"]))
    hns.create("network", "", net(8))

    (shown,) = ended(node, "check", wanted)

    assert shown.diff == (("vlans", ["8"], ["7"]),)
    assert outcomes(node, "apply", wanted) == ["changed"]


def test_hns_that_is_off_has_no_network_that_could_go(node: LabNode) -> None:
    """A plan of what is to come is shown; that nothing is there is not claimed."""
    node.machine.services.change("hns", {"StartMode": "Disabled"})

    assert outcomes(node, "check", step(fields("net", "NAT"))) == ["would_change"]
    for wanted in (fields("net", "NAT"), {"name": "net", "state": "absent"}):
        (found,) = ended(node, "apply", step(wanted))
        assert found.error == "HcnEnumerateNetworks gave 0x800706d9."


def test_all_that_hns_has_is_told(node: LabNode) -> None:
    """Version, networks, endpoints and namespaces, whoever made them; which are wincnode's."""
    hns = node.machine.hns
    assert outcomes(node, "apply", step(fields("net", "L2Bridge"))) == ["changed"]
    made = hns.create("network", "", document("docker", "Internal", "10.1.1.0/24", Owner="docker"))
    end = hns.create("endpoint", "", {"SchemaVersion": {"Major": 2, "Minor": 0}}, made)
    hns.create("namespace", "", {"SchemaVersion": {"Major": 2, "Minor": 0}})

    told = facts(node)

    assert (told["version"], told["owned"], told["error"]) == (
        {"major": 13, "minor": 2},
        ["net"],
        "",
    )
    assert [row["Name"] for row in told["networks"]] == ["net", "docker"]
    assert told["endpoints"] == [
        {
            "ID": end,
            "HostComputeNetwork": made,
            "IpConfigurations": [{"IpAddress": "10.1.1.2", "PrefixLength": 24}],
        }
    ]
    assert [row["Type"] for row in told["namespaces"]] == ["Host"]
    node.machine.hns.faults.add("hns-stopped")
    assert facts(node)["error"].startswith("HcnEnumerateNetworks gave 0x803b0020.")
