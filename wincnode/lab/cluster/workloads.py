"""The controllers of pods: DaemonSets put theirs on nodes, and others are given a node.

Source: kubernetes/kubernetes:pkg/controller/daemon, pkg/scheduler/framework/plugins;
tigera/operator:pkg/render/windows.go (calico-node-windows)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from wincnode.lab.cluster.status import Json
from wincnode.lab.cluster.store import Store

DAEMON_SETS = "daemonsets.apps"
INSTALLATIONS = "installations.operator.tigera.io"
OWNER = "DaemonSet"
# Pods of DaemonSets stay on nodes that are in trouble: pkg/controller/daemon/util (AddOrUpdate...).
TROUBLES = (
    *("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"),
    *("node.kubernetes.io/unschedulable", "node.kubernetes.io/network-unavailable"),
)
CALICO = "calico-system"


def react(store: Store) -> None:
    """Do what there is to do with workloads."""
    _calico(store)
    nodes = store.rows("nodes")
    _collect(store, {node["metadata"]["name"] for node in nodes})
    for daemon_set in store.rows(DAEMON_SETS):
        _spread(store, daemon_set, nodes)
    for pod in store.rows("pods"):
        if not pod["spec"].get("nodeName"):
            _schedule(store, pod, nodes)


def _calico(store: Store) -> None:
    """Be the operator: an Installation for Windows makes the DaemonSet of its agents."""
    for row in store.rows(INSTALLATIONS):
        spec = row.get("spec") or {}
        if (spec.get("calicoNetwork") or {}).get("windowsDataplane") != "HNS":
            continue
        folder = (spec.get("windowsNodes") or {}).get("cniConfigDir") or "/etc/cni/net.d"
        if store.get("namespaces", CALICO) is None:
            meta = {"name": CALICO}
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}
            store.put("namespaces", {**body, "status": {"phase": "Active"}})
        name = "calico-node-windows"
        if store.get(DAEMON_SETS, name, CALICO) is None:
            store.put(DAEMON_SETS, _agents(name, folder))


def _agents(name: str, folder: str) -> Json:
    labels = {"k8s-app": name}
    container = {"name": "node", "image": "quay.io/calico/node-windows"}
    spec = {
        "hostNetwork": True,
        "nodeSelector": {"kubernetes.io/os": "windows"},
        "tolerations": [{"operator": "Exists"}],
        "containers": [container],
        "volumes": [{"name": "cni-net-dir", "hostPath": {"path": folder}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": OWNER,
        "metadata": {"name": name, "namespace": CALICO, "generation": 1},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def _collect(store: Store, nodes: set[str]) -> None:
    """Delete pods whose node is gone: pkg/controller/podgc."""
    for pod in store.rows("pods"):
        where = pod["spec"].get("nodeName")
        if where and where not in nodes:
            store.delete("pods", pod["metadata"]["name"], pod["metadata"]["namespace"])


def _spread(store: Store, daemon_set: Json, nodes: Iterable[Json]) -> None:
    meta, template = daemon_set["metadata"], daemon_set["spec"]["template"]
    spec = template["spec"]
    wanted = {
        node["metadata"]["name"]
        for node in nodes
        if _selects(spec, node) and _tolerates(spec, node, ignored=TROUBLES)
    }
    mine = [pod for pod in store.rows("pods", meta["namespace"]) if _owns(daemon_set, pod)]
    stamp = _stamp(template)
    for pod in mine:
        where = pod["spec"]["nodeName"]
        current = pod["metadata"]["labels"].get("controller-revision-hash") == stamp
        if where not in wanted or not current:
            store.delete("pods", pod["metadata"]["name"], meta["namespace"])
        else:
            wanted.discard(where)
    for name in sorted(wanted):
        store.put("pods", _pod(daemon_set, template, name, stamp))
    _tell(store, daemon_set)


def _tell(store: Store, daemon_set: Json) -> None:
    meta = daemon_set["metadata"]
    mine = [pod for pod in store.rows("pods", meta["namespace"]) if _owns(daemon_set, pod)]
    ready = sum(pod.get("status", {}).get("phase") == "Running" for pod in mine)
    state = {
        "currentNumberScheduled": len(mine),
        "desiredNumberScheduled": len(mine),
        "updatedNumberScheduled": len(mine),
        "numberMisscheduled": 0,
        "numberReady": ready,
        "numberAvailable": ready,
        "observedGeneration": meta.get("generation", 1),
    }
    there = store.get(DAEMON_SETS, meta["name"], meta["namespace"])
    if there is not None:
        store.put(DAEMON_SETS, {**there, "status": state})


def _owns(daemon_set: Json, pod: Json) -> bool:
    uid = daemon_set["metadata"]["uid"]
    return any(row["uid"] == uid for row in pod["metadata"].get("ownerReferences", ()))


def _stamp(template: Json) -> str:
    return hashlib.sha256(repr(template).encode()).hexdigest()[:10]


def _pod(daemon_set: Json, template: Json, node: str, stamp: str) -> Json:
    meta = daemon_set["metadata"]
    suffix = hashlib.sha256(f"{node}{stamp}".encode()).hexdigest()[:5]
    reference = {"apiVersion": "apps/v1", "kind": OWNER, "name": meta["name"], "uid": meta["uid"]}
    labels = {**template["metadata"].get("labels", {}), "controller-revision-hash": stamp}
    spec = {"restartPolicy": "Always", "serviceAccountName": "default", **template["spec"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{meta['name']}-{suffix}",
            "namespace": meta["namespace"],
            "labels": labels,
            "ownerReferences": [{**reference, "controller": True, "blockOwnerDeletion": True}],
        },
        "spec": {**spec, "nodeName": node},
        "status": {"phase": "Pending"},
    }


def _schedule(store: Store, pod: Json, nodes: Iterable[Json]) -> None:
    """Give a pod the first node that takes it."""
    for node in nodes:
        spec = pod["spec"]
        free = not node.get("spec", {}).get("unschedulable") and _is_ready(node)
        if free and _selects(spec, node) and _tolerates(spec, node, ignored=()):
            store.put("pods", {**pod, "spec": {**spec, "nodeName": node["metadata"]["name"]}})
            return


def _is_ready(node: Json) -> bool:
    rows = node.get("status", {}).get("conditions", ())
    return any(row["type"] == "Ready" and row["status"] == "True" for row in rows)


def _selects(spec: Json, node: Json) -> bool:
    labels = node["metadata"].get("labels") or {}
    return all(labels.get(k) == v for k, v in (spec.get("nodeSelector") or {}).items())


def _tolerates(spec: Json, node: Json, *, ignored: tuple[str, ...]) -> bool:
    """Say whether a pod bears each taint that keeps pods away.

    Source: kubernetes/api:core/v1/toleration.go (ToleratesTaint)
    """
    taints = [
        row
        for row in node.get("spec", {}).get("taints") or ()
        if row["effect"] != "PreferNoSchedule" and row["key"] not in ignored
    ]
    rows = spec.get("tolerations") or ()
    return all(any(_bears(row, taint) for row in rows) for taint in taints)


def _bears(toleration: Any, taint: Any) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    same = toleration.get("value", "") == taint.get("value", "")
    return bool(toleration.get("key")) and same
