"""One YAML file: cluster, runtime, connection defaults, nodes."""

from wincnode.inventory.kubeconfig import server_of
from wincnode.inventory.load import load, parse, select
from wincnode.inventory.model import Cluster, Cni, Connection, Inventory, Node, Runtime
from wincnode.inventory.sample import sample_text

__all__ = [
    "Artifacts",
    "Cluster",
    "Cni",
    "Connection",
    "Inventory",
    "Node",
    "Runtime",
    "load",
    "parse",
    "sample_text",
    "select",
    "server_of",
]
