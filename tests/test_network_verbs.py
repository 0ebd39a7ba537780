"""What the verbs about networks decide before a node is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hns_cases import ID, NETWORKS
from test_network_wish import CALICO, FLANNEL, NAT, facts, target

from wincnode.commands import network_wish as wishes
from wincnode.commands import networks
from wincnode.commands.beforehand import beforehand
from wincnode.commands.network_removal import own
from wincnode.errors import RunFailed
from wincnode.hns import plan as plans
from wincnode.hns.reading import Reading, reading
from wincnode.hns.steps import rendered
from wincnode.inventory import parse
from wincnode.node.kinds import all_kinds, problems
from wincnode.report import NodeReport

BUILD = 20348


def having(*rows: tuple[str, str], used: str = "") -> Reading:
    """Give what a node tells that has networks, each with its owner; one may have an endpoint."""
    found = [
        {"ID": f"{number}{ID[1:]}", "Name": name, "Owner": owner, "Type": "Internal"}
        for number, (name, owner) in enumerate(rows)
    ]
    ends = [
        {"ID": "e", "Name": "web_eth0", "HostComputeNetwork": row["ID"]}
        for row in found
        if row["Name"] == used
    ]
    return reading({"networks": found, "endpoints": ends})


def test_all_of_wincnode_s_are_removed_or_those_that_are_named() -> None:
    now = having(("External", "wincnode"), ("nat", "wincnode"), ("cbr0", "flannel"))

    assert [row.name for row in own("web-1", now, ())] == ["External", "nat"]
    assert [row.name for row in own("web-1", now, ("NAT",))] == ["nat"]
    assert own("web-1", having(("cbr0", "flannel")), ()) == ()


@pytest.mark.parametrize(
    ("names", "used", "said"),
    [
        (("x", "y"), "", "web-1: there is no network x, y"),
        (("cbr0",), "", "web-1: cbr0 is flannel's, not wincnode's"),
        (("old",), "", "web-1: old is another program's, not wincnode's"),
        ((), "nat", "web-1: nat has the endpoints web_eth0"),
    ],
)
def test_what_is_another_s_or_in_use_stays(names: tuple[str, ...], used: str, said: str) -> None:
    now = having(("nat", "wincnode"), ("cbr0", "flannel"), ("old", ""), used=used)
    with pytest.raises(RunFailed) as caught:
        own("web-1", now, names)

    assert (caught.value.message, caught.value.id) == (said, "network.kept")


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_makes_a_step_that_its_kind_takes(name: str) -> None:
    """Field by field, as a playbook's step would be judged."""
    one = target("", facts())
    step = wishes.plan(one, [NETWORKS[name]]).steps[0]

    assert list(problems(all_kinds()[step.kind], {**step.key, **step.want})) == []


def test_only_what_may_move_an_adapter_is_guarded() -> None:
    one = target(f"network: {{{NAT}, confirm_within_s: 60}}\n", facts())
    guarded = wishes.plan(one, [NETWORKS["overlay"]]).guard

    assert wishes.plan(one, [NETWORKS["nat"], NETWORKS["private"]]).guard is None
    assert guarded is not None
    assert guarded.confirm_within_s == 60
    # The inventory's port: the node told of no connection.
    assert guarded.port == 15986


def test_the_guard_gets_the_node_s_own_port_and_what_the_command_line_says() -> None:
    found = facts()
    found.sections["network"]["sessions"] = [{"address": "10.0.0.5", "port": 5986}]
    one = target(FLANNEL, found, confirm_within_s=30)
    guarded = wishes.plan(one, [NETWORKS["overlay"]]).guard

    assert guarded is not None
    assert (guarded.confirm_within_s, guarded.port) == (30, 5986)


def test_a_join_moves_the_adapter_beforehand_and_once() -> None:
    """Its steps stand before those of the join; a caveat of the network's agent is told."""
    first = beforehand(target(CALICO, facts()))
    (step,) = first.plan.steps

    assert (step.id, step.want["type"]) == ("0.1-network-external", "Overlay")
    assert first.plan.guard is not None
    assert first.notes[0] == "adapter Ethernet: it alone has a usable default route"
    assert first.notes[-1].startswith("Calico's agent removes every HNS network")
    again = beforehand(target(CALICO, facts(("External", "Overlay"))))
    assert (again.plan.steps, again.plan.guard, again.notes) == ((), None, ())


def shown(*rows: dict[str, Any]) -> NodeReport:
    """Show what would become of a NAT beside what a node has."""
    one = target("", facts())
    found = plans.plan([NETWORKS["nat"]], reading({"networks": list(rows)}), build=BUILD)
    return networks.shown(one, found, NodeReport(node="web-1", status="done"))


def test_a_plan_says_what_would_become_of_each_network() -> None:
    there = rendered(NETWORKS["nat"], build=BUILD)
    other = {**there, "Name": "docker"}
    foreign = {**there, "Owner": "docker", "Type": "Internal"}

    assert [(r.status, [s.outcome for s in r.steps]) for r in (shown(), shown(dict(there)))] == [
        ("pending", ["would_change"]),
        ("as-wanted", ["ok"]),
    ]
    for rows, id in ((other, "network.clash"), (foreign, "network.foreign")):
        refused = shown(rows)
        assert refused.status == "failed"
        assert refused.error is not None
        assert refused.error.id == id


def test_nothing_is_wanted_of_nodes_without_a_network() -> None:
    text = "connection: {user: a, password: {env: P}}\nnodes: {web-1: {}}\n"

    assert wishes.wanted(parse(text, Path("w.yaml"))) == ()
