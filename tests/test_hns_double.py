"""The model of HNS and the double of computenetwork.dll: the same codes, and the same state."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from compute_double import BUILDS, Double, double
from hns_native import Native, guid, tried, wide
from hns_networks import TYPES, document

from wincnode.lab.windows.hns import Hns
from wincnode.lab.windows.hns_rules import HnsError
from wincnode.lab.windows.hns_words import WORDS
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.profiles import load_profile

PROFILES = dict(zip(BUILDS, ("ws2019", "ws2022", "ws2025"), strict=True))
V2 = {"SchemaVersion": {"Major": 2, "Minor": 0}}
ROUTE = {"NextHop": "10.1.1.1", "DestinationPrefix": "0.0.0.0/0"}


def subnets(*rows: Any) -> dict[str, Any]:
    return {"Ipams": [{"Type": "Static", "Subnets": list(rows)}]}


def subnet(prefix: str = "10.1.1.0/24", hop: str = "10.1.1.1", **members: Any) -> dict[str, Any]:
    return {"IpAddressPrefix": prefix, "Routes": [{**ROUTE, "NextHop": hop}], **members}


def policy(type: str, **settings: Any) -> dict[str, Any]:
    return {"Type": type, "Settings": settings}


def vsid(number: Any) -> dict[str, Any]:
    return subnets(subnet(Policies=[policy("VSID", IsolationId=number)]))


def at(address: str) -> dict[str, Any]:
    return {**V2, "IpConfigurations": [{"IpAddress": address, "PrefixLength": 24}]}


def resource(change: str, endpoint: str) -> dict[str, Any]:
    settings = {"EndpointId": endpoint}
    return {"ResourceType": "Endpoint", "RequestType": change, "Settings": settings}


def policies(change: str, *rows: Any) -> dict[str, Any]:
    return {"ResourceType": "Policy", "RequestType": change, "Settings": {"Policies": list(rows)}}


# Documents of networks, each tried on a machine that has none.
NETWORKS: tuple[Any, ...] = (
    *(document("n", type) for type in TYPES),
    [],
    {},
    {**V2, "Name": "n"},
    {**document("n", "NAT"), "Nmae": "n"},
    {**document("n", "NAT"), "Name": ""},
    {**document("n", "NAT"), "SchemaVersion": {"Major": 1, "Minor": 0}},
    {**document("n", "NAT"), "SchemaVersion": {}},
    document("n", "nat"),
    document("n", "Mirrored"),
    document("n", "L2Bridge", Ipams=[]),
    document("n", "Internal", Ipams=[{"Type": "Dhcp"}]),
    document("n", "Transparent", Ipams=[{"Type": "Dhcp"}]),
    document("n", "NAT", Ipams=[]),
    document("n", "NAT", Flags=8),
    *(
        document("n", "NAT", **subnets(row))
        for row in (
            subnet("10.1.1.1/24"),
            subnet("10.1.1.0"),
            subnet("10.1.1.0/33"),
            subnet("10.1.1.0/x"),
            subnet("x/24"),
            subnet("fd00::/64", "fd00::1"),
            subnet("fd00::/64", "10.1.1.1"),
            subnet(hop="10.1.2.1"),
            subnet(hop=""),
            subnet(Routes=[]),
            subnet(Routes=[{**ROUTE, "DestinationPrefix": "10.0.0.0/8"}]),
            subnet(Routes=[ROUTE, {**ROUTE, "DestinationPrefix": "10.0.0.0/8"}]),
            subnet(Policies=[policy("VLAN", IsolationId=7)]),
            subnet(Policies=[policy("VLAN", IsolationId=4095)]),
            subnet(Policies=[policy("VSID", IsolationId=1)]),
            subnet(Policies=[policy("ACL")]),
        )
    ),
    *(document("n", "Overlay", **vsid(number)) for number in (4095, 4096, 9999, 1 << 24, "4096")),
    document("n", "Overlay", **subnets(subnet())),
    document("n", "Overlay", Policies=[policy("NetAdapterName", NetworkAdapterName="ETHERNET")]),
    document("n", "Overlay", Policies=[policy("NetAdapterName", NetworkAdapterName="wg0")]),
    document("n", "Overlay", Policies=[policy("VxlanPort", Port=4790)]),
    document("n", "L2Bridge", Policies=[policy("NetworkACL")]),
    document("n", "L2Bridge", Policies=[policy("SetPolicy")]),
    document("n", "L2Bridge", Policies=[policy("L4Proxy"), policy("HostRoute")]),
    document("n", "L2Bridge", Policies=[policy("PortMapping")]),
    document("n", "L2Bridge", Policies=[{"Type": "HostRoute"}]),
)


@pytest.fixture(params=BUILDS)
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    return Machine(load_profile(PROFILES[request.param]), tmp_path, computer="NODE1")


@pytest.fixture
def here(machine: Machine, tmp_path: Path) -> Iterator[Double]:
    made = double(tmp_path / "double", machine.profile.build, drive=machine.drive)
    yield made
    assert made.violations() == []
    assert made.counts() == dict.fromkeys(made.counts(), 0)


def both(machine: Machine, here: Double) -> tuple[Hns, Native]:
    """Give the model, and the double with a state of its own that begins as the model's."""
    machine.hns.publish()
    file = machine.folder / "native.json"
    file.write_text(machine.hns.file.read_text())
    return machine.hns, Native(here, file)


