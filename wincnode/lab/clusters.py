"""A cluster that lab nodes can join: its control plane, and the origin of what they install."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from wincnode.lab.cluster import PODS, ControlPlane, control_plane, seed
from wincnode.lab.cluster.authority import NODES_SEE
from wincnode.lab.origin import Origin, origin
from wincnode.lab.programs.linux_node import LinuxNode, linux_node
from wincnode.lab.programs.wire import Line, Wire

CONTAINERD = "2.3.7"
# Those that the sandbox and flannel come from; the origin answers for both.
REGISTRIES = ("registry.k8s.io", "docker.io")
# Where addresses of Linux nodes begin: those of nobody, as the control plane's.
LINUX = NODES_SEE.rpartition(".")[0] + "."


@dataclass(frozen=True, kw_only=True, slots=True)
class LabCluster:
    """What runs, and the administrator's kubeconfig."""

    plane: ControlPlane
    origin: Origin
    kubeconfig: Path

    @property
    def section(self) -> str:
        """The lines of an inventory's `cluster` that name it."""
        port = urlsplit(self.plane.server).port
        lines = (
            f"kubeconfig: {self.kubeconfig}",
            f'kubernetes: "{self.plane.kubernetes}"',
            f"api_server: {NODES_SEE}:{port}",
            "cni: flannel",
        )
        return "".join(f"  {line}\n" for line in lines)

    @property
    def sections(self) -> str:
        """The sections of an inventory that say what nodes install, and from where."""
        registries = "".join(
            f"    - {{host: {host}, server: '{self.origin.url}', allow_unencrypted: true}}\n"
            for host in REGISTRIES
        )
        # The lab's programs live at once, or not at all: nobody needs to watch them for a while.
        runtime = (
            f'runtime:\n  containerd: "{CONTAINERD}"\n  steady_s: 0\n  registries:\n{registries}'
        )
        return f"{runtime}artifacts:\n  mirror: {self.origin.url}\n"


@contextmanager
def lab_cluster(folder: Path) -> Iterator[LabCluster]:
    """Run a cluster without nodes, whose network is flannel; what it writes goes to a folder."""
    with control_plane(folder) as plane, origin() as files:
        seed.flannel(plane.objects, PODS)
        yield LabCluster(plane=plane, origin=files, kubeconfig=plane.kubeconfig())


@contextmanager
def linux_nodes(
    plane: ControlPlane, wire: Wire, lost: Mapping[str, set[str]]
) -> Iterator[dict[str, LinuxNode]]:
    """Run a Linux node for each name, with what of its pods gets lost on the shared wire."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                linux_node(
                    plane, Line(wire=wire, lost=set(rows)), name=name, address=f"{LINUX}{number}"
                )
            )
            for number, (name, rows) in enumerate(lost.items(), start=101)
        }
