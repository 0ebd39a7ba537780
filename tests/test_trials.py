"""What pods try of the network, and how what they say is read: nothing here asks a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from wincnode.checks import Verdict
from wincnode.cluster import trial_places, trial_pods, trials
from wincnode.cluster.trial_places import Host, Places
from wincnode.cluster.trial_pods import Maker
from wincnode.cluster.trials import Attempt, Tried

OK, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("nodes", "named", "chosen", "why"),
    [
        ((), (), "", "the cluster has no Linux node"),
        (("b", "a"), (), "a", ""),
        (("a cordoned", "b"), (), "b", ""),
        (("a cordoned", "b unready"), (), "", "a is cordoned, b is not Ready;"),
        (("a control-plane", "b"), (), "b", ""),
        (("a cordoned", "b control-plane"), (), "b", ""),
        (("a gpu", "b cordoned"), (), "", "a has the taint gpu:NoSchedule, b is cordoned;"),
        (("a cordoned",), ("a",), "a", ""),
        (("a", "b unready"), ("b",), "", "b is no Linux node of the cluster that is Ready"),
    ],
)
def test_one_linux_node_is_chosen(
    nodes: tuple[str, ...], named: tuple[str, ...], chosen: str, why: str
) -> None:
    """The first that takes pods as they come, then a control plane; who is named comes first."""
    rows = [
        {
            "metadata": {"name": text[0], "labels": {trial_places.OS_LABEL: "linux"}},
            "spec": {
                "unschedulable": "cordoned" in text,
                "taints": [
                    {"key": key, "effect": "NoSchedule"}
                    for key in (trial_places.CONTROL_PLANE[0], "gpu")
                    if key.rpartition("/")[2] in text
                ],
            },
            "status": {"conditions": [{"type": "Ready", "status": str("unready" not in text)}]},
        }
        for text in nodes
    ]
    found, shut = trial_places.linux_nodes(rows, named)
    assert "".join(found) == chosen
    assert why in "".join(host.why for host in shut)
    assert bool(shut) == bool(why)


def test_without_any_other_node_there_is_nowhere_to_send_to() -> None:
    """UDP and large packets have a row all the same."""
    shut = Host(node="a Linux node", why="the cluster has no Linux node")
    places = Places(hosts=(Host(node="n", pod_ip="10.1.0.1"),), linux=(shut,))
    rows = {row.trial: row.why for row in trials.attempts("n", places) if row.why}
    why = "there is no second Windows node that is Ready"
    assert rows == {
        **dict.fromkeys(("pod.pods", "pod.udp", "pod.mtu"), why),
        "pod.linux": "the cluster has no Linux node",
        "pod.nodeport": why,
        "pod.egress": "the inventory names nothing outside that could be tried",
    }
    (back,) = trials.from_linux(shut, ("n",), places)
    assert (back.place, back.why, back.of) == ("", "the cluster has no Linux node", "n")


def test_a_node_of_many_tries_its_neighbours() -> None:
    """Itself and those that follow it, so that each is tried from several."""
    hosts = [Host(node=f"n{n}", node_ip=f"10.0.0.{n}", pod_ip=f"10.1.0.{n}") for n in range(20)]
    made = trial_places.Front(name="s", address="10.96.0.5", node_port=30001)
    linux = Host(node="tux-1", pod_ip="10.2.0.1")
    places = Places(hosts=tuple(hosts), linux=(linux,), egress=("a:1",), front=made)

    per_node = {host.node: trials.attempts(host.node, places) for host in hosts}

    # Pods, the Linux node, UDP and large packets to three nodes and to Linux, and the rest.
    assert {len(rows) for rows in per_node.values()} == {8 + 1 + 2 * (3 + 1) + 2 + 1 + 7}
    back = trials.from_linux(linux, tuple(per_node), places)
    assert [row.of for row in back] == [f"n{n}" for n in range(8)]
    reached = [row.target for rows in per_node.values() for row in rows if row.trial == "pod.pods"]
    assert {reached.count(host.node) for host in hosts} == {8}


def test_addresses_that_are_none_enter_no_command() -> None:
    """The cluster's objects are written by others, too."""
    node = {"metadata": {"name": "n"}, "status": {"addresses": [{"type": "InternalIP"}]}}
    status = {"podIP": "--timeout=9h", "containerStatuses": [{"ready": True}]}
    assert trial_places.host_of(node, {"status": status}, in_time=True) is None
    found = trial_places.host_of(node, {"status": {**status, "podIP": "10.1.0.1"}}, in_time=True)
    assert found == Host(node="n", pod_ip="10.1.0.1")
    late = trial_places.host_of(node, {"status": status}, in_time=False)
    assert late is not None
    assert "did not come up in time" in late.why
    made = trial_places.front({"metadata": {"name": "s"}, "spec": {"clusterIP": "None"}})
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


