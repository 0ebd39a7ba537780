"""Other container and Kubernetes software, and what it left behind."""

from __future__ import annotations

from urllib.parse import urlsplit

from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed
from wincnode.checks.network import made, owned
from wincnode.facts import Facts


def _traces(
    facts: Facts, *, services: tuple[str, ...], programs: tuple[str, ...], folders: tuple[str, ...]
) -> tuple[str, ...]:
    """List what is there of the named services, programs and folders; services by name."""
    installed = facts.known("services").section("services").data
    leftovers = facts.known("leftovers")
    return (
        *(name for name in services if name in installed),
        *(path for path in leftovers.texts("programs") if path.lower().endswith(programs)),
        *(path for path in leftovers.texts("folders") if path.lower() in folders),
    )


def _shown(traces: tuple[str, ...]) -> str:
    return ", ".join(text if "\\" in text else f"service {text}" for text in traces)


def _kubelet(facts: Facts, _wanted: Wanted) -> Outcome:
    traces = _traces(facts, services=("kubelet",), programs=("\\kubelet.exe",), folders=())
    if not traces:
        return passed("there is no kubelet")
    if made(facts, *traces):
        return passed(f"installed by wincnode: {_shown(traces)}")
    return failed(f"found {_shown(traces)}")


def _rke2(facts: Facts, _wanted: Wanted) -> Outcome:
    traces = _traces(
        facts,
        services=("rke2", "rancher-wins"),
        programs=("\\rke2.exe",),
        folders=("c:\\var\\lib\\rancher", "c:\\etc\\rancher"),
    )
    return failed(f"found {_shown(traces)}") if traces else passed("there is no RKE2")


def _k0s(facts: Facts, _wanted: Wanted) -> Outcome:
    traces = _traces(facts, services=("k0sworker",), programs=(), folders=("c:\\var\\lib\\k0s",))
    return failed(f"found {_shown(traces)}") if traces else passed("there is no k0s")


def _kubeconfig(facts: Facts, wanted: Wanted) -> Outcome:
    foreign = [
        (row.text("path"), row.text("server"))
        for row in facts.known("leftovers").rows("kubeconfigs")
        if not (wanted.server and _place(row.text("server")) == _place(wanted.server))
    ]
    if not foreign:
        return passed("the node belongs to no other cluster")
    if not wanted.server and made(facts, "kubelet"):
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


def _folders(facts: Facts, _wanted: Wanted) -> Outcome:
    leftovers = facts.known("leftovers")
    found = leftovers.texts("folders")
    shown = ", ".join(found)
    if not found or leftovers.flag("owned"):
        return passed(f"folders of wincnode's machine: {shown}" if found else "there is none")
    because = ("sw.kubelet", "sw.rke2", "sw.k0s", "sw.containerd", "sw.docker")
    return failed(f"left over: {shown}", because=because)


def _cni(facts: Facts, _wanted: Wanted) -> Outcome:
    names = [
        name
        for name in facts.known("leftovers").texts("cni_configs")
        if name.lower().endswith((".conf", ".conflist", ".json"))
    ]
    if len(names) > 1:
        shown = f"containerd takes {min(names)} alone of {', '.join(sorted(names))}"
        return failed(shown, because=("sw.rke2", "sw.cni"))
    return passed(", ".join(names) or "there is none")


def _subnets(facts: Facts, _wanted: Wanted) -> Outcome:
    found = facts.known("runtime").texts("subnets")
    if not found or owned(facts):
        return passed(", ".join(found) or "there is none")
    because = ("sw.kubelet", "sw.rke2", "sw.kubeproxy", "left.dirs")
    return failed(f"left over: {', '.join(found)}", because=because)


def _variables(facts: Facts, _wanted: Wanted) -> Outcome:
    runtime = facts.known("runtime")
    found = [*runtime.texts("variables"), *(f"Path: {row}" for row in runtime.texts("path"))]
    if not found or owned(facts):
        return passed(", ".join(found) or "there is none")
    because = ("sw.kubelet", "sw.rke2", "sw.k0s", "sw.containerd", "sw.docker")
    return failed(f"set for the machine: {', '.join(found)}", because=because)


CHECKS = (
    Check(
        id="sw.kubelet",
        title="No other kubelet",
        severity=Severity.ERROR,
        proves="The node is not run by another installation.",
        remedy="wincnode cleanup NODE shows the kubelet and what belongs to it, asks, and removes "
        "it; or let its installer reset the node.",
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
        remedy="kubectl drain and kubectl delete node in the other cluster, then wincnode cleanup "
        "NODE.",
        source="kubernetes-sigs/sig-windows-tools:hostprocess/PrepareNode.ps1@401ee6fc",
        needs=("leftovers",),
        run=_kubeconfig,
    ),
    Check(
        id="left.dirs",
        title="No folders of an older installation",
        severity=Severity.WARNING,
        proves="No program, certificate or layer of another cluster is taken for one of this.",
        remedy="Reset the node with the tool that made them, then Remove-Item -Recurse -Force "
        "-LiteralPath FOLDER; layers under C:\\ProgramData\\containerd need ctr or a reboot first.",
        source="kubernetes-sigs/sig-windows-tools:hostprocess/PrepareNode.ps1@401ee6fc; "
        "rancher/rke2:bundle/bin/rke2-uninstall.ps1@6ce1a801",
        needs=("leftovers",),
        run=_folders,
    ),
    Check(
        id="left.cniconf",
        title="At most one network configuration",
        severity=Severity.WARNING,
        proves="containerd takes the configuration of the cluster's own network.",
        remedy="Remove-Item -LiteralPath 'C:\\etc\\cni\\net.d\\FILE' for those that are old.",
        source="containerd/containerd:internal/cri/config/config_windows.go@301026e5 "
        "(NetworkPluginMaxConfNum)",
        needs=("leftovers",),
        run=_cni,
    ),
    Check(
        id="left.flannel",
        title="No stale subnet of flannel",
        severity=Severity.WARNING,
        proves="The node asks for its subnet and source address anew.",
        remedy="Remove-Item -LiteralPath C:\\k\\SourceVip.json, C:\\k\\SourceVipRequest.json, "
        "C:\\run\\flannel\\subnet.env.",
        source="https://learn.microsoft.com/virtualization/windowscontainers/kubernetes/"
        "common-problems",
        needs=("runtime", "leftovers"),
        run=_subnets,
    ),
    Check(
        id="left.env",
        title="No variables of an older installation",
        severity=Severity.INFO,
        proves="Programs of Kubernetes are not sent to another cluster or folder.",
        remedy="[Environment]::SetEnvironmentVariable('NAME', $null, 'Machine'), and take the "
        "folders out of the machine's Path.",
        source="kubernetes-sigs/sig-windows-tools:hostprocess/PrepareNode.ps1@401ee6fc",
        needs=("runtime", "leftovers"),
        run=_variables,
    ),
)
