"""The agent of a network among a lab node's pods, which writes its configuration.

A pod of a network's DaemonSet says in its environment or its volumes where that belongs:
flannel's by CNI_CONFIG_PATH (kubernetes-sigs/sig-windows-tools:hostprocess/flannel), Calico's by
the host path of its volume cni-net-dir (tigera/operator:pkg/render/windows.go).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PureWindowsPath
from typing import Any, TypeAlias

from wincnode.lab.programs.api import ApiFailed, Client
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