def test_a_pod_that_the_kubelet_refuses_says_why() -> None:
    """It has no containers, and is not waited for."""
    status = {"phase": "Failed", "reason": "OutOfcpu", "message": "Node didn't have enough: cpu"}
    (row,) = trials.read({"status": status}, [Attempt(trial="pod.pods", target="n", place="a:1")])
    told = "a:1: OutOfcpu: Node didn't have enough: cpu"
    assert (row.verdict, row.said) == (UNKNOWN, told)


@pytest.mark.parametrize(
    ("how", "code", "message", "verdict"),
    [
        ("udp", 1, "TIMEOUT: read udp 10.1.0.3:1->10.1.1.3:8081: i/o timeout", FAIL),
        ("udp", 1, "UNKNOWN: read udp 10.1.0.3:1->10.1.1.3:8081: wsarecv: was closed", FAIL),
        ("udp", 1, "UNKNOWN: bad arguments", UNKNOWN),
        ("tcp", 1, "UNKNOWN: read udp", UNKNOWN),
        ("large", 28, "curl: (28) Operation timed out", FAIL),
        ("large", 56, "", FAIL),
        ("large", 22, "curl: (22) The requested URL returned error: 404", UNKNOWN),
        ("large", 128, "TIMEOUT", UNKNOWN),
    ],
)
def test_words_of_udp_and_codes_of_curl_are_told_apart(
    how: trials.How, code: int, message: str, verdict: Verdict
) -> None:
    """What is no word of the network leaves the cell unknown."""
    ended = {"terminated": {"exitCode": code, "message": message}}
    pod = {"status": {"containerStatuses": [{"name": "t0", "state": ended}]}}
    (row,) = trials.read(pod, [Attempt(trial="pod.mtu", target="n", place="a:1", how=how)])
    assert row.verdict is verdict


def test_large_packets_are_judged_where_small_ones_arrive() -> None:
    """A lost node is one failure, not two."""
    small = Attempt(trial="pod.pods", target="n", place="a:1", peer="n")
    large = Attempt(trial="pod.mtu", target="n", place="a:1", how="large", peer="n")
    failed = Tried(attempt=large, verdict=FAIL, said="late")
    for verdict, expected in ((OK, FAIL), (FAIL, UNKNOWN), (UNKNOWN, UNKNOWN)):
        _, row = trials.sifted([Tried(attempt=small, verdict=verdict, said=""), failed])
        assert row.verdict is expected


def test_pods_of_both_systems_are_not_root_s() -> None:
    """Windows refuses what Linux asks for, and the other way round."""
    maker = Maker(run="r", images={"windows": "w/agnhost:1", "linux": "l/agnhost:1"})
    rows = [Attempt(trial="pod.mtu", target="n", place="[fd00::1]:8080", how="large")]
    for system, user in (("windows", "windowsOptions"), ("linux", "runAsUser")):
        pod = trial_pods.client("n", maker, rows, number=1, limit_s=1, system=system)
        (container,) = pod["spec"]["containers"]
        assert pod["spec"]["os"] == {"name": system}
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert user in pod["spec"]["securityContext"]
        assert ("securityContext" in container) == (system == "linux")
        assert container["image"] == f"{system[0]}/agnhost:1"
        assert container["command"] == ["curl"]
        assert container["args"][-1].startswith("http://[fd00::1]:8080/echo?msg=xxx")
        # What Windows' command lines hold.
        assert len(" ".join(container["args"])) < 32767
