"""Lab nodes beside a lab cluster for tests, and wincnode run against them as a user runs it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compute_double import libraries
from winps import winps

from wincnode.cluster import discovery, tokens
from wincnode.cluster.api import Api
from wincnode.cluster.kubeconfig import load as load_kubeconfig
from wincnode.lab import nodes
from wincnode.lab.clusters import LabCluster, lab_cluster, linux_nodes
from wincnode.lab.nodes import LabNode, Wish
from wincnode.lab.programs.wire import Wire

TIMEOUT_S = 300
LOCK_FILE = "wincnode.lock.yaml"
TOKEN = re.compile(rb"\b[a-z0-9]{6}\.[a-z0-9]{16}\b")


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

    def ready(self, name: str = "web-1") -> bool:
        """Tell whether the cluster calls a node Ready."""
        node = self.cluster.plane.objects.get("nodes", name) or {"status": {"conditions": []}}
        rows = {row["type"]: row["status"] for row in node["status"]["conditions"]}
        return rows.get("Ready") == "True"

    def running(self, name: str = "web-1") -> dict[str, int]:
        """Give the processes of the services that wincnode runs."""
        rows = self.nodes[name].machine.services.rows()
        ours = {"containerd", "kubelet"}
        return {row["Name"]: row["ProcessId"] for row in rows if row["Name"] in ours}

    def tokens(self) -> list[str]:
        """Give the bootstrap tokens that are in the cluster."""
        rows = self.cluster.plane.objects.rows("secrets", "kube-system")
        names = [row["metadata"]["name"] for row in rows]
        return [name for name in names if "bootstrap-token" in name]

    def holding_tokens(self, name: str = "web-1") -> list[Path]:
        """Give the files of a node that have a bootstrap token in them."""
        files = [path for path in self.nodes[name].machine.drive.rglob("*") if path.is_file()]
        return [path for path in files if TOKEN.search(path.read_bytes())]

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
    durations: Mapping[str, float] | None = None,
    haste: float = 1.0,
    linux: tuple[str, ...] = (),
) -> Iterator[Site]:
    """Run nodes beside a cluster that runs or, without one, their own; lock what they install.

    Args: durations: seconds of the nodes' long work, of which `haste` pass in one of ours.
        linux: names of Linux nodes beside them.
    """
    wishes = {
        name: Wish(
            profile=profile,
            powershell=engine_of(engine),
            compute=libraries_of(engine),
            cluster=True,
            durations=durations or {},
            haste=haste,
        )
        for name, profile in (profiles or {"web-1": "ws2022"}).items()
    }
    beside = nullcontext(cluster) if cluster else lab_cluster(folder / "cluster")
    wire = Wire()
    with (
        beside as found,
        nodes.lab_nodes(wishes, wire) as running,
        linux_nodes(found.plane, wire, {name: set() for name in linux}),
    ):
        nodes.write_inventory(folder / "wincnode.yaml", nodes.ports(running), found)
        made = Site(folder=folder, cluster=found, nodes=running)
        for words in ("cluster apply", "lock --allow-unverified"):
            done = made.run(words)
            assert done.code == 0, done.stderr
        yield made


@contextmanager
def beside(first: Site, folder: Path, *, engine: str = "model") -> Iterator[Site]:
    """Run another web-1 beside a site's cluster, which forgets it at the end."""
    folder.mkdir(parents=True)
    shutil.copy(first.folder / LOCK_FILE, folder)
    wish = Wish(
        profile="ws2022",
        powershell=engine_of(engine),
        compute=libraries_of(engine),
        cluster=True,
    )
    try:
        with nodes.lab_nodes({"web-1": wish}) as running:
            nodes.write_inventory(folder / "wincnode.yaml", nodes.ports(running), first.cluster)
            yield Site(folder=folder, cluster=first.cluster, nodes=running)
    finally:
        first.cluster.plane.objects.delete("nodes", "web-1")


def engine_of(name: str) -> Path | None:
    """Give what a lab node's PowerShell engine starts with; nothing for the model."""
    return Path(winps()) if name == "powershell" else None


def libraries_of(name: str) -> Path | None:
    """Give the libraries that scripts call on a lab node; the model calls none."""
    return libraries() if name == "powershell" else None
