"""Pods try the cluster's network: each cell tells what came of it, and nothing of it stays."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest
from cluster_access import administrator, granted
from lab_workers import Lab, running
from test_probe import NETWORK, _admit, soon

from wincnode import runner
from wincnode.checks import Verdict
from wincnode.cluster import reach, trial_leftovers, trial_pods
from wincnode.cluster.access import needed
from wincnode.cluster.api import Api
from wincnode.cluster.bound_pods import NAMESPACE
from wincnode.cluster.reach import Found, Wish
from wincnode.cluster.trial_pods import Maker
from wincnode.lab.cluster import ControlPlane, control_plane
from wincnode.lab.programs.linux_node import CONTROL_PLANE, LinuxNode, linux_node
from wincnode.lab.programs.wire import AT_NODES, LOSSES, Line, Wire

NODES = {"WIN1": "192.0.2.21", "WIN2": "192.0.2.22"}
OK, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN
NANO = "mcr.microsoft.com/windows/nanoserver"
IMAGES: Mapping[Any, str] = {"windows": trial_pods.IMAGE, "linux": trial_pods.IMAGE}
LINUX = "linux-1"
Cell = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Two:
    """Two Ready nodes of one cluster and a Linux one, on one wire, and something outside."""

    plane: ControlPlane
    nodes: Mapping[str, Lab]
    linux: LinuxNode
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
        linux = stack.enter_context(
            linux_node(plane, Line(wire=wire), name=LINUX, address="192.0.2.101")
        )
        outside = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        soon(lambda: all(lab.ready().get("status") == "True" for lab in nodes.values()))
        place = f"127.0.0.1:{outside.getsockname()[1]}"
        yield Two(plane=plane, nodes=nodes, linux=linux, outside=place)


@pytest.fixture
def api(two: Two) -> Iterator[Api]:
    """Give an account with the documented rights and no more."""
    two.plane.audit.clear()
    yield administrator(granted(two.plane, needed(["test"])))
    for lab in two.nodes.values():
        lab.worker.line.lost.clear()
    two.linux.line.lost.clear()
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
    rows |= {("pod.linux", f"{way} {LINUX}") for way in ("to", "from")}
    rows |= {(trial, LINUX) for trial in ("pod.udp", "pod.mtu")}
    both = {(node, *row) for node in two.nodes for row in rows}
    others = ("pod.nodeport", "pod.udp", "pod.mtu")
    return both | {
        (node, trial, other)
        for node, other in (("win1", "win2"), ("win2", "win1"))
        for trial in others
    }


def test_pods_of_two_nodes_reach_everything(two: Two, api: Api) -> None:
    """Nothing is left, and nothing was asked for beyond the documented rights."""
    said: list[str] = []

    found = tried(api, two.wish, say=said.append)

    assert cells(found) == dict.fromkeys(everything(two), OK)
    assert (found.notes, two.left()) == ([], [])
    assert said == ["waits for pods on 3 nodes", "tries 24 connections of pods, round 1"]
    asked = {(row.verb, row.resource) for row in two.plane.audit if row.user == "ops"}
    both = {(verb, what) for verb in ("list", "create", "delete") for what in ("pods", "services")}
    assert asked == {("list", "nodes"), *both}


FAR = ("pod.pods", "pod.linux", "pod.udp", "pod.mtu")
LOST: dict[str, Callable[[Cell], bool]] = {
    "services": lambda cell: cell[1] in {"pod.service", "pod.dns"},
    "pod-dns": lambda cell: cell[1] == "pod.dns",
    "egress": lambda cell: cell[1] == "pod.egress",
    "pods": lambda cell: cell[1] != "pod.egress" and not cell[2].startswith("from"),
    "nodeports": lambda cell: cell[1] == "pod.nodeport",
    "udp": lambda cell: cell[1] == "pod.udp",
    "large-packets": lambda cell: cell[1] == "pod.mtu",
    "pods@win2": lambda cell: cell[1] in FAR and cell[2] == "win2",
    "nodeports@win2": lambda cell: cell[1] == "pod.nodeport",
    "udp@linux-1 large-packets@win2": lambda cell: (
        cell[1:] in {("pod.udp", LINUX), ("pod.mtu", "win2")}
    ),
}
WORDS = {"pod.mtu": "curl: (28) Operation timed out", "pod.udp": "TIMEOUT: read udp"}


@pytest.mark.parametrize("lost", LOST)
def test_what_gets_lost_fails_its_cells_and_no_other(lost: str, two: Two, api: Api) -> None:
    """From one node alone; a cell that fails was tried three times.

    Where not even small packets arrive, nothing is known of large ones.
    """
    two.nodes["win1"].worker.line.lost |= set(lost.split())

    found = tried(api, two.wish)

    wrong = {cell for cell in everything(two) if cell[0] == "win1" and LOST[lost](cell)}
    open_ = {cell for cell in wrong if cell[1] == "pod.mtu" and lost.startswith("pods")}
    assert cells(found) == {
        **dict.fromkeys(everything(two), OK),
        **dict.fromkeys(wrong, FAIL),
        **dict.fromkeys(open_, UNKNOWN),
    }
    for row in found.tried["win1"]:
        if row.verdict is FAIL:
            words = "DNS: lookup" if lost == "pod-dns" else WORDS.get(row.attempt.trial, "TIMEOUT")
            assert row.said == f"{row.attempt.place}: {row.said.partition(': ')[2]}"
            assert words in row.said
            assert row.said.endswith("(3 tries)")


def test_every_loss_of_the_lab_is_tried() -> None:
    """A new one comes with the cells that it makes fail."""
    rows = " ".join(LOST).split()
    assert {row.partition("@")[0] for row in rows} == set(LOSSES)
    assert {row.partition("@")[0] for row in rows if "@" in row} == set(AT_NODES)


def test_what_a_linux_node_loses_is_told_of_the_node_that_it_did_not_reach(
    two: Two, api: Api
) -> None:
    """The way there is whole, the way back is not."""
    two.linux.line.lost.add("pods@win1")

    found = tried(api, two.wish)

    wrong = {cell for cell, verdict in cells(found).items() if verdict is FAIL}
    assert wrong == {("win1", "pod.linux", f"from {LINUX}")}
    (row,) = [row for row in found.tried["win1"] if row.verdict is FAIL]
    assert row.said.endswith("TIMEOUT (3 tries)")


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


def test_linux_pods_that_do_not_come_up_leave_their_cells_unknown(two: Two, api: Api) -> None:
    """An image of Windows alone; what is tried among Windows nodes is tried all the same."""
    found = tried(api, replace(two.wish, linux_image=f"{NANO}:ltsc2022"))

    verdicts = cells(found)
    assert {key for key in verdicts if verdicts[key] is UNKNOWN} == {
        (node, "pod.linux", f"{way} {LINUX}") for node in two.nodes for way in ("to", "from")
    }
    said = {row.said for row in found.tried["win1"] if row.verdict is UNKNOWN}
    assert all("no image: ErrImagePull" in text for text in said)
    assert verdicts["win1", "pod.mtu", "win2"] is OK


def test_a_linux_node_that_is_named_takes_part_or_says_why_not(two: Two, api: Api) -> None:
    """No taint keeps its pods away; another name is told."""
    node = two.plane.objects.get("nodes", LINUX)
    assert node is not None
    taints = [CONTROL_PLANE, {"key": "gpu", "effect": "NoSchedule"}]
    two.plane.objects.put("nodes", {**node, "spec": {"taints": taints}})
    try:
        left_out = tried(api, two.wish)
        named = tried(api, replace(two.wish, linux=(LINUX, "linux-9")))
    finally:
        two.plane.objects.put("nodes", node)

    said = {row.said for row in left_out.tried["win1"] if row.verdict is UNKNOWN}
    taint = "linux-1 has the taint gpu:NoSchedule"
    why = f"no Linux node takes pods as they come: {taint}; --linux-node takes one all the same"
    assert said == {why}
    verdicts = cells(named)
    assert verdicts["win1", "pod.linux", f"from {LINUX}"] is OK
    (open_,) = {row.said for row in named.tried["win1"] if row.verdict is UNKNOWN}
    assert open_ == "linux-9 is no Linux node of the cluster that is Ready"


def test_without_a_second_node_its_cells_are_unknown(two: Two, api: Api) -> None:
    """The rest is tried all the same, UDP and large packets by the Linux node."""
    found = tried(api, replace(two.wish, nodes=("win1",), peers=("win1",)))

    open_ = {key[1:] for key, verdict in cells(found).items() if verdict is not OK}
    assert open_ == {("pod.pods", "another node"), ("pod.nodeport", "another node")}
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


def left_by_somebody(two: Two, run: str) -> None:
    """Put in what a client that was killed leaves: a pod that still runs, and the service."""
    maker = Maker(run=run, operator="ada@desk\x1b", images=IMAGES)
    two.plane.objects.put("pods", trial_pods.server("win1", maker, limit_s=600.0))
    two.plane.objects.put("services", trial_pods.service(maker))


def test_what_an_earlier_test_left_is_taken_away_after_an_hour(two: Two, api: Api) -> None:
    """Until then nobody knows that its client is gone, and it is told whose it is."""
    left_by_somebody(two, "killed")

    early = tried(api, two.wish)

    (note,) = early.notes
    assert re.fullmatch(
        r"another test of the network, of ada@desk\\x1b since \d\d:\d\d UTC, may be under way:"
        r" what it made is left alone for an hour; kubectl -n kube-system delete pods,services"
        r" -l wincnode/run=killed takes it away",
        note,
    )
    assert two.left() == ["wincnode-net-server-win1-killed", "wincnode-net-killed"]
    two.plane.clock.advance(3601)

    found = tried(api, two.wish)

    (note,) = found.notes
    assert note == (
        "took away what an earlier test had left: wincnode-net-server-win1-killed,"
        " wincnode-net-killed"
    )
    for both in (early, found):
        assert set(cells(both).values()) == {OK}


def test_two_tests_at_once_leave_each_other_alone(two: Two, api: Api) -> None:
    """Each has pods and a service of its own; both find all well, and leave nothing."""
    wishes = [replace(two.wish, operator=name) for name in ("ada@desk", "bob@desk")]
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda wish: tried(api, wish), wishes))

    for one in found:
        assert cells(one) == dict.fromkeys(everything(two), OK)
        assert all("may be under way" in note for note in one.notes)


def test_a_test_that_waits_for_long_is_no_leftover(two: Two, api: Api) -> None:
    """Its pods say for how long it may take."""
    maker = Maker(run="slow", images=IMAGES)
    two.plane.objects.put("pods", trial_pods.server("win1", maker, limit_s=4000.0))
    two.plane.objects.put("services", trial_pods.service(maker))
    two.plane.clock.advance(3700)
    early = trial_leftovers.of_others(api, "mine")
    two.plane.clock.advance(400)

    late = trial_leftovers.of_others(api, "mine")

    assert early[0] == []
    assert "another test of the network, of somebody" in early[1][0]
    assert late == (["wincnode-net-server-win1-slow", "wincnode-net-slow"], [])


def test_who_stops_in_the_middle_leaves_nothing(two: Two, api: Api) -> None:
    """What was not tried is unknown, with the reason."""
    said: list[str] = []

    found = tried(
        api, two.wish, say=said.append, stopped=lambda: any("round 1" in text for text in said)
    )

    assert two.left() == []
    assert set(cells(found)) == everything(two)
    unknown = {row.said for rows in found.tried.values() for row in rows if row.verdict is UNKNOWN}
    assert unknown == {"interrupted before all was tried"}


def test_what_cannot_be_deleted_keeps_nothing_else(two: Two, api: Api) -> None:
    """Such as a pod that is another one by now: all are tried, and the first error is told."""
    left_by_somebody(two, "killed")
    pod, service = trial_leftovers._made(api, "killed")
    other = (pod[0], {"metadata": {**pod[1]["metadata"], "uid": "another"}})

    gone, error = trial_leftovers._all_deleted(api, [other, service])

    assert (gone, error is not None) == (["wincnode-net-killed"], True)
    trial_leftovers.remove(api, "killed")
    assert trial_leftovers.waited_for(api, "killed", 0.1) == []


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
    two.plane.clock.advance(3601)
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
