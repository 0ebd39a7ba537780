"""One YAML file: cluster, runtime, connection defaults, nodes."""

from wincnode.inventory.connection import Connection
from wincnode.inventory.load import load, parse, select
from wincnode.inventory.model import (
    Artifacts,
    Cluster,
    Cni,
    Inventory,
    Kubelet,
    Node,
    Registry,
    Runtime,
)
from wincnode.inventory.sample import sample_text

__all__ = [
    "Artifacts",
    "Cluster",
    "Cni",
    "Connection",
    "Inventory",
    "Kubelet",
    "Node",
    "Registry",
    "Runtime",
    "load",
    "parse",
    "sample_text",
    "select",
]
