"""From a bare Windows Server to a Ready node, as a user gets there."""

from __future__ import annotations

from pathlib import Path

import pytest
from clusters import Site, site

from wincnode.lab.windows.machine import Machine


def bare(machine: Machine) -> None:
    """Take away what the profiles have of containers."""
    machine.features |= {"Containers": "Available", "Hyper-V": "Available"}


@pytest.mark.parametrize("profile", ["ws2019", "ws2022", "ws2025"])
def test_a_bare_server_becomes_a_ready_node(profile: str, tmp_path: Path) -> None:
    """With the reboot that the feature needs; the second time nothing is changed anywhere."""
    with site(tmp_path, profiles={"web-1": profile}) as lab:
        bare(lab.nodes["web-1"].machine)
        first = lab.run("install")
        assert first.code == 0, first.stderr
        joined = lab.run("join")
        assert joined.code == 0, joined.stderr
        assert ready(lab, "web-1")
        mutations, processes = len(lab.cluster.plane.mutations), running(lab, "web-1")

        again, rejoined = lab.run("install"), lab.run("join")

        assert set(again.outcomes("web-1")) == set(rejoined.outcomes("web-1")) == {"ok"}
        assert len(lab.cluster.plane.mutations) - mutations == 0
        assert running(lab, "web-1") == processes


def ready(lab: Site, name: str) -> bool:
    """Tell whether the cluster calls a node Ready."""
    node = lab.cluster.plane.objects.get("nodes", "", name)
    rows = {row["type"]: row["status"] for row in node["status"]["conditions"]}
    return rows.get("Ready") == "True"


def running(lab: Site, name: str) -> dict[str, int]:
    """Give the processes of the services that wincnode runs."""
    rows = lab.nodes[name].machine.services.rows()
    return {
        row["Name"]: row["ProcessId"] for row in rows if row["Name"] in {"containerd", "kubelet"}
    }
