"""Pods try the cluster's network: each cell tells what came of it, and nothing of it stays."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest
from cluster_access import administrator, granted
from lab_workers import Lab, running
from test_probe import NETWORK, _admit, soon

from wincnode import runner
from wincnode.checks import Verdict
from wincnode.cluster import reach, trial_pods, trials
from wincnode.cluster.access import needed
from wincnode.cluster.api import Api
from wincnode.cluster.bound_pods import NAMESPACE
from wincnode.cluster.reach import Found, Wish
from wincnode.cluster.trials import Attempt, Host
from wincnode.lab.cluster import ControlPlane, control_plane
from wincnode.lab.programs.wire import LOSSES, Wire

NODES = {"WIN1": "192.0.2.21", "WIN2": "192.0.2.22"}
OK, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN
NANO = "mcr.microsoft.com/windows/nanoserver"
Cell = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Two:
    """Two Ready nodes of one cluster, whose pods share a wire, and something outside."""

    plane: ControlPlane
    nodes: Mapping[str, Lab]
    outside: str

    @property
    def wish(self) -> Wish:
        both, place = ("win1", "win2"), (self.outside,)
        return Wish(nodes=both, peers=both, egress=place, start_s=10, look_s=0.02)

    def left(self) -> list[str]:
        """Give what a test has left in the cluster."""
        return [
            row["metadata"]["name"]
            for resource in ("pods", "services")
            for row in self.plane.objects.rows(resource)
            if row["metadata"].get("labels", {}).get(trial_pods.RUN)
        ]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    wire, nodes = Wire(), {}
    with ExitStack() as stack:
        plane = stack.enter_context(control_plane(tmp_path_factory.mktemp("plane")))
        _admit(plane)
        for name, address in NODES.items():
            folder = tmp_path_factory.mktemp(name)
            lab = stack.enter_context(running(folder, plane, name, wire=wire, address=address))
            lab.put(NETWORK, '{"type": "x"}')
            assert lab.join().code == 0
            nodes[lab.name] = lab
        outside = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        soon(lambda: all(lab.ready().get("status") == "True" for lab in nodes.values()))
        place = f"127.0.0.1:{outside.getsockname()[1]}"
        yield Two(plane=plane, nodes=nodes, outside=place)


@pytest.fixture
def api(two: Two) -> Iterator[Api]:
    """Give an account with the documented rights and no more."""
    two.plane.audit.clear()
    yield administrator(granted(two.plane, needed(["test"])))
    for lab in two.nodes.values():
        lab.worker.line.lost.clear()
    assert soon(lambda: not two.left()) is True


def tried(api: Api, wish: Wish, **more: Any) -> Found:
    return reach.try_out(api, wish, run=runner.new_run()[:12], **more)


def cells(found: Found) -> dict[Cell, Verdict]:
    return {
        (node, row.attempt.trial, row.attempt.target): row.verdict
        for node, rows in found.tried.items()
        for row in rows
    }


def everything(two: Two) -> set[Cell]:
    rows = {("pod.service", "service"), ("pod.dns", "name of the service")}
    rows |= {("pod.egress", two.outside), ("pod.pods", "win1"), ("pod.pods", "win2")}
    both = {(node, *row) for node in two.nodes for row in rows}
    return both | {("win1", "pod.nodeport", "win2"), ("win2", "pod.nodeport", "win1")}


def test_pods_of_two_nodes_reach_everything(two: Two, api: Api) -> None:
    """Nothing is left, and nothing was asked for beyond the documented rights."""
    said: list[str] = []

    found = tried(api, two.wish, say=said.append)

    assert cells(found) == dict.fromkeys(everything(two), OK)
    assert (found.notes, two.left()) == ([], [])
    assert said == ["waits for pods on 2 nodes", "tries 12 connections of pods, round 1"]
    asked = {(row.verb, row.resource) for row in two.plane.audit if row.user == "ops"}
    both = {(verb, what) for verb in ("list", "create", "delete") for what in ("pods", "services")}
    assert asked == {("list", "nodes"), *both}


LOST: dict[str, Callable[[Cell], bool]] = {
    "services": lambda cell: cell[1] in {"pod.service", "pod.dns"},
    "pod-dns": lambda cell: cell[1] == "pod.dns",
    "egress": lambda cell: cell[1] == "pod.egress",
    "pods": lambda cell: cell[1] != "pod.egress",
    "nodeports": lambda cell: cell[1] == "pod.nodeport",
    "pods@win2": lambda cell: cell[1:] == ("pod.pods", "win2"),
    "nodeports@win2": lambda cell: cell[1] == "pod.nodeport",
}


@pytest.mark.parametrize("lost", LOST)
def test_what_gets_lost_fails_its_cells_and_no_other(lost: str, two: Two, api: Api) -> None:
    """From one node alone; a cell that fails was tried three times."""
    two.nodes["win1"].worker.line.lost.add(lost)

    found = tried(api, two.wish)

    wrong = {cell for cell in everything(two) if cell[0] == "win1" and LOST[lost](cell)}
    assert {cell for cell, verdict in cells(found).items() if verdict is FAIL} == wrong
    assert {cell for cell, verdict in cells(found).items() if verdict is OK} == (
        everything(two) - wrong
    )
    for row in found.tried["win1"]:
        if row.verdict is FAIL:
            words = "DNS: lookup" if lost == "pod-dns" else "TIMEOUT"
            assert row.said == f"{row.attempt.place}: {row.said.partition(': ')[2]}"
            assert words in row.said
            assert row.said.endswith("(3 tries)")


def test_every_loss_of_the_lab_is_tried() -> None:
    """A new one comes with the cells that it makes fail."""
    assert {row.partition("@")[0] for row in LOST} == set(LOSSES)


def test_what_mends_itself_is_no_failure(two: Two, api: Api) -> None:
    """kube-proxy learns of a service after the first try."""
    line = two.nodes["win1"].worker.line
    line.lost.add("services")

    def say(text: str) -> None:
        if "round 2" in text:
            line.lost.clear()

    found = tried(api, two.wish, say=say)

    assert set(cells(found).values()) == {OK}
    again = [row for row in found.tried["win1"] if row.said.endswith("(2 tries)")]
    assert {row.attempt.trial for row in again} == {"pod.service", "pod.dns"}


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (f"{NANO}:1809", "no image: ErrImagePull: rpc error: code = NotFound"),
        (f"{NANO}:ltsc2022", "its server ended: Completed"),
    ],
)
def test_an_image_that_will_not_do_leaves_all_unknown(
    image: str, words: str, two: Two, api: Api
) -> None:
    """One that is not there for the build, and one that is another program."""
    found = tried(api, replace(two.wish, image=image))

    assert set(cells(found)) == everything(two)
    assert set(cells(found).values()) == {UNKNOWN}
    assert all(words in row.said for rows in found.tried.values() for row in rows)
    assert two.left() == []


def test_without_a_second_node_its_cells_are_unknown(two: Two, api: Api) -> None:
    """The rest is tried all the same."""
    found = tried(api, replace(two.wish, nodes=("win1",), peers=("win1",)))

    open_ = {key[1:]: verdict for key, verdict in cells(found).items() if verdict is not OK}
    assert open_ == {
        ("pod.pods", "another node"): UNKNOWN,
        ("pod.nodeport", "another node"): UNKNOWN,
    }
    said = {row.said for row in found.tried["win1"] if row.verdict is UNKNOWN}
    assert said == {"there is no second Windows node that is Ready"}


def test_a_node_that_is_not_in_the_cluster_is_unknown(two: Two, api: Api) -> None:
    """To itself and to others."""
    found = tried(api, replace(two.wish, nodes=("win1", "gone"), peers=("win1", "gone")))

    verdicts = cells(found)
    assert {verdicts[key] for key in verdicts if "gone" in key} == {UNKNOWN}
    assert verdicts["win1", "pod.pods", "win1"] is OK
    said = {row.said for row in found.tried["gone"]}
    assert said == {"gone is no Windows node of the cluster that is Ready"}


def test_what_an_earlier_test_left_is_taken_away(two: Two, api: Api) -> None:
    """Its client was killed: a pod that still runs, and the service."""
    objects = two.plane.objects
    limit = {"run": "killed", "limit_s": 600.0}
    objects.put("pods", trial_pods.server("win1", trial_pods.IMAGE, **limit))
    objects.put("services", trial_pods.service("killed"))

    found = tried(api, two.wish)

    (note,) = found.notes
    assert note == (
        "took away what an earlier test had left: wincnode-net-server-win1-killed,"
        " wincnode-net-killed"
    )
    assert set(cells(found).values()) == {OK}


def test_who_stops_in_the_middle_leaves_nothing(two: Two, api: Api) -> None:
    """What was not tried is unknown."""
    said: list[str] = []

    found = tried(api, two.wish, say=said.append, stopped=lambda: len(said) > 1)

    assert two.left() == []
    assert set(cells(found)) == everything(two)
    assert UNKNOWN in set(cells(found).values())


def test_a_cluster_that_goes_away_is_told_with_what_may_be_left(two: Two, api: Api) -> None:
    """No error hides another, and the next test finds it."""

    def say(text: str) -> None:
        if "waits for pods" in text:
            two.plane.outage = True

    found = tried(api, two.wish, say=say)
    two.plane.outage = False

    assert set(cells(found).values()) == {UNKNOWN}
    (note,) = found.notes
    assert "something may be left" in note
    assert "delete pods,services -l wincnode/run=" in note
    again = tried(api, two.wish)
    assert again.notes[0].startswith("took away what an earlier test had left")


def test_a_quota_that_lets_no_pod_in_is_the_reason(two: Two, api: Api) -> None:
    """The cluster says so itself."""
    quota = {
        "metadata": {"name": "none", "namespace": NAMESPACE},
        "spec": {"hard": {"pods": 0}},
    }
    two.plane.objects.put("resourcequotas", quota)
    try:
        found = tried(api, two.wish)
    finally:
        two.plane.objects.delete("resourcequotas", "none", NAMESPACE)

    assert set(cells(found).values()) == {UNKNOWN}
    assert all("exceeded quota" in row.said for rows in found.tried.values() for row in rows)


def test_a_node_of_many_tries_its_neighbours() -> None:
    """Itself and those that follow it, so that each is tried from several."""
    hosts = [Host(node=f"n{n}", node_ip=f"10.0.0.{n}", pod_ip=f"10.1.0.{n}") for n in range(20)]
    made = trials.Front(name="s", address="10.96.0.5", node_port=30001)

    per_node = {host.node: trials.attempts(host.node, hosts, ("a:1",), made) for host in hosts}

    assert {len(rows) for rows in per_node.values()} == {8 + 2 + 1 + 7}
    reached = [row.target for rows in per_node.values() for row in rows if row.trial == "pod.pods"]
    assert {reached.count(host.node) for host in hosts} == {8}


def test_addresses_that_are_none_enter_no_command() -> None:
    """The cluster's objects are written by others, too."""
    node = {"metadata": {"name": "n"}, "status": {"addresses": [{"type": "InternalIP"}]}}
    status = {"podIP": "--timeout=9h", "containerStatuses": [{"ready": True}]}
    assert trials.host_of(node, {"status": status}, in_time=True) is None
    found = trials.host_of(node, {"status": {**status, "podIP": "10.1.0.1"}}, in_time=True)
    assert found == Host(node="n", pod_ip="10.1.0.1")
    late = trials.host_of(node, {"status": status}, in_time=False)
    assert late is not None
    assert "did not come up in time" in late.why
    made = trials.front({"metadata": {"name": "s"}, "spec": {"clusterIP": "None"}})
    assert (made.address, made.node_port) == ("", 0)


