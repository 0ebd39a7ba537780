"""The pods of a lab node, and the agent of a network among them, which writes its configuration.

A pod of a network's DaemonSet says in its environment or its volumes where that belongs:
flannel's by CNI_CONFIG_PATH (kubernetes-sigs/sig-windows-tools:hostprocess/flannel), Calico's by
the host path of its volume cni-net-dir (tigera/operator:pkg/render/windows.go).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import PureWindowsPath
from typing import Any, TypeAlias

from wincnode.lab.programs.api import STRATEGIC, ApiFailed, Client
from wincnode.lab.windows.machine import Machine

Json: TypeAlias = dict[str, Any]
VOLUME = "cni-net-dir"
VARIABLE = "CNI_CONFIG_PATH"
CONTENT = "cni-conf.json"


def folder_of(pod: Json) -> str:
    """Give where a network's pod writes its configuration; nothing for other pods."""
    spec = pod["spec"]
    for volume in spec.get("volumes") or ():
        if volume["name"] == VOLUME:
            return str(volume.get("hostPath", {}).get("path", ""))
    for container in _containers(spec):
        for row in container.get("env") or ():
            if row["name"] == VARIABLE:
                return str(row.get("value", ""))
    return ""


def write(machine: Machine, client: Client, pod: Json, folder: str, address: str) -> str:
    """Write a network's configuration, as its pod does; gives the file's path.

    Raises: ApiFailed.
    """
    where = str(PureWindowsPath(folder))
    name = pod["metadata"].get("labels", {}).get("k8s-app") or "flannel"
    text = _content(client, pod) or json.dumps(
        {"name": "Calico", "cniVersion": "0.3.1", "plugins": [{"type": "calico", "mode": "vxlan"}]}
    )
    text = text.replace("NODE_ADDRESS", address)
    kind = "conf" if name == "flannel" else "conflist"
    path = rf"{where}\10-{name.removesuffix('-node-windows')}.{kind}"
    file = machine.path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")
    return path


def _content(client: Client, pod: Json) -> str:
    """Give the configuration in a ConfigMap that the pod mounts, if it mounts one."""
    for volume in pod["spec"].get("volumes") or ():
        name = (volume.get("configMap") or {}).get("name")
        if name:
            space = pod["metadata"]["namespace"]
            try:
                data = client.call("GET", f"/api/v1/namespaces/{space}/configmaps/{name}")
            except ApiFailed as error:
                if error.code == 404:
                    continue
                raise
            if CONTENT in data.get("data", {}):
                return str(data["data"][CONTENT])
    return ""


def _containers(spec: Json) -> Iterator[Json]:
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()


def run(client: Client, pod: Json, *, network: bool, address: str) -> None:
    """Run a pod, or what there is of it here: it starts, and one that is to end ends well.

    Args: network: whether pods have one; a pod on the host's needs none.
    Raises: ApiFailed.
    """
    spec, state = pod["spec"], pod.get("status", {})
    on_host = bool(spec.get("hostNetwork"))
    if state.get("phase") != "Pending" or not (network or on_host):
        return
    ends = spec.get("restartPolicy") == "Never"
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ended = {"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": now}}
    ready = {"type": "Ready", "status": "False" if ends else "True"}
    body = {
        "status": {
            "phase": "Succeeded" if ends else "Running",
            "hostIP": address,
            "podIP": address if on_host else "10.244.1.2",
            "startTime": now,
            "conditions": [ready, {"type": "Initialized", "status": "True"}],
            "containerStatuses": [
                {
                    "name": row["name"],
                    "image": row["image"],
                    "imageID": row["image"],
                    "ready": not ends,
                    "started": not ends,
                    "restartCount": 0,
                    "state": ended if ends else {"running": {"startedAt": now}},
                }
                for row in spec["containers"]
            ],
        }
    }
    meta = pod["metadata"]
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
    client.call("PATCH", path, body, STRATEGIC)
