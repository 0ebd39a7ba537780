"""Cluster, runtime, connection defaults, nodes: one YAML file, and inventories of Ansible."""

from wincnode.inventory.connection import Connection
from wincnode.inventory.gather import gather
from wincnode.inventory.load import load, load_settings, parse, select
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
    "gather",
    "load",
    "load_settings",
    "parse",
    "sample_text",
    "select",
]
