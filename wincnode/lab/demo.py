"""The demo: what a user of wincnode sees on a first day, over real WinRM on simulated nodes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from wincnode.lab.clusters import lab_cluster
from wincnode.lab.nodes import PASSWORD, Wish, closed_port, lab_nodes, ports, write_inventory

PACE_S = 0.15
PLAYBOOK = "prepare.yaml"
# Each command, the exit code that it should end with, and why.
ACTS = (
    ("preflight", 5, "a node is blocked (5) and one is unreachable (4); 5 goes first"),
    (f"apply {PLAYBOOK} web-1 --plan", 0, "what would change on the healthy node; nothing did"),
    # The lab's mirror speaks http, over which nothing vouches for a file.
    ("lock --allow-unverified", 0, "the files that nodes install are pinned"),
    ("cluster apply", 0, "the cluster has what Windows nodes need"),
    ("install web-1", 0, "containerd runs, a container has run, and the kubelet is ready to join"),
    ("join web-1", 0, "the cluster calls the node Ready"),
    ("install web-1", 0, "it was as wanted, so nothing was touched"),
    ("runs web-1", 0, "the node remembers whose runs it had"),
)


def demo() -> int:
    """Run wincnode on a healthy, a broken and an absent node.

    Returns: 0 when each command ended with the exit code that it should.
    """
    wishes = {
        "web-1": Wish(profile="ws2022", pace_s=PACE_S),
        "web-2": Wish(profile="ws2019-broken", pace_s=PACE_S),
    }
    with (
        tempfile.TemporaryDirectory(prefix="wincnode-demo-") as name,
        lab_cluster(Path(name) / "cluster") as cluster,
        lab_nodes(wishes) as nodes,
    ):
        folder = Path(name)
        found = {**ports(nodes), "web-3": closed_port()}
        write_inventory(folder / "wincnode.yaml", found, cluster)
        right = [act(words, code, why, folder=folder) for words, code, why in ACTS]
    return 0 if all(right) else 1


def act(words: str, expected: int, why: str, *, folder: Path) -> bool:
    """Run one command as a user does; says whether its exit code is the expected one."""
    print(f"\n$ wincnode {words}", flush=True)  # noqa: T201 - a program's own output
    code = subprocess.run(
        [sys.executable, "-m", "wincnode", *words.split()],
        cwd=folder,
        env={**os.environ, "WINCNODE_LAB_PASSWORD": PASSWORD},
        check=False,
    ).returncode
    print(f"exit code {code}: {why if code == expected else f'not the expected {expected}'}")  # noqa: T201
    return code == expected
