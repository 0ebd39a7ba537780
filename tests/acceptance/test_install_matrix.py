"""From a bare Windows Server to a Ready node by the shipped scripts: each build and isolation.

Long work takes the time of real machines on the nodes' clock. The lab holds the limit of a step to
it; what the client waits for is scaled as that clock is.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from clusters import Site, site
from journeys import limited

from wincnode.cluster.stages import to_ready
from wincnode.lab.nodes import LabNode

PROFILES = {"w2019": "ws2019", "w2022": "ws2022", "w2025": "ws2025"}
DURATIONS = {"feature_install": 180.0, "image_pull": 300.0}
HASTE = 30
NETWORK = "connected to the network of pods"
LIMITS = {stage.name: stage.timeout_s for stage in to_ready("1.36.4", 20348)}
JOIN = f"join --stage-timeout {LIMITS[NETWORK] / HASTE:.0f}"
FEATURES = {"process": {"Containers"}, "hyperv": {"Containers", "Hyper-V", "Hyper-V-PowerShell"}}
# For who the machine is, as there are several, over a connection of its own; for facts, a run, the
# order to reboot, the question for the boot, the run after it, and the smoke ladder; again for who it
# is among several; for facts, who the machine is, the run that moves the adapter, and over a new
# connection who the machine is, the confirmation, the end of that run, and the run that joins. Each
# is a command in a shell, and the messages of logging on are not counted.
INSTALL = {"Create": 3, "Command": 8, "Send": 7, "Signal": 7, "Delete": 3}
WHOLE = {"Create": 6, "Command": 16, "Send": 15, "Signal": 15, "Delete": 6}
AGAIN = {"Create": 10, "Command": 22, "Send": 21, "Signal": 21, "Delete": 10}
BOUND = {"Ethernet": "vEthernet (Ethernet)"}
MOST_REQUESTS = 60
# Whose it is, how far it is, and its labels; a watch goes on from there unless it is Ready by then.
READS = {"get": 2, "list": 1}
TOO_SHORT = "feature_install takes 180 s here, and the step may take 179 s."


def bare(node: LabNode) -> None:
    """Take away what the profiles have of containers."""
    node.machine.features.load(dict.fromkeys(FEATURES["hyperv"], "Available"))


def wanted(lab: Site, isolation: str) -> None:
    """Write the wanted isolation into the inventory."""
    modes = {"process": "[process]", "hyperv": "[process, hyperv]"}[isolation]
    lab.change("runtime:\n", f"runtime:\n  isolation: {modes}\n")


def requests(node: LabNode) -> dict[str, int]:
    """Count the requests to a node but for Receive, of which there are as many as it takes time."""
    return dict(Counter(name for name in node.server.requests if name != "Receive"))


def ids(node: LabNode) -> list[str]:
    """Give the ids of a node's networks, which one that is made anew does not keep."""
    return [str(row["ID"]) for row in node.machine.hns.documents("network")]


def reads(lab: Site, name: str, since: int) -> dict[str, int]:
    """Count how wincnode read a Node, after so many requests to the cluster."""
    rows = [row for row in lab.cluster.plane.audit[since:] if row.verb in {"get", "list", "watch"}]
    return dict(Counter(row.verb for row in rows if (row.user, row.name) == ("admin", name)))


def changes(lab: Site) -> list[str]:
    """Give what an administrator changed of the cluster."""
    rows = [row for row in lab.cluster.plane.mutations if row.user == "admin"]
    return [f"{row.verb} {row.resource} {row.name}" for row in rows]


@pytest.mark.parametrize("isolation", ["process", "hyperv"])
def test_bare_servers_become_ready_nodes(isolation: str, tmp_path: Path) -> None:
    """With one reboot, a known number of requests and one watch; the second time nothing is done."""
    with site(
        tmp_path, engine="powershell", profiles=PROFILES, durations=DURATIONS, haste=HASTE
    ) as lab:
        wanted(lab, isolation)
        for node in lab.nodes.values():
            bare(node)
        boots = {name: int(node.machine.boot) for name, node in lab.nodes.items()}

        installed = lab.run("install --reboots-at-once 3")
        assert installed.code == 0, installed.stderr
        for name, node in lab.nodes.items():
            assert requests(node) == INSTALL, name
        joined = lab.run(JOIN)
        assert joined.code == 0, joined.stderr

        for name, node in lab.nodes.items():
            assert lab.ready(name)
            assert int(node.machine.boot) == boots[name] + 1
            roles = node.machine.features.roles().items()
            assert {role for role, state in roles if state == "Installed"} == FEATURES[isolation]
            assert requests(node) == WHOLE, name
            assert node.machine.hns.bound() == BOUND
            assert node.machine.hns.documents("network")[0]["Owner"] == "wincnode"
            assert node.machine.clock.seconds() > sum(DURATIONS.values())
            assert reads(lab, name, 0) in (READS, {**READS, "watch": 1})
        assert not lab.tokens()
        before, since = changes(lab), len(lab.cluster.plane.audit)
        processes = {name: lab.running(name) for name in lab.nodes}
        networks = {name: ids(node) for name, node in lab.nodes.items()}

        again, rejoined = lab.run("install"), lab.run(JOIN)

        assert (again.code, rejoined.code) == (0, 0), again.stderr + rejoined.stderr
        for name, node in lab.nodes.items():
            assert set(again.outcomes(name)) == set(rejoined.outcomes(name)) == {"ok"}
            assert int(node.machine.boot) == boots[name] + 1
            assert reads(lab, name, since) == READS
            assert requests(node) == AGAIN, name
        assert {name: ids(node) for name, node in lab.nodes.items()} == networks
        assert {name: lab.running(name) for name in lab.nodes} == processes
        assert changes(lab) == before


def test_the_promised_number_of_requests_is_kept() -> None:
    """Install with its reboot, and join, on each of several nodes."""
    assert sum(WHOLE.values()) <= MOST_REQUESTS


def test_a_join_without_the_network_s_agent_names_that_stage(tmp_path: Path) -> None:
    """The kubelet registers, and is never Ready."""
    with site(tmp_path, engine="powershell") as lab:
        installed = lab.run("install")
        assert installed.code == 0, installed.stderr
        lab.nodes["web-1"].worker.cni_agent = False

        joined = lab.run("join --stage-timeout 5")

        assert joined.code == 1
        error = joined.of("web-1")["error"]
        assert error["id"] == "cluster.not-ready"
        assert f"has not passed {NETWORK!r}" in error["message"]
        assert "cni plugin not initialized" in error["message"]
        assert not lab.ready()
        assert not lab.tokens()


@pytest.mark.parametrize(("limit_s", "said"), [(179, TOO_SHORT), (180, "")])
def test_a_step_has_to_have_the_time_that_its_work_takes(
    limit_s: int, said: str, tmp_path: Path
) -> None:
    """What the lab holds a step's limit to is the time on the node's clock."""
    assert limited(tmp_path, "powershell", limit_s=limit_s) == said
