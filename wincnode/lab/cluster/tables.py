"""Lists as tables, which is how kubectl asks for what it prints.

Source: kubernetes/kubernetes:pkg/printers/internalversion/printers.go (printNode, printPod)
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from wincnode.lab.cluster.status import Json

WANTED = "as=Table"
ROLE = "node-role.kubernetes.io/"


def table(body: Json, now: datetime) -> Json:
    """Give a list or an object as a table."""
    rows = body["items"] if body["kind"].endswith("List") and "items" in body else [body]
    kind = body["kind"].removesuffix("List")
    names, cells = COLUMNS.get(kind, (("Name", "Age"), _plain))
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": body["metadata"].get("resourceVersion", "")},
        "columnDefinitions": [
            {"name": name, "type": "string", "format": "", "description": "", "priority": 0}
            for name in names
        ],
        "rows": [
            {
                "cells": cells(row, age(row, now)),
                "object": {
                    "kind": "PartialObjectMetadata",
                    "apiVersion": "meta.k8s.io/v1",
                    "metadata": row["metadata"],
                },
            }
            for row in rows
        ],
    }


def age(row: Json, now: datetime) -> str:
    """Tell how old an object is, in the largest unit."""
    seconds = int(
        (now - datetime.fromisoformat(row["metadata"]["creationTimestamp"])).total_seconds()
    )
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{max(seconds, 0)}s"


def _plain(row: Json, old: str) -> list[str]:
    return [row["metadata"]["name"], old]


def _node(row: Json, old: str) -> list[str]:
    state = row.get("status", {})
    ready = [c["status"] == "True" for c in state.get("conditions", ()) if c["type"] == "Ready"]
    words = ["Unknown" if not ready else "Ready" if ready[0] else "NotReady"]
    if row.get("spec", {}).get("unschedulable"):
        words.append("SchedulingDisabled")
    labels = row["metadata"].get("labels", {})
    roles = sorted(name.removeprefix(ROLE) for name in labels if name.startswith(ROLE))
    version = state.get("nodeInfo", {}).get("kubeletVersion", "")
    name = row["metadata"]["name"]
    return [name, ",".join(words), ",".join(roles) or "<none>", old, version]


def _pod(row: Json, old: str) -> list[str]:
    state = row.get("status", {})
    statuses = state.get("containerStatuses", ())
    ready = sum(bool(one.get("ready")) for one in statuses)
    total = len(row.get("spec", {}).get("containers", ()))
    return [row["metadata"]["name"], f"{ready}/{total}", state.get("phase", ""), "0", old]


COLUMNS: dict[str, tuple[tuple[str, ...], Callable[[Json, str], list[str]]]] = {
    "Node": (("Name", "Status", "Roles", "Age", "Version"), _node),
    "Pod": (("Name", "Ready", "Status", "Restarts", "Age"), _pod),
}