@pytest.mark.parametrize(
    ("state", "verdict", "said"),
    [
        ({"terminated": {"exitCode": 0}}, OK, "connected to a:1"),
        ({"terminated": {"exitCode": 1, "message": "TIMEOUT\n"}}, FAIL, "a:1: TIMEOUT"),
        ({"terminated": {"exitCode": 1, "message": "usage: x"}}, UNKNOWN, "a:1: usage: x"),
        ({"terminated": {"exitCode": 128, "reason": "StartError"}}, UNKNOWN, "a:1: StartError"),
        ({"waiting": {"reason": "X", "message": "\x1b[2Jy"}}, UNKNOWN, r"a:1: X: \x1b[2Jy"),
        ({}, UNKNOWN, "a:1: its container did not end in time"),
        ({"terminated": "no mapping"}, UNKNOWN, "a:1: its container did not end in time"),
    ],
)
def test_a_container_s_end_is_read_as_it_is(state: Any, verdict: Verdict, said: str) -> None:
    """Another program proves nothing, and no control character comes through."""
    pod = {"status": {"containerStatuses": [{"name": "t0", "state": state}]}}
    (row,) = trials.read(pod, [Attempt(trial="pod.pods", target="n", place="a:1")])
    assert (row.verdict, row.said) == (verdict, said)


def test_a_pod_that_is_taken_away_by_somebody_else_is_no_failure(two: Two, api: Api) -> None:
    """Two people test at the same time."""

    def say(text: str) -> None:
        if "waits for pods" in text:
            for row in two.plane.objects.rows("pods", NAMESPACE):
                if "server-win2" in row["metadata"]["name"]:
                    two.plane.objects.delete("pods", row["metadata"]["name"], NAMESPACE)

    began = time.monotonic()
    found = tried(api, two.wish, say=say)

    assert time.monotonic() - began < 10
    verdicts = cells(found)
    assert verdicts["win1", "pod.pods", "win2"] is UNKNOWN
    assert verdicts["win1", "pod.pods", "win1"] is OK
    assert {row.said for row in found.tried["win2"]} == {
        "its server was taken away by somebody else"
    }
