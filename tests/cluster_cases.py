"""What tests of `wincnode cluster render` ask for; run it to write the golden files anew.

python tests/cluster_cases.py
"""

from __future__ import annotations

from pathlib import Path

from wincnode.builds import load_builds, supported_builds
from wincnode.cluster.networks import load_networks
from wincnode.cluster.render import load_templates, render, yaml_text
from wincnode.cluster.wanted import Wanted, wanted
from wincnode.inventory import parse

GOLDEN = Path(__file__).parent / "golden" / "cluster"
PATH = Path("/fleet/wincnode.yaml")
INVENTORY = """\
cluster:
  kubernetes: "1.36.4"
  cni: {cni}
  api_server: api.example:6443
  pod_cidr: 10.244.0.0/16
  service_cidr: 10.96.0.0/12
runtime:
  containerd: "2.3.4"
  isolation: [process, hyperv]
connection: {{user: Administrator, password: {{env: PW}}}}
nodes:
  win1: {{taints: ["os=windows:NoSchedule", "gpu=yes:NoExecute"]}}
"""
NETWORKS = load_networks()
BUILDS = supported_builds(load_builds())
CASES = [(network.name, mode) for network in NETWORKS.values() for mode in network.modes]


def inventory_text(cni: str, mode: str, *, more: str = "") -> str:
    """Give an inventory that asks for a network in a mode."""
    return INVENTORY.format(cni=f"{{name: {cni}, mode: {mode}{more}}}")


def wish(text: str) -> Wanted:
    """Give what an inventory's text wants, which must be without a mistake."""
    found = wanted(parse(text, PATH), networks=NETWORKS, builds=BUILDS)
    assert isinstance(found, Wanted), found
    return found


def golden(cni: str, mode: str) -> Path:
    """Give the golden file of a network's mode."""
    return GOLDEN / f"{cni}-{mode}.yaml"


def rendered(cni: str, mode: str) -> str:
    """Render a network's mode, as if by a version that never changes."""
    want = wish(inventory_text(cni, mode))
    return yaml_text(want, render(want, load_templates()), version="0")


if __name__ == "__main__":
    for case in CASES:
        golden(*case).write_text(rendered(*case), encoding="utf-8")
