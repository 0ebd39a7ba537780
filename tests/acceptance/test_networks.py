"""Networks of a node as a user makes, repairs and removes them, inside the guard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from client import Desk, desk
from guarded import held, leftovers
from nodes import ENGINES, lab_node

from wincnode.lab.faults import Faults
from wincnode.lab.nodes import LabNode

# A run in the guard compiles and reads the node's network several times over.
LONGEST_S = 400
BOUND = {"Ethernet": "vEthernet (Ethernet)"}
NAT = "    - {name: nat, type: NAT, subnets: [{prefix: 172.20.0.0/16, gateway: 172.20.0.1}]}\n"
INTERNAL = (
    "    - {name: lab, type: Internal, subnets: [{prefix: 10.9.0.0/24, gateway: 10.9.0.1}]}\n"
)


@pytest.fixture(params=ENGINES)
def node(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LabNode]:
    with lab_node(tmp_path / "node", engine=request.param) as running:
        yield running


def wanting(folder: Path, node: LabNode, networks: str = "", cni: str = "flannel") -> Desk:
    """Make a desk whose inventory wants networks of the node."""
    here = desk(folder, node, "name: none\nsteps: []\n")
    path = here.folder / "wincnode.yaml"
    more = f"network:\n  networks:\n{networks}connection:\n" if networks else "connection:\n"
    text = path.read_text().replace("cluster:\n", f"cluster:\n  cni: {cni}\n")
    path.write_text(text.replace("connection:\n", more, 1))
    return here


def ran(here: Desk, words: str, code: int = 0) -> dict[str, Any]:
    """Run a verb and give its report of the node."""
    client = here.start("network", *words.split(), "-o", "json")
    out, err = client.communicate(timeout=LONGEST_S)
    assert client.returncode == code, out + err
    report: dict[str, Any] = json.loads(out)["nodes"][0]
    return report


def outcomes(report: dict[str, Any]) -> list[str]:
    return [step["outcome"] for step in report["steps"]]


def networks(node: LabNode) -> dict[str, str]:
    """Give the networks of a node with their ids."""
    return {row["Name"]: str(row["ID"]) for row in node.machine.hns.documents("network")}


def test_the_network_of_the_cluster_is_made_once_and_taken_back(
    node: LabNode, tmp_path: Path
) -> None:
    """Shown, made inside the guard, left alone, and removed inside the guard."""
    here = wanting(tmp_path / "desk", node)

    shown = ran(here, "plan --exit-code", code=3)
    assert outcomes(shown) == ["would_change"]
    assert shown["notes"][0] == "adapter Ethernet: it alone has a usable default route"
    assert networks(node) == {}

    made = ran(here, "apply")
    assert outcomes(made) == ["changed"]
    assert node.machine.hns.bound() == BOUND
    told = [text.partition(":")[0] for text in made["notes"]]
    assert told[-2:] == ["before", "after"]
    first = networks(node)

    again = ran(here, "apply")
    assert outcomes(again) == ["ok"]
    assert again["status"] == "as-wanted"
    assert "by its port vEthernet (Ethernet)" in again["notes"][0]
    assert networks(node) == first

    gone = ran(here, "remove web-1")
    assert outcomes(gone) == ["changed"]
    assert (networks(node), node.machine.hns.bound()) == ({}, {})
    assert ran(here, "remove web-1")["notes"] == ["no network of wincnode's is there"]


def test_drift_is_shown_and_repaired_and_only_of_own_networks(
    node: LabNode, tmp_path: Path
) -> None:
    """Neither of these moves an adapter, so that nobody has to come back and confirm."""
    here = wanting(tmp_path / "desk", node, NAT + INTERNAL, cni="none")
    hns = node.machine.hns
    assert outcomes(ran(here, "apply")) == ["changed", "changed"]
    before = networks(node)
    hns.delete("network", before["lab"])
    changed(node, "lab", owner="wincnode")

    shown = ran(here, "plan")
    assert outcomes(shown) == ["ok", "would_change"]
    assert shown["steps"][1]["diff"] == [
        {"field": "prefixes", "have": ["10.7.0.0/24"], "want": ["10.9.0.0/24"]},
        {"field": "gateways", "have": ["10.7.0.1"], "want": ["10.9.0.1"]},
    ]
    assert outcomes(ran(here, "apply")) == ["ok", "changed"]
    assert networks(node)["nat"] == before["nat"]

    hns.delete("network", networks(node)["lab"])
    changed(node, "lab", owner="somebody")
    there = networks(node)
    refused = ran(here, "apply", code=1)
    assert refused["error"]["id"] == "network.foreign"
    assert "somebody's, with another prefixes, gateways" in refused["error"]["message"]
    kept = ran(here, "remove web-1 lab", code=1)
    assert kept["error"]["id"] == "network.kept"
    assert "lab is somebody's, not wincnode's" in kept["error"]["message"]
    assert networks(node) == there

    assert outcomes(ran(here, "remove web-1")) == ["changed"]
    assert networks(node) == {"lab": there["lab"]}


def changed(node: LabNode, name: str, *, owner: str) -> None:
    """Make an internal network of other addresses by hand."""
    subnet = {
        "IpAddressPrefix": "10.7.0.0/24",
        "Routes": [{"NextHop": "10.7.0.1", "DestinationPrefix": "0.0.0.0/0"}],
    }
    document = {
        "Name": name,
        "Owner": owner,
        "Type": "Internal",
        "Ipams": [{"Type": "Static", "Subnets": [subnet]}],
        "SchemaVersion": {"Major": 2, "Minor": 0},
    }
    node.machine.hns.create("network", "", document)


def test_what_is_there_is_listed(node: LabNode, tmp_path: Path) -> None:
    here = wanting(tmp_path / "desk", node, cni="none")
    changed(node, "lab", owner="somebody")

    text = here.run("network", "list", "web-1")
    data = json.loads(here.run("network", "list", "web-1", "-o", "json").stdout)

    assert text.returncode == 0, text.stderr
    assert text.stdout.splitlines()[1].split() == ["lab", "Internal", "somebody", "10.7.0.0/24"]
    assert [(row["name"], row["owned"], row["type"]) for row in data["networks"]] == [
        ("lab", False, "Internal")
    ]
    assert data["version"] == "13.2"
    waiting = here.run("network", "confirm", "web-1")
    assert waiting.returncode == 1
    assert "No change of the network waits here" in waiting.stderr


def test_a_node_that_may_not_call_hns_keeps_what_it_has(node: LabNode, tmp_path: Path) -> None:
    """The id says why, and nothing was begun, neither to be made nor to be removed."""
    here = wanting(tmp_path / "desk", node, NAT)
    changed(node, "lab", owner="wincnode")
    before, there = held(node.machine), networks(node)
    node.machine.compute.faults.add("hcs-refused")

    for words in ("plan", "apply", "remove web-1"):
        refused = ran(here, words, code=1)
        assert refused["error"]["id"] == "hns.refused"
        assert "HNS told nothing: hns.refused: " in refused["error"]["message"]
        assert "Add-Type" in refused["error"]["remedy"]
        assert refused["steps"] == []

    assert (held(node.machine), networks(node)) == (before, there)
    assert leftovers(node) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_a_node_without_an_address_on_its_network_goes_back(engine: str, tmp_path: Path) -> None:
    """DHCP answers nobody on the new adapter for 45 seconds; the client is cut off meanwhile."""
    lost = Faults(network=("address-lost",))
    with lab_node(tmp_path / "node", engine=engine, faults=lost, speed=20) as node:
        here = wanting(tmp_path / "desk", node)
        before = held(node.machine)

        failed = ran(here, "apply", code=1)

        (step,) = failed["steps"]
        assert step["outcome"] == "failed"
        assert step["error"] == ("hns.no-address: the node has no address on the network External.")
        assert failed["error"]["id"] == "guard.reverted"
        assert "A step failed." in failed["error"]["message"]
        assert (networks(node), node.machine.hns.bound()) == ({}, {})
        assert held(node.machine) == before
        assert leftovers(node) == []
        node.machine.network.faults.clear()
        assert outcomes(ran(here, "apply")) == ["changed"]
