"""What others left of a node of Kubernetes on a machine, and the plan that takes it away. Pure.

It is what `kubeadm reset` and sig-windows-tools' own notes take away: services, programs and the
credentials of a node. Installations that bring their own uninstaller stay, and so does all that a
plain delete would do by halves: layers of images, networks of HNS, other runtimes.
Source: kubernetes/kubernetes:cmd/kubeadm/app/cmd/phases/reset/cleanupnode.go@v1.36.3;
kubernetes-sigs/sig-windows-tools:hostprocess/PrepareNode.ps1@401ee6fc
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from wincnode.checks.network import made, owned
from wincnode.events import printable
from wincnode.facts import Facts
from wincnode.plan import Step
from wincnode.reset.inverses import JOINED, Left, step_of
from wincnode.reset.planning import Reset, numbered

SECTIONS = ("os", "services", "leftovers", "runtime", "hns")
# Those that start for a kubelet go before it.
SERVICES = ("kube-proxy", "kubeproxy", "flanneld")
KUBELET = "kubelet"
CNI = "C:\\etc\\cni\\net.d\\"
# Installations whose own program takes all of them away.
UNINSTALLERS = {
    "RKE2": (("rke2", "rancher-wins"), ("\\rancher", "\\rke2.exe"), "rke2-uninstall.ps1"),
    "k0s": (("k0sworker",), ("\\k0s",), "k0s reset"),
}
# Services of others, and why they stay.
OTHERS = {
    "containerd": "`wincnode install` takes the service over; or reset it by what installed it",
    "docker": "other containers may run by it; dockerd --unregister-service removes it",
    "com.docker.service": "other containers may run by it; uninstall Docker Desktop",
    **dict.fromkeys(
        ("caliconode", "calicofelix", "antrea-agent", "ovs-vswitchd", "ovsdb-server", "csi-proxy"),
        "its own script uninstalls it, with what it made of the network",
    ),
}


def plan(facts: Facts, node: str) -> Reset:
    """Plan how what others left of a node goes, and say what stays, and why.

    Where wincnode has set up the kubelet, services of others go alone.
    Raises: FactMissing: the machine does not tell what is on it.
    """
    if whole := tuple(_uninstalled(facts)):
        return Reset(plan=numbered(node, ()), left=whole)
    steps = [*_services(facts), *(() if made(facts, KUBELET) else _files(facts))]
    once = {(step.kind, str(next(iter(step.key.values()))).lower()): step for step in steps}
    return Reset(plan=numbered(node, tuple(once.values())), left=tuple(_stays(facts)))


def clusters(facts: Facts) -> tuple[str, ...]:
    """Give the API servers of which the machine still has a node's credentials."""
    rows = facts.known("leftovers").rows("kubeconfigs")
    return tuple(dict.fromkeys(row.text("server") for row in rows if row.text("server")))


def _uninstalled(facts: Facts) -> Iterator[Left]:
    """Name the installations of which a part must not be taken away."""
    there = facts.known("services").section("services").data
    leftovers = facts.known("leftovers")
    paths = [*leftovers.texts("programs"), *leftovers.texts("folders")]
    for name, (services, ends, command) in UNINSTALLERS.items():
        found = [f"service {row}" for row in services if row in there]
        found += [path for path in paths if path.lower().endswith(ends)]
        if found:
            why = f"run `{command}` on the machine and reboot it, then this command again"
            yield Left(what=f"{name} ({', '.join(found)})", why=why)


def _services(facts: Facts) -> Iterator[Step]:
    there = facts.known("services").section("services")
    for name in (*SERVICES, *(() if made(facts, KUBELET) else (KUBELET,))):
        if name in there.data:
            step = step_of("service", {"name": name}, state="absent")
            shown = printable(there.section(name).text("path"))
            yield replace(step, title=f"{step.title} ({shown})")


def _files(facts: Facts) -> Iterator[Step]:
    """Give the steps for programs, credentials and settings of a node."""
    leftovers, runtime = facts.known("leftovers"), facts.known("runtime")
    programs = (path for path in leftovers.texts("programs") if path.lower().endswith(".exe"))
    kubeconfigs = [row.text("path") for row in leftovers.rows("kubeconfigs")]
    configs = (f"{CNI}{name}" for name in leftovers.texts("cni_configs"))
    joined = JOINED if kubeconfigs else ()
    for path in (*programs, *kubeconfigs, *joined, *configs, *runtime.texts("subnets")):
        yield step_of("file", {"path": path}, state="absent")


def _stays(facts: Facts) -> Iterator[Left]:
    there = facts.known("services").section("services").data
    for name, why in OTHERS.items():
        if name in there and not made(facts, name):
            yield Left(what=f"service {name}", why=why)
    if owned(facts):
        yield Left(what="what wincnode installed", why="`wincnode leave` takes it back")
    if made(facts, KUBELET):
        return
    for path in facts.known("leftovers").texts("folders"):
        why = "what is in it was not looked at; layers of images need a reboot before they go"
        yield Left(what=f"folder {path}", why=why)
    names = [f"variable {name}" for name in facts.known("runtime").texts("variables")]
    for name in (*names, *(f"Path: {row}" for row in facts.known("runtime").texts("path"))):
        yield Left(what=name, why="programs of others may read it")
    hns = facts.sections.get("hns", {}).get("networks")
    rows = hns if isinstance(hns, list) else []
    for row in (one for one in rows if isinstance(one, Mapping)):
        why = "the node may lose its address with it: hnsdiag delete networks ID, at its console"
        yield Left(what=f"HNS network {printable(str(row.get('name')))}", why=why)