def state(hns: Hns | Native, machine: Machine) -> Any:
    file = machine.hns.file if isinstance(hns, Hns) else machine.folder / "native.json"
    return json.loads(file.read_text())


def test_networks_are_taken_and_refused_alike(machine: Machine, here: Double) -> None:
    """Each document: its code on both sides, and what is kept of it."""
    for wanted in NETWORKS:
        model, native = both(machine, here)
        told = tried(native.create, "network", "", wanted)
        assert tried(created, model, "network", "", wanted) == told, wanted
        if not told.startswith("0x"):
            assert state(native, machine) == state(model, machine), wanted
            model.delete("network", told)


def created(hns: Hns, kind: str, *words: Any) -> str:
    """Make one with the model, and ask for it as who calls the double does."""
    made = hns.create(kind, *words)
    hns.query(kind, made)
    return made


# Calls in their order; `$3` is what the call number 3 gave.
CALLS: tuple[tuple[Any, ...], ...] = (
    ("create", "network", "", document("a", "L2Bridge")),
    ("create", "network", "", document("A", "Overlay")),
    ("create", "network", "", document("a", "NAT")),
    ("create", "network", "", document("b", "L2Bridge", "10.2.2.0/24")),
    ("create", "network", "", document("nat", "NAT", "172.20.0.0/24")),
    ("create", "network", "", document("nat2", "NAT", "172.20.0.0/24")),
    ("create", "network", "", document("nat3", "NAT", "172.21.0.0/24", Flags=8)),
    ("create", "network", "$0", document("again", "Internal")),
    *(("query", "network", "$0"),) * 4,
    ("query", "network", "$4"),
    ("create", "endpoint", "", V2, "$0"),  # 13
    ("create", "endpoint", "", {**V2, "Name": "e", "Nmae": 1}, "$0"),
    ("create", "endpoint", "", V2, "0" * 32),
    ("create", "endpoint", "", at("10.9.9.9"), "$0"),
    ("create", "endpoint", "", at("10.244.1.1"), "$0"),
    ("create", "endpoint", "", at("10.244.1.255"), "$0"),
    ("create", "endpoint", "", at("10.244.1.2"), "$0"),
    ("create", "endpoint", "", at("10.244.1.9"), "$0"),  # 20
    ("create", "endpoint", "", V2, "$0"),
    ("query", "endpoint", "$13"),
    ("enumerate", "network"),
    ("create", "namespace", "", V2),  # 24
    ("enumerate", "network", {**V2, "Filter": '{"Name": "NAT"}'}),
    ("enumerate", "network", {**V2, "Filter": "Name"}),
    ("enumerate", "endpoint", {**V2, "Filter": '{"VirtualNetwork": "$0"}'}),
    ("create", "namespace", "", {**V2, "Type": "Moon"}),
    ("create", "namespace", "", {"Type": "Guest"}),
    ("modify", "namespace", "$24", resource("Add", "$13")),
    ("modify", "namespace", "$24", resource("Add", "$13")),
    ("modify", "namespace", "$24", resource("Remove", "$20")),
    ("modify", "namespace", "$24", resource("Update", "$20")),
    ("modify", "namespace", "$24", {}),
    ("query", "namespace", "$24"),
    ("modify", "network", "$0", policies("Add", policy("HostRoute"))),
    ("modify", "network", "$0", policies("Add", policy("HostRoute"))),
    ("modify", "network", "$0", policies("Update", policy("HostRoute", a=1))),
    ("modify", "network", "$0", policies("Remove", policy("HostRoute"))),
    ("modify", "network", "$0", policies("Remove", policy("HostRoute", a=1))),
    ("modify", "network", "$0", resource("Add", "$13")),
    ("modify", "endpoint", "$13", policies("Add", policy("ACL"))),
    ("modify", "endpoint", "0" * 32, policies("Add", policy("ACL"))),
    ("delete", "network", "$0"),
    ("delete", "endpoint", "$13"),
    ("delete", "endpoint", "$13"),
    ("delete", "namespace", "$24"),
    ("delete", "namespace", "$24"),
    ("query", "network", "0" * 32),
    ("delete", "network", "$3"),
    ("query", "network", "$3"),
)


