"""From a bare Windows Server to a Ready node, as a user gets there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters import Site, site

from wincnode.cluster.tokens import token_id
from wincnode.lab.windows.machine import Machine

# What the wire may cost: install with one reboot, and join.
MOST_REQUESTS = 60
# The token of the line that kubeadm printed, which is not wincnode's to take back.
ANYBODY = f"bootstrap-token-{token_id('anybody')}"
OTHER_MACHINE = {
    "metadata": {"name": "taken", "labels": {}},
    "spec": {},
    "status": {
        "nodeInfo": {"systemUUID": "11111111-2222-3333-4444-555555555555"},
        "conditions": [],
    },
}
TOKEN = re.compile(rb"\b[a-z0-9]{6}\.[a-z0-9]{16}\b")


def bare(machine: Machine) -> None:
    """Take away what the profiles have of containers."""
    machine.features.load({"Containers": "Available"})


def ready(lab: Site, name: str = "web-1") -> bool:
    """Tell whether the cluster calls a node Ready."""
    node = lab.cluster.plane.objects.get("nodes", name) or {"status": {"conditions": []}}
    rows = {row["type"]: row["status"] for row in node["status"]["conditions"]}
    return rows.get("Ready") == "True"


def running(lab: Site, name: str = "web-1") -> dict[str, int]:
    """Give the processes of the services that wincnode runs."""
    rows = lab.nodes[name].machine.services.rows()
    return {
        row["Name"]: row["ProcessId"] for row in rows if row["Name"] in {"containerd", "kubelet"}
    }


def tokens(lab: Site) -> list[str]:
    """Give the bootstrap tokens that are in the cluster."""
    rows = lab.cluster.plane.objects.rows("secrets", "kube-system")
    return [row["metadata"]["name"] for row in rows if "bootstrap-token" in row["metadata"]["name"]]


def changes(lab: Site) -> list[object]:
    """Give what an administrator changed in the cluster."""
    return [row for row in lab.cluster.plane.mutations if row.user == "admin"]


def test_bare_servers_become_ready_nodes(tmp_path: Path) -> None:
    """With the reboot that the feature needs; the second time nothing is changed anywhere."""
    profiles = {"web-1": "ws2019", "web-2": "ws2022", "web-3": "ws2025"}
    with site(tmp_path, profiles=profiles) as lab:
        boots = {}
        for name, node in lab.nodes.items():
            bare(node.machine)
            boots[name] = node.machine.boot
        for words in ("install --reboots-at-once 3", "join"):
            ended = lab.run(words)
            assert ended.code == 0, ended.stderr
        for name, node in lab.nodes.items():
            assert ready(lab, name)
            assert node.machine.boot != boots[name]
            assert sum(word != "Receive" for word in node.server.requests) <= MOST_REQUESTS
        before, processes = len(changes(lab)), [running(lab, name) for name in profiles]

        again, rejoined = lab.run("install"), lab.run("join")

        for name in profiles:
            assert set(again.outcomes(name)) == set(rejoined.outcomes(name)) == {"ok"}
        assert len(changes(lab)) == before
        assert [running(lab, name) for name in profiles] == processes
        assert not tokens(lab)


def test_every_way_to_join(tmp_path: Path) -> None:
    """By the kubelet alone, by a line of kubeadm, and not at all where it cannot be right."""
    names = ("alone", "line", "agentless", "taken")
    with site(tmp_path, profiles=dict.fromkeys(names, "ws2022")) as lab:
        assert lab.run("install").code == 0
        lab.nodes["agentless"].worker.cni_agent = False
        lab.cluster.plane.objects.put("nodes", OTHER_MACHINE)

        alone = lab.run("join alone --method bootstrap")
        line = lab.run("join line --command -", stdin=lab.join_line())
        rest = lab.run("join agentless taken --stage-timeout 5")

        assert (alone.code, line.code, rest.code) == (0, 0, 1), alone.stderr + line.stderr
        assert ready(lab, "alone")
        assert line.outcomes("line") == ["changed", "changed", "ok"]
        stopped = rest.of("agentless")["error"]["message"]
        assert "connected to the network" in stopped
        assert "cni plugin not initialized" in stopped
        assert rest.of("taken")["error"]["id"] == "cluster.other-machine"
        assert tokens(lab) == [ANYBODY]
        for node in lab.nodes.values():
            assert not [path for path in node.machine.drive.rglob("*") if holds_token(path)]


def holds_token(path: Path) -> bool:
    """Tell whether a file of a node has a bootstrap token in it."""
    return path.is_file() and bool(TOKEN.search(path.read_bytes()))


@pytest.mark.parametrize(
    ("verb", "resource"),
    [("create", "secrets"), ("delete", "secrets"), ("get", "nodes"), ("watch", "nodes")],
)
def test_a_missing_right_is_named_before_anything_is_done(
    verb: str, resource: str, lab: Site
) -> None:
    """Of the documented rights, each is asked for before a node is touched."""
    ended = lab.run(f"join --kubeconfig {lab.limited(verb, resource)}")

    assert ended.code == 4
    assert f"{verb} {resource}" in ended.stderr
    assert not lab.nodes["web-1"].server.requests


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a cluster beside a node that nothing touches."""
    with site(tmp_path_factory.mktemp("site")) as made:
        yield made
