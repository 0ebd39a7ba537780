"""A lab machine with Kubernetes' programs on its disk, and a control plane that it can join."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from real_cluster import RealControlPlane

from wincnode.lab.cluster import ControlPlane
from wincnode.lab.programs import Worker
from wincnode.lab.programs.wire import Line, Wire
from wincnode.lab.windows import programs
from wincnode.lab.windows.machine import CONTROL, Machine
from wincnode.lab.windows.profiles import load_profile
from wincnode.lab.windows.programs import Ended
from wincnode.lab.windows.registry import Value
from wincnode.worker import paths

TOKEN = "abcdef.0123456789abcdef"
FILES = {
    paths.CONTAINERD: ("containerd", "2.3.4"),
    paths.CTR: ("ctr", "2.3.4"),
    paths.CRICTL: ("crictl", "1.36.0"),
    paths.KUBELET: ("kubelet", "1.36.4"),
    paths.KUBEADM: ("kubeadm", "1.36.4"),
    paths.LOG_RUNNER: ("kube-log-runner", "1.36.4"),
}
CONFIG = rf"""
version = 4
[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ['{paths.CNI_BIN}']
conf_dir = '{paths.CNI_CONF}'
"""
CONTAINERD = rf'"{paths.CONTAINERD}" --run-service --config "{paths.CONTAINERD_CONFIG}" --log-file {paths.CONTAINERD_LOG}'
KUBELET = (
    f"{paths.LOG_RUNNER} -log-file={paths.KUBELET_LOG} {paths.KUBELET} --windows-service"
    f" --config={paths.KUBELET_CONFIG} --config-dir={paths.DROP_INS} --kubeconfig={paths.KUBECONFIG}"
    f" --bootstrap-kubeconfig={paths.BOOTSTRAP_KUBECONFIG} --cert-dir={paths.KUBELET_PKI}"
    " --node-labels=tier=front,node.kubernetes.io/pool=a"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lab:
    """A machine with everything installed, and a cluster that it can join."""

    machine: Machine
    worker: Worker
    plane: ControlPlane | RealControlPlane

    @property
    def name(self) -> str:
        """Give the name of its Node."""
        return self.machine.computer.lower()

    def put(self, path: str, text: str) -> None:
        file = self.machine.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)

    def read(self, path: str) -> str:
        return self.machine.path(path).read_text()

    def service(self, name: str, command: str, mode: str = "Automatic", depends: str = "") -> None:
        row = {"Name": name, "PathName": command, "StartMode": mode}
        self.machine.services.create(row | ({"ServiceDependencies": depends} if depends else {}))

    def state(self, name: str) -> str:
        rows = {row["Name"]: row["State"] for row in self.machine.services.rows()}
        return str(rows[name])

    def run(self, path: str, *words: str) -> Ended:
        return programs.run(self.machine, path, words)

    def join(self, **changes: Any) -> Ended:
        token = {
            "token": TOKEN,
            "apiServerEndpoint": self.plane.server.removeprefix("https://"),
            "caCertHashes": [self.plane.authority.pin],
        }
        body = {
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "kind": "JoinConfiguration",
            "discovery": {"bootstrapToken": token | changes.pop("token", {})},
            "nodeRegistration": {"name": self.name, "taints": [], **changes.pop("node", {})},
            "timeouts": {"discovery": "10s", "kubeletHealthCheck": "2s", "tlsBootstrap": "2s"},
        }
        self.put(r"C:\join.yaml", yaml.safe_dump(body | changes))
        return self.run(paths.KUBEADM, "join", "--config", r"C:\join.yaml", "--v=5")

    def node(self) -> dict[str, Any]:
        return self.plane.objects.get("nodes", self.name) or {}

    def ready(self) -> Mapping[str, str]:
        rows = self.node().get("status", {}).get("conditions", ())
        return next((row for row in rows if row["type"] == "Ready"), {})


@contextmanager
def running(
    folder: Path,
    plane: ControlPlane | RealControlPlane,
    computer: str = "WIN1",
    *,
    wire: Wire | None = None,
    address: str = "",
) -> Iterator[Lab]:
    """Run a machine on which containerd runs and the kubelet's service waits to be started.

    Args: wire: joins its pods with those of other nodes. address: the Node's own.
    """
    machine = Machine(load_profile("ws2022"), folder, computer=computer)
    lab = Lab(machine=machine, worker=Worker(machine, Line(wire=wire or Wire())), plane=plane)
    for path, (name, version) in FILES.items():
        lab.put(path, programs.script(name, version))
    lab.put(paths.CONTAINERD_CONFIG, CONFIG)
    value = Value(kind="ExpandString", data=rf"C:\Windows;{paths.PROGRAMS}")
    machine.registry.set(CONTROL + r"\Session Manager\Environment", "Path", value)
    lab.service("containerd", CONTAINERD)
    machine.services.start("containerd")
    command = f"{KUBELET} --node-ip={address}" if address else KUBELET
    lab.service("kubelet", command, "Manual", "containerd")
    machine.clock.advance(1)
    try:
        yield lab
    finally:
        machine.gone.set()
        lab.worker.close()