def resolved(value: Any, answers: list[Any]) -> Any:
    """Put what earlier calls gave in the place of their numbers."""
    text = re.sub(r"\$(\d+)", lambda found: str(answers[int(found[1])]), json.dumps(value))
    return json.loads(text)


def test_calls_in_their_order_end_alike(machine: Machine, here: Double) -> None:
    """Made, asked, changed, removed: answers and state are equal after each."""
    machine.hns.settling = 3
    model, native = both(machine, here)
    answers: list[Any] = []
    for number, (name, *words) in enumerate(CALLS):
        given = resolved(words, answers)
        answers.append(tried(getattr(native, name), *given))
        work = partial(created, model) if name == "create" else getattr(model, name)
        assert tried(work, *given) == answers[-1], number
        assert state(native, machine) == state(model, machine), number
    codes = {row for row in answers if isinstance(row, str) and row.startswith("0x")}
    assert len(codes) >= 12


def test_each_code_has_its_words(machine: Machine, here: Double) -> None:
    """The record of an error says what the model says."""
    _, native = both(machine, here)
    for code, words in WORDS.items():
        here.set(f"fault HcnEnumerateNetworks * refuse 0x{code:08x}")
        with pytest.raises(HnsError) as caught:
            native.enumerate("network")
        assert (caught.value.code, caught.value.args[0].strip()) == (code, words)


def test_a_handle_is_void_after_a_restart(machine: Machine, here: Double) -> None:
    """HNS that restarts ends a call, and what was open before is of no use."""
    _, native = both(machine, here)
    made = native.create("network", "", document("a", "Internal"))
    here.set("fault HcnQueryNetworkProperties 2 restart", "fault HcnDeleteNetwork 1 restart")

    assert tried(native.query, "network", made) == "0x803b0031"
    assert tried(native.delete, "network", made) == "0x800706be"
    assert native.enumerate("network") == (made,)


def test_mistakes_of_callers_are_told(machine: Machine, tmp_path: Path) -> None:
    """A handle of something else, none at all, one that is closed twice."""
    here = double(tmp_path / "double", drive=machine.drive)
    _, native = both(machine, here)
    made = native.create("namespace", "", V2)
    (handle,) = native.call("HcnOpenNamespace", guid(made), out=1)
    assert tried(native.call, "HcnModifyNetwork", handle, wide("{}")) == "0x80070006"
    native._dll.HcnCloseNamespace(handle)
    native._dll.HcnCloseNamespace(handle)
    assert tried(native.call, "HcnOpenNamespace", guid("0" * 32), out=1) == "0x80070490"

    assert len(here.violations()) == 2
