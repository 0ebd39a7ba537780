"""Other container and Kubernetes software, and what it left behind."""

from __future__ import annotations

from urllib.parse import urlsplit

from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed
from wincnode.facts import Facts


def _traces(
    facts: Facts, *, services: tuple[str, ...], programs: tuple[str, ...], folders: tuple[str, ...]
) -> tuple[str, ...]:
    """List what is there of the named services, programs and folders."""
    installed = facts.known("services").section("services").data
    leftovers = facts.known("leftovers")
    return (
        *(f"service {name}" for name in services if name in installed),
        *(path for path in leftovers.texts("programs") if path.lower().endswith(programs)),
        *(path for path in leftovers.texts("folders") if path.lower() in folders),
    )


def _kubelet(facts: Facts, _wanted: Wanted) -> Outcome:
    traces = _traces(facts, services=("kubelet",), programs=("\\kubelet.exe",), folders=())
    if not traces:
        return passed("there is no kubelet")
    if facts.known("leftovers").flag("owned"):
        return passed(f"installed by wincnode: {', '.join(traces)}")
    return failed(f"found {', '.join(traces)}")


def _rke2(facts: Facts, _wanted: Wanted) -> Outcome:
    traces = _traces(
        facts,
        services=("rke2", "rancher-wins"),
        programs=("\\rke2.exe",),
        folders=("c:\\var\\lib\\rancher", "c:\\etc\\rancher"),
    )
    return failed(f"found {', '.join(traces)}") if traces else passed("there is no RKE2")


def _k0s(facts: Facts, _wanted: Wanted) -> Outcome:
    traces = _traces(facts, services=("k0sworker",), programs=(), folders=("c:\\var\\lib\\k0s",))
    return failed(f"found {', '.join(traces)}") if traces else passed("there is no k0s")


def _kubeconfig(facts: Facts, wanted: Wanted) -> Outcome:
    foreign = [
        (row.text("path"), row.text("server"))
        for row in facts.known("leftovers").rows("kubeconfigs")
        if not (wanted.server and _place(row.text("server")) == _place(wanted.server))
    ]
    if not foreign:
        return passed("the node belongs to no other cluster")
    if not wanted.server and facts.known("leftovers").flag("owned"):
        return passed("joined by wincnode")
    shown = ", ".join(f"{path} points to {server or 'no server'}" for path, server in foreign)
    return failed(shown, because=_joined_by([path.lower() for path, _ in foreign]))


def _joined_by(paths: list[str]) -> tuple[str, ...]:
    because = {"sw.kubelet": False, "sw.rke2": False, "sw.k0s": False}
    for path in paths:
        if "\\rancher\\" in path:
            because["sw.rke2"] = True
        elif "\\k0s\\" in path:
            because["sw.k0s"] = True
        else:
            because["sw.kubelet"] = True
    return tuple(check for check, holds in because.items() if holds)


def _place(server: str) -> tuple[str, int]:
    parts = urlsplit(server if "//" in server else f"//{server}")
    return (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 6443))


CHECKS = (
    Check(
        id="sw.kubelet",
        title="No other kubelet",
        severity=Severity.ERROR,
        proves="The node is not run by another installation.",
        remedy="Remove the old kubelet (service and program), or let its installer reset the node.",
        source="kubernetes-sigs/sig-windows-tools:hostprocess/PrepareNode.ps1@401ee6fc",
        needs=("services", "leftovers"),
        run=_kubelet,
    ),
    Check(
        id="sw.rke2",
        title="No RKE2",
        severity=Severity.ERROR,
        proves="RKE2 does not run its own containerd and kubelet on the node.",
        remedy="Run rke2-uninstall.ps1 and reboot.",
        source="rancher/rke2:bundle/bin/rke2-uninstall.ps1@6ce1a801",
        needs=("services", "leftovers"),
        run=_rke2,
    ),
    Check(
        id="sw.k0s",
        title="No k0s",
        severity=Severity.ERROR,
        proves="k0s does not run its own containerd and kubelet on the node.",
        remedy="Run k0s reset and reboot.",
        source="https://docs.k0sproject.io/stable/experimental-windows/",
        needs=("services", "leftovers"),
        run=_k0s,
    ),
    Check(
        id="left.kubeconfig",
        title="The node belongs to no other cluster",
        severity=Severity.ERROR,
        proves="Joining takes the node away from nobody.",
        remedy="Remove the node from the other cluster and reset it there first.",
        source="kubernetes-sigs/sig-windows-tools:hostprocess/PrepareNode.ps1@401ee6fc",
        needs=("leftovers",),
        run=_kubeconfig,
    ),
)
