"""The Node that a lab node's kubelet registers and keeps up to date.

Source: kubernetes/kubernetes:pkg/kubelet/{kubelet_node_status,nodestatus/setters}.go,
pkg/kubelet/winstats/perfcounter_nodestats_windows.go
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeAlias

from wincnode.lab.programs.containerd import Containerd
from wincnode.lab.programs.kubelet_settings import Settings
from wincnode.lab.windows.machine import CURRENT_VERSION, HARDWARE, Machine

Json: TypeAlias = dict[str, Any]
# kubernetes/api:core/v1/well_known_labels.go
BUILD = "node.kubernetes.io/windows-build"
UNINITIALIZED = "node.cloudprovider.kubernetes.io/uninitialized"
PRODUCTS = {
    17763: "Windows Server 2019",
    20348: "Windows Server 2022",
    26100: "Windows Server 2025",
}
PRESSURES = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)


def node(machine: Machine, settings: Settings, runtime: Containerd) -> Json:
    """Give the Node that a kubelet registers."""
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "windows",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": settings.node,
        "kubernetes.io/os": "windows",
        BUILD: f"10.0.{machine.profile.build}",
        **settings.labels,
    }
    spec: Json = {}
    taints = settings.taints
    external = settings.flags.get("cloud-provider") == "external"
    if external:
        taints.append({"key": UNINITIALIZED, "value": "true", "effect": "NoSchedule"})
    if taints:
        spec["taints"] = taints
    provider = settings.flags.get("provider-id") or settings.config.get("providerID")
    if provider:
        spec["providerID"] = provider
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": settings.node, "labels": labels},
        "spec": spec,
        "status": status(machine, settings, runtime, {}),
    }


def status(machine: Machine, settings: Settings, runtime: Containerd, before: Json) -> Json:
    """Give a Node's status; conditions keep the time since which they hold."""
    system = machine.cim["Win32_ComputerSystem"][0]
    cores = str(system["NumberOfLogicalProcessors"])
    memory = int(system["TotalPhysicalMemory"]) // 1024
    sizes = {
        "cpu": cores,
        "memory": f"{memory}Ki",
        "pods": str(settings.config.get("maxPods", 110)),
    }
    free = {**sizes, "memory": f"{memory - 100 * 1024}Ki"}
    return {
        "addresses": addresses(machine, settings),
        "capacity": sizes,
        "allocatable": free,
        "conditions": _conditions(runtime, before.get("conditions") or []),
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": _info(machine, settings, runtime),
    }


def addresses(machine: Machine, settings: Settings) -> list[Json]:
    """Give a Node's addresses: the one it was told, else that of the default route's adapter."""
    address = settings.flags.get("node-ip") or default_address(machine)
    return [
        {"type": "InternalIP", "address": address},
        {"type": "Hostname", "address": settings.node},
    ]


def default_address(machine: Machine) -> str:
    """Give the IPv4 address on the adapter that the default route leaves by."""
    routes = machine.network.get("NetRoute", [])
    ways = [row["InterfaceIndex"] for row in routes if row["DestinationPrefix"] == "0.0.0.0/0"]
    for row in machine.network.get("NetIPAddress", []):
        if row["AddressFamily"] == "IPv4" and row["InterfaceIndex"] in ways:
            return str(row["IPAddress"])
    return "127.0.0.1"


def _info(machine: Machine, settings: Settings, runtime: Containerd) -> Json:
    build = machine.profile.build
    revision = machine.registry.data(CURRENT_VERSION, "UBR", 0)
    identity = str(machine.registry.data(HARDWARE, "LastConfig", ""))
    product = PRODUCTS.get(build, "Windows")
    runs = runtime.running
    return {
        "architecture": "amd64",
        "bootID": machine.boot,
        "containerRuntimeVersion": f"containerd://{runs.version}" if runs else "",
        "kernelVersion": f"10.0.{build}.{revision}",
        "kubeProxyVersion": "",
        "kubeletVersion": f"v{settings.version}",
        "machineID": machine.computer,
        "operatingSystem": "windows",
        "osImage": f"{product} Datacenter",
        "systemUUID": identity.strip("{}").upper(),
    }


def _conditions(runtime: Containerd, before: list[Json]) -> list[Json]:
    rows = [
        {"type": type, "status": "False", "reason": reason, "message": message}
        for type, reason, message in PRESSURES
    ]
    problem = _problem(runtime)
    ready = {"type": "Ready", "status": "False" if problem else "True"}
    ready["reason"] = "KubeletNotReady" if problem else "KubeletReady"
    ready["message"] = problem or "kubelet is posting ready status"
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    old = {row["type"]: row for row in before}
    for row in [*rows, ready]:
        same = old.get(row["type"], {})
        row["lastHeartbeatTime"] = now
        since = same.get("lastTransitionTime") if same.get("status") == row["status"] else None
        row["lastTransitionTime"] = since or now
    return [*rows, ready]


def _problem(runtime: Containerd) -> str:
    """Say why pods cannot run; nothing where they can.

    Source: kubernetes/kubernetes:pkg/kubelet/runtime.go
    """
    if runtime.running is None:
        return "[container runtime is down, PLEG is not healthy: pleg has yet to be successful]"
    if cause := runtime.network():
        text = f"NetworkReady=false reason:NetworkPluginNotReady message:{cause}"
        return f"container runtime network not ready: {text}"
    return ""
