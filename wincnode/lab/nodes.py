"""Simulated nodes that can be reached: a machine, its engine and its WinRM service each."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from wincnode.lab.clusters import LabCluster
from wincnode.lab.faults import Faults
from wincnode.lab.model import ModelEngine
from wincnode.lab.powershell import PowerShellEngine
from wincnode.lab.programs import Worker
from wincnode.lab.programs.wire import Line, Wire
from wincnode.lab.server import LOOPBACK, WsmanServer
from wincnode.lab.tls import self_signed
from wincnode.lab.windows.clock import Clock
from wincnode.lab.windows.faults import FAULTS as MACHINE_FAULTS
from wincnode.lab.windows.machine import Machine
from wincnode.lab.windows.profiles import load_profile

USER = "Administrator"
AUTH = ("basic", "ntlm")
# Beside a node's drive, where it speaks TLS.
CERTIFICATE = "certificate.pem"
PASSWORD = "lab-Passw0rd"  # noqa: S105 - it guards simulated nodes on loopback
# Where a node is whose address has changed; Linux has all of 127.0.0.0/8 on its loopback.
ELSEWHERE = "127.0.0.2"
INVENTORY = """\
# Written by wincnode-lab: simulated nodes on loopback, which speak plain http with sealed NTLM.
cluster:
{cluster}  pod_cidr: 10.244.0.0/16
  service_cidr: 10.96.0.0/12
{rest}connection:
  scheme: http
  auth: ntlm
  user: {user}
  password:
    env: WINCNODE_LAB_PASSWORD
nodes:
{nodes}"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """One node that is to be simulated.

    faults: what goes wrong with it. powershell: the PowerShell engine's start file; without one
    the model answers. compute: a folder of what stands for the Host Compute Service there.
    cluster: whether a control plane of the lab runs beside it, which scripts are to reach.
    pace_s: seconds that the model takes for each section and step.
    durations: seconds of long work, over those of the profile; `haste` of them pass in one of ours.
    speed: how many seconds of the node's clock pass in one of ours.
    """

    profile: str
    faults: Faults = field(default_factory=Faults)
    powershell: Path | None = None
    compute: Path | None = None
    cluster: bool = False
    pace_s: float = 0.0
    durations: Mapping[str, float] = field(default_factory=dict)
    haste: float = 1.0
    speed: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class LabNode:
    """One simulated node that runs."""

    machine: Machine
    engine: ModelEngine | PowerShellEngine
    server: WsmanServer
    worker: Worker

    @property
    def port(self) -> int:
        """The port of its WinRM service, on loopback."""
        return self.server.port


@contextmanager
def lab_node(name: str, wish: Wish, folder: Path, wire: Wire | None = None) -> Iterator[LabNode]:
    """Run one node in an empty folder, and end all that it started.

    Args: wire: joins its pods with those of other nodes.
    """
    profile = load_profile(wish.profile)
    profile = replace(profile, durations={**profile.durations, **wish.durations})
    clock = Clock(speed=wish.speed, haste=wish.haste)
    machine = Machine(profile, folder, computer=name.upper(), clock=clock)
    machine.compute.faults |= set(wish.faults.compute)
    machine.network.suffer(wish.faults.network, lost_s=wish.faults.link_lost_s)
    machine.hns.faults |= set(wish.faults.hns)
    for fault in wish.faults.machine:
        MACHINE_FAULTS[fault](machine)
    machine.power_lost_at = wish.faults.power_lost_at
    machine.clock_off_s = wish.faults.clock_s
    line = Line(wire=wire or Wire(), lost=set(wish.faults.pods))
    worker = Worker(machine, line)
    engine = (
        PowerShellEngine(wish.powershell, machine, wish.compute, cluster=wish.cluster)
        if wish.powershell
        else ModelEngine(machine, pace_s=wish.pace_s)
    )
    kind = wish.faults.certificate
    pem = self_signed(folder / CERTIFICATE, kind) if kind else None
    server = WsmanServer(
        engine,
        users={USER: PASSWORD},
        auth=wish.faults.schemes or AUTH,
        tls=(pem, pem) if pem else None,
        faults=wish.faults,
        reached=machine.network.lets_in,
    )
    with engine, server:
        machine.network.on_move.append(partial(_moved, machine, server))
        machine.on_down.append(server.stop)
        machine.on_up.append(server.again)
        try:
            yield LabNode(machine=machine, engine=engine, server=server, worker=worker)
        finally:
            machine.gone.set()
            worker.close()


def _moved(machine: Machine, server: WsmanServer) -> None:
    """Let the connections end with an address that goes, and WinRM listen at another one."""

    def work() -> None:
        server.cut()
        server.move(ELSEWHERE if machine.network.elsewhere else LOOPBACK)

    # Whoever noticed the move may be one of the server's connections.
    threading.Thread(target=work, daemon=True).start()


@contextmanager
def lab_nodes(wishes: Mapping[str, Wish], wire: Wire | None = None) -> Iterator[dict[str, LabNode]]:
    """Run a node for each name, in folders that go with them.

    Args: wire: joins their pods with those of others, too.
    """
    with ExitStack() as stack:
        # A thread of a node's kubelet may write its last line while the folder goes.
        folder = tempfile.TemporaryDirectory(prefix="wincnode-lab-", ignore_cleanup_errors=True)
        root = Path(stack.enter_context(folder))
        shared = wire or Wire()
        yield {
            name: stack.enter_context(lab_node(name, wish, root / name, shared))
            for name, wish in wishes.items()
        }


def ports(nodes: Mapping[str, LabNode]) -> dict[str, int]:
    """Give the port of each node."""
    return {name: node.port for name, node in nodes.items()}


def write_inventory(
    path: Path, ports: Mapping[str, int], cluster: LabCluster | None = None
) -> None:
    """Write the inventory of lab nodes; with a cluster, they are to become its nodes."""
    rows = [
        f"  {name}:\n    address: 127.0.0.1\n    connection:\n      port: {port}\n"
        for name, port in ports.items()
    ]
    text = INVENTORY.format(
        user=USER,
        nodes="".join(rows),
        cluster=cluster.section if cluster else "",
        rest=cluster.sections if cluster else "",
    )
    path.write_text(text, encoding="utf-8")


def closed_port() -> int:
    """Find a port on loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
