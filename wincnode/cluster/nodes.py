"""The Node objects: whose they are, what they carry, and how they are taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from wincnode.cluster.api import NODES, Api, Object
from wincnode.cluster.failures import Call
from wincnode.errors import ClusterError
from wincnode.machines import same_uuid

# A Node changes with each report of its kubelet, and with it its version.
TRIES = 5


def find(api: Api, name: str) -> Object | None:
    """Give a Node, or nothing where there is none."""
    return api.find(NODES, name)


def same_machine(node: Object, uuid: str) -> bool | None:
    """Tell whether a Node is of the machine with a UUID; None where nothing tells."""
    return same_uuid(node.get("status", {}).get("nodeInfo", {}).get("systemUUID", ""), uuid)


def is_silent(node: Object) -> bool:
    """Tell whether a Node's kubelet has stopped to report.

    Source: kubernetes/kubernetes:pkg/controller/nodelifecycle/node_lifecycle_controller.go
    """
    rows = node.get("status", {}).get("conditions") or ()
    return any((row["type"], row["status"]) == ("Ready", "Unknown") for row in rows)


def refuse_other_machine(api: Api, node: Object, uuid: str) -> None:
    """Refuse to go on where a Node's name belongs to another machine.

    A Node that tells no machine, as one that never reported, is taken for nobody's.
    Raises: ClusterError: of id cluster.other-machine.
    """
    if same_machine(node, uuid) is False:
        name = node["metadata"]["name"]
        info = node["status"]["nodeInfo"]
        raise ClusterError(
            f"{api.server}: the Node {name} is of another machine: its UUID is"
            f" {info['systemUUID']} and its host name {info.get('machineID') or 'unknown'}; this"
            f" machine's UUID is {uuid}",
            remedy="Give this machine another name, or delete the Node if its machine is gone.",
            id="cluster.other-machine",
        )


def wanted_changes(
    node: Object, *, labels: Mapping[str, str], taints: Sequence[str]
) -> Object | None:
    """Give the merge patch that adds labels and taints to a Node; None where it has them.

    Others stay as they are. A patch of taints holds for the Node as it was read alone, because it
    replaces all of them.
    Args: taints: as `key=value:effect`; one of the same key and effect gets the value.
    """
    meta, spec = node["metadata"], node.get("spec", {})
    have = meta.get("labels") or {}
    missing = {key: value for key, value in labels.items() if have.get(key) != value}
    before = spec.get("taints") or []
    after = _with(before, taints)
    patch: dict[str, Any] = {}
    if missing:
        patch["metadata"] = {"labels": missing}
    if after != before:
        patch["spec"] = {"taints": after}
        patch.setdefault("metadata", {})["resourceVersion"] = meta["resourceVersion"]
    return patch or None


def _with(before: Sequence[Mapping[str, Any]], taints: Sequence[str]) -> list[Mapping[str, Any]]:
    rows = list(before)
    for text in taints:
        pair, _, effect = text.rpartition(":")
        key, _, value = pair.partition("=")
        at = [n for n, row in enumerate(rows) if (row["key"], row["effect"]) == (key, effect)]
        taint = {"key": key, "effect": effect, **({"value": value} if value else {})}
        if not at:
            rows.append(taint)
        elif (rows[at[0]].get("value") or "") != value:
            rows[at[0]] = taint
    return rows


def mark(
    api: Api, name: str, *, labels: Mapping[str, str], taints: Sequence[str], uid: str = ""
) -> bool:
    """Give a Node labels and taints; False where it has them already.

    Args: uid: only if the Node still is that one.
    Raises: ClusterError.
    """
    for left in reversed(range(TRIES)):
        node = api.get(NODES, name)
        if uid and node["metadata"]["uid"] != uid:
            raise _replaced(api, name)
        patch = wanted_changes(node, labels=labels, taints=taints)
        if patch is None:
            return False
        try:
            api.patch(NODES, name, patch)
        except ClusterError as err:
            if err.status != HTTPStatus.CONFLICT or not left:
                raise
            continue
        return True
    raise AssertionError  # the last try raises or returns


def cordon(api: Api, name: str, *, unschedulable: bool = True) -> bool:
    """Keep pods away from a Node, or let them come again; False where it is so already.

    Raises: ClusterError.
    """
    node = api.get(NODES, name)
    if bool(node.get("spec", {}).get("unschedulable")) == unschedulable:
        return False
    api.patch(NODES, name, {"spec": {"unschedulable": unschedulable or None}})
    return True


def delete(api: Api, node: Object) -> bool:
    """Delete a Node as it was read; False where it is gone.

    Raises: ClusterError: also where another one has taken its name.
    """
    meta = node["metadata"]
    try:
        return api.delete(NODES, meta["name"], uid=meta["uid"])
    except ClusterError as err:
        if err.status == HTTPStatus.CONFLICT:
            raise _replaced(api, meta["name"]) from err
        raise


def _replaced(api: Api, name: str) -> ClusterError:
    call = Call(verb="get", resource=str(NODES), name=name)
    text = f"{api.server}: {call}: the Node was deleted and another one has its name"
    return ClusterError(text, remedy="Run the command again.", id="cluster.conflict")
