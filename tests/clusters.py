"""Lab nodes beside a lab cluster for tests, and wincnode run against them as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from winps import winps

from wincnode.cluster import access, discovery, tokens
from wincnode.cluster.api import Api
from wincnode.cluster.kubeconfig import load as load_kubeconfig
from wincnode.lab import nodes
from wincnode.lab.clusters import LabCluster, lab_cluster
from wincnode.lab.nodes import LabNode, Wish

TIMEOUT_S = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    report: dict[str, Any]
    stderr: str

    def outcomes(self, node: str) -> list[str]:
        """Give how each step of a node ended."""
        return [step["outcome"] for step in self.of(node)["steps"]]

    def of(self, node: str) -> dict[str, Any]:
        """Give the report of a node."""
        (row,) = [row for row in self.report["nodes"] if row["node"] == node]
        found: dict[str, Any] = row
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A cluster, nodes, and the folder with their inventory and lock file."""

    folder: Path
    cluster: LabCluster
    nodes: dict[str, LabNode]

    def start(self, words: str) -> subprocess.Popen[str]:
        """Start wincnode."""
        return subprocess.Popen(
            [sys.executable, "-m", "wincnode", *words.split()],
            cwd=self.folder,
            env={**os.environ, "WINCNODE_LAB_PASSWORD": nodes.PASSWORD},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, words: str, stdin: str = "") -> Ran:
        """Run wincnode to its end."""
        child = self.start(f"{words} -o json")
        out, err = child.communicate(stdin, timeout=TIMEOUT_S)
        return Ran(code=child.returncode, report=json.loads(out) if out else {}, stderr=err)

    def join_line(self) -> str:
        """Give the line that `kubeadm token create --print-join-command` prints."""
        api = Api(load_kubeconfig(self.cluster.kubeconfig))
        token = tokens.create(api, "anybody", "0")
        info = discovery.cluster_info(api, token)
        server = info.server.removeprefix("https://")
        return (
            f"kubeadm join {server} --token {token.reveal()}"
            f" --discovery-token-ca-cert-hash {info.pins[0]}"
        )

    def limited(self, verb: str, resource: str) -> Path:
        """Write a kubeconfig with the documented rights of a join but one."""
        pairs = [(one, right.resource) for right in access.needed(["join"]) for one in right.verbs]
        user = f"no-{verb}-{resource}"
        return self.cluster.plane.kubeconfig(
            user, [pair for pair in pairs if pair != (verb, resource)]
        )

    def change(self, old: str, new: str) -> None:
        """Change the inventory."""
        path = self.folder / "wincnode.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


@contextmanager
def site(
    folder: Path,
    *,
    engine: str = "model",
    profiles: dict[str, str] | None = None,
    cluster: LabCluster | None = None,
) -> Iterator[Site]:
    """Run nodes beside a cluster that runs or, without one, their own; lock what they install."""
    program = Path(winps()) if engine == "powershell" else None
    rows = profiles or {"web-1": "ws2022"}
    wishes = {name: Wish(profile=profile, powershell=program) for name, profile in rows.items()}
    beside = nullcontext(cluster) if cluster else lab_cluster(folder / "cluster")
    with beside as found, nodes.lab_nodes(wishes) as running:
        nodes.write_inventory(folder / "wincnode.yaml", nodes.ports(running), found)
        made = Site(folder=folder, cluster=found, nodes=running)
        for words in ("cluster apply", "lock --allow-unverified"):
            done = made.run(words)
            assert done.code == 0, done.stderr
        yield made
