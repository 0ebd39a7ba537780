"""From a bare Windows Server to a Ready node, as a user gets there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from cluster_access import granted
from clusters import Site, site

from wincnode.cluster.access import Task, needed
from wincnode.cluster.probe import PROVEN
from wincnode.cluster.tokens import token_id
from wincnode.lab.windows.machine import Machine

# What the wire may cost: install with one reboot, and join.
MOST_REQUESTS = 60
# The token of the line that kubeadm printed, which is not wincnode's to take back.
ANYBODY = f"bootstrap-token-{token_id('anybody')}"
OTHER_BUILD = "mcr.microsoft.com/windows/nanoserver:1809"
OTHER_MACHINE = {
    "metadata": {"name": "taken", "labels": {}},
    "spec": {},
    "status": {
        "nodeInfo": {"systemUUID": "11111111-2222-3333-4444-555555555555"},
        "conditions": [],
    },
}


def bare(machine: Machine) -> None:
    """Take away what the profiles have of containers."""
    machine.features.load({"Containers": "Available"})


def changes(lab: Site) -> list[object]:
    """Give what an administrator changed in the cluster."""
    return [row for row in lab.cluster.plane.mutations if row.user == "admin"]


def test_bare_servers_become_ready_nodes(tmp_path: Path) -> None:
    """With the reboot that the feature needs; the second time nothing is changed anywhere."""
    profiles = {"web-1": "ws2019", "web-2": "ws2025"}
    with site(tmp_path, profiles=profiles) as lab:
        boots = {}
        for name, node in lab.nodes.items():
            bare(node.machine)
            boots[name] = node.machine.boot
        for words in ("install --reboots-at-once 2", "join"):
            ended = lab.run(words)
            assert ended.code == 0, ended.stderr
        for name, node in lab.nodes.items():
            assert lab.ready(name)
            assert proof(lab, name).startswith("registry.k8s.io/pause:3.10.2 on v1.36.4, ")
            assert node.machine.boot != boots[name]
            assert sum(word != "Receive" for word in node.server.requests) <= MOST_REQUESTS
            assert node.machine.hns.bound() == {"Ethernet": "vEthernet (Ethernet)"}
        before, processes = len(changes(lab)), [lab.running(name) for name in profiles]

        again, rejoined = lab.run("install"), lab.run("join")

        for name in profiles:
            assert set(again.outcomes(name)) == set(rejoined.outcomes(name)) == {"ok"}
        assert len(changes(lab)) == before
        assert [lab.running(name) for name in profiles] == processes
        assert not lab.tokens()


def test_a_bare_server_is_told_to_be_installed_before_anything_is_moved(tmp_path: Path) -> None:
    """Else its adapter would move, and a token be made, for a join that cannot come about."""
    with site(tmp_path, profiles={"web-1": "ws2022"}) as lab:
        before = changes(lab)

        ended = lab.run("join")

        assert ended.code == 1
        error = ended.of("web-1")["error"]
        assert error["id"] == "node.not-installed"
        assert error["message"] == "web-1: not installed: containerd, kubelet; nothing was changed"
        assert not lab.nodes["web-1"].machine.hns.bound()
        assert changes(lab) == before


def test_every_way_to_join(tmp_path: Path) -> None:
    """By the kubelet alone, by a line of kubeadm, and not under another machine's name.

    Where the cluster has its kubelets tell their health at another port.
    """
    names = ("alone", "line", "taken")
    with site(tmp_path, profiles=dict.fromkeys(names, "ws2022")) as lab:
        assert lab.run("install").code == 0
        lab.cluster.plane.objects.put("nodes", OTHER_MACHINE)
        health_at(lab, 10301)

        # Of an account with the rights of a join, and none on pods.
        few = granted(lab.cluster.plane, needed(["join"]))
        alone = lab.run(f"join alone --method bootstrap --kubeconfig {few}")
        unproven = proof(lab, "alone")
        line = lab.run("join line --command -", stdin=lab.join_line())
        taken = lab.run("join taken")
        other = lab.run(f"join alone --probe-image {OTHER_BUILD} --stage-timeout 2")

        assert (alone.code, line.code, taken.code) == (0, 0, 1), alone.stderr + line.stderr
        assert lab.ready("alone")
        for name in ("alone", "line"):
            assert set(lab.nodes[name].machine.loopback) == {10301}
        note = alone.of("alone")["notes"][-1]
        assert note.startswith("the Node is Ready, but no pod has proven it: the account lacks")
        assert "create pods in kube-system" in note
        assert unproven == ""
        wrong = other.of("alone")["error"]["message"]
        assert f"not passed: proven by a pod of {OTHER_BUILD}" in wrong
        assert "[cause.image-build]" in wrong.splitlines()[3]
        assert line.outcomes("line") == ["changed", "changed", "changed", "ok"]
        assert taken.of("taken")["error"]["id"] == "cluster.other-machine"
        assert lab.tokens() == [ANYBODY]
        assert not [path for name in names for path in lab.holding_tokens(name)]


def health_at(lab: Site, port: int) -> None:
    """Have all kubelets of a cluster tell their health at a port."""
    config = lab.cluster.plane.objects.get("configmaps", "kubelet-config", "kube-system")
    assert config
    kubelet = yaml.safe_load(config["data"]["kubelet"])
    text = yaml.safe_dump({**kubelet, "healthzPort": port})
    lab.cluster.plane.objects.put("configmaps", {**config, "data": {"kubelet": text}})


def proof(lab: Site, name: str) -> str:
    """Give what the cluster notes of the pod that proved a node."""
    node = lab.cluster.plane.objects.get("nodes", name) or {"metadata": {}}
    found: str = node["metadata"].get("annotations", {}).get(PROVEN, "")
    return found


@pytest.mark.parametrize(
    ("task", "words", "verb", "resource"),
    [
        ("join", "join", "delete", "secrets"),
        ("leave", "leave --yes", "create", "pods/eviction"),
        ("apply", "cluster apply", "patch", "daemonsets"),
    ],
)
def test_a_missing_right_is_named_before_anything_is_done(
    task: Task, words: str, verb: str, resource: str, lab: Site
) -> None:
    """As a user sees it; tests/test_cluster_rights.py has every right."""
    rights = [
        replace(
            row, verbs=tuple(one for one in row.verbs if (one, row.resource) != (verb, resource))
        )
        for row in needed([task])
    ]
    plane = lab.cluster.plane
    ended = lab.run(f"{words} --kubeconfig {granted(plane, rights, task)}")

    assert ended.code == 4
    assert f"{verb} {resource}" in ended.stderr
    assert not [row for row in plane.mutations if row.user == task]
    assert not lab.nodes["web-1"].server.requests


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a cluster beside a node that nothing touches."""
    with site(tmp_path_factory.mktemp("site")) as made:
        yield made
