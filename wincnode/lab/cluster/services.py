"""What the API server gives a Service: its address, and its ports on nodes.

Source: kubernetes/kubernetes:pkg/registry/core/service/storage/alloc.go@v1.36.3
"""

from __future__ import annotations

from ipaddress import ip_network

import yaml

from wincnode.lab.cluster.status import Json
from wincnode.lab.cluster.store import Store

NODE_PORTS = range(30000, 32768)
# The first is the API server's own, the tenth that of DNS.
FIRST = 11


def allocate(store: Store, service: Json) -> None:
    """Give a new Service an address and, where it asks for them, NodePorts that are free."""
    spec = service.setdefault("spec", {})
    kind = spec.setdefault("type", "ClusterIP")
    if kind == "ExternalName":
        return
    others = [row["spec"] for row in store.rows("services")]
    if not spec.get("clusterIP"):
        taken = {row.get("clusterIP") for row in others}
        free = (str(row) for row in ip_network(_subnet(store)).hosts())
        rows = (address for number, address in enumerate(free) if number >= FIRST)
        spec["clusterIP"] = next(address for address in rows if address not in taken)
    if kind in {"NodePort", "LoadBalancer"}:
        used = {port.get("nodePort") for row in others for port in row.get("ports") or ()}
        for port in spec.get("ports") or ():
            if not port.get("nodePort"):
                port["nodePort"] = next(number for number in NODE_PORTS if number not in used)
            used.add(port["nodePort"])


def _subnet(store: Store) -> str:
    found = store.get("configmaps", "kubeadm-config", "kube-system") or {"data": {}}
    text = found["data"].get("ClusterConfiguration", "")
    networks = (yaml.safe_load(text) or {}).get("networking", {})
    return str(networks.get("serviceSubnet", "10.96.0.0/12"))
