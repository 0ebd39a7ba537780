"""The cases of test_conformance for networks of HNS."""

from __future__ import annotations

from hns_networks import document, fields

from conformance.case import Case
from wincnode.lab.windows.machine import Machine


def nat(machine: Machine) -> None:
    """Make a network that is wanted otherwise."""
    machine.hns.create("network", "", document("nat", "NAT", "172.20.0.0/24"))


def wanted(name: str, type: str) -> dict[str, object]:
    """Give what a step wants of a network."""
    return {"state": "present", **{k: v for k, v in fields(name, type).items() if k != "name"}}


CASES = (
    Case(
        id="hns_network absent",
        kind="hns_network",
        key={"name": "cbr0"},
        want=wanted("cbr0", "L2Bridge"),
        alone=True,
        timeout_s=120,
    ),
    Case(
        id="hns_network different",
        kind="hns_network",
        key={"name": "nat"},
        want=wanted("nat", "NAT"),
        before=nat,
        alone=True,
        timeout_s=120,
    ),
    Case(
        id="hns_network broken: HNS refuses it",
        kind="hns_network",
        key={"name": "flannel"},
        want=wanted("flannel", "Overlay"),
        before=lambda machine: machine.hns.faults.add("hns-refused"),
        broken=True,
        timeout_s=120,
    ),
    Case(
        id="hns_facts nothing is left, so it is present",
        kind="hns_facts",
        key={},
        want={},
        timeout_s=120,
    ),
)
