"""What `kubeadm join` looks at before it touches a machine.

Source: kubernetes/kubernetes:cmd/kubeadm/app/preflight/checks.go (RunJoinNodeChecks)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from wincnode.lab.programs.containerd import Containerd, version_at
from wincnode.lab.programs.join_configuration import Join
from wincnode.lab.windows.machine import CONTROL, Machine

ENVIRONMENT = CONTROL + r"\Session Manager\Environment"
MUST_NOT_EXIST = (
    ("FileAvailable--etc-kubernetes-kubelet.conf", r"\etc\kubernetes\kubelet.conf"),
    (
        "FileAvailable--etc-kubernetes-bootstrap-kubelet.conf",
        r"\etc\kubernetes\bootstrap-kubelet.conf",
    ),
)
MANIFESTS = r"\etc\kubernetes\manifests"
PORT = 10250
NOT_THERE = "The system cannot find the file specified."


def problems(machine: Machine, runtime: Containerd, join: Join) -> list[str]:
    """Give the checks that fail and are not ignored, each as kubeadm prints it."""
    found = [
        (name, text)
        for check in (_files, _runtime, _kubelet, _port)
        for name, text in check(machine, runtime, join)
    ]
    ignored = join.ignored
    return [
        f"\t[ERROR {name}]: {text}"
        for name, text in found
        if "all" not in ignored and name.lower() not in ignored
    ]


Rows = Iterator[tuple[str, str]]
Check = Callable[[Machine, Containerd, Join], Rows]


def _files(machine: Machine, _runtime: Containerd, join: Join) -> Rows:
    rows = list(MUST_NOT_EXIST)
    if not join.kubeconfig:
        name = re.sub(r"^[A-Za-z]:", "", join.ca_path).replace("/", "-").replace("\\", "-")
        rows.append((f"FileAvailable-{name}", join.ca_path))
    for name, path in rows:
        if machine.path(_on_c(path)).is_file():
            yield name, f"{path} already exists"
    folder = machine.path(_on_c(MANIFESTS))
    if folder.is_dir() and any(folder.iterdir()):
        yield "DirAvailable--etc-kubernetes-manifests", f"{MANIFESTS} is not empty"


def _runtime(_machine: Machine, runtime: Containerd, join: Join) -> Rows:
    known = "npipe:////./pipe/containerd-containerd"
    if runtime.running is None or join.endpoint_of_cri != known:
        pipe = join.endpoint_of_cri.removeprefix("npipe://")
        dial = f"transport: Error while dialing: open {pipe}: {NOT_THERE}"
        cause = f'rpc error: code = Unavailable desc = connection error: desc = "{dial}"'
        text = "could not connect to the container runtime: failed to create new CRI runtime "
        text += "service: validate service connection: validate CRI v1 runtime API for endpoint "
        yield "CRI", f'{text}"{join.endpoint_of_cri}": {cause}'


def _kubelet(machine: Machine, _runtime: Containerd, _join: Join) -> Rows:
    text = str(machine.registry.data(ENVIRONMENT, "Path", ""))
    for folder in text.split(";"):
        if folder and "%" not in folder:
            try:
                version_at(machine, rf"{folder}\kubelet.exe")
            except FileNotFoundError:
                continue
            return
    yield (
        "KubeletVersion",
        (
            "couldn't get kubelet version: cannot execute 'kubelet --version': exec: \"kubelet\": "
            "executable file not found in %PATH%"
        ),
    )


def _port(machine: Machine, _runtime: Containerd, _join: Join) -> Rows:
    rows = machine.network.get("NetTCPConnection", [])
    listens = {row["LocalPort"] for row in rows if row["State"] == "Listen"}
    running = {row["Name"].lower() for row in machine.services.rows() if row["State"] == "Running"}
    if PORT in listens or "kubelet" in running:
        yield f"Port-{PORT}", f"Port {PORT} is in use"


def _on_c(path: str) -> str:
    return path if path[1:2] == ":" else f"C:{path}"
