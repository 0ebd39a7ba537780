"""Container software of others: Docker, containerd, kube-proxy, networks, WSL."""

from __future__ import annotations

import re

from wincnode.builds import load_builds
from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed, unknown
from wincnode.checks.hns import known_networks
from wincnode.checks.network import made, owned
from wincnode.facts import Facts
from wincnode.support import PAUSE, line_of, load_support, matcher_of, numbers, pause_fits

# A node that runs Windows images of its own build alone cannot pull older ones from this on.
# Source: containerd/platforms:defaults_windows.go, wincnode/isolation.py (RULES)
_FIRST_COMPATIBLE = 20348
# From here on, rules R2 and R3 differ: containerd/platforms#34.
_LAST_EQUAL = 26100
# A tag with more to it, such as 3.10.1-windows-ltsc2025-amd64, has one build alone.
_PAUSE = re.compile(r"(?:^|/)pause:v?(\d+(?:\.\d+)*)(?:@|$)")


def _services(facts: Facts, *names: str) -> list[str]:
    """Name those of the services that are installed, with their state."""
    services = facts.known("services").section("services")
    return [
        f"service {name} ({services.section(name).data.get('state', 'unknown')})"
        for name in names
        if name in services.data
    ]


def _docker(facts: Facts, _wanted: Wanted) -> Outcome:
    seen = _services(facts, "docker", "com.docker.service")
    return failed(f"found {', '.join(seen)}") if seen else passed("there is no Docker")


def _containerd(facts: Facts, _wanted: Wanted) -> Outcome:
    runtime = facts.known("runtime")
    seen = _services(facts, "containerd")
    program = runtime.text("program")
    if not seen and not runtime.flag("there"):
        return passed("there is no containerd")
    shown = f"containerd {runtime.text('version') or 'of unknown version'} in {program}"
    # Its archive comes before its service.
    if not (made(facts, "containerd") if seen else owned(facts)):
        because = ("sw.rke2", "sw.k0s", "sw.kubelet")
        return failed(f"{shown}, not installed by wincnode", because=because)
    if not runtime.flag("there"):
        return failed(f"the service containerd is installed, {program} is not there")
    known = load_support().containerd
    if line_of(runtime.text("version")) not in known:
        return failed(f"{shown}; known are {', '.join(known)}")
    return passed(f"{shown}, installed by wincnode")


def _rule(facts: Facts, _wanted: Wanted) -> Outcome:
    version = _version(facts)
    if isinstance(version, Outcome):
        return version
    rule = matcher_of(load_support(), version).rule
    build = facts.known("os").number("build")
    shown = f"containerd {version} picks images by rule {rule} on build {build}"
    because = ("sw.containerd",)
    if rule == "R0" and build >= _FIRST_COMPATIBLE:
        return failed(f"{shown}, which takes images of this very build alone", because=because)
    if rule == "R2" and build > _LAST_EQUAL:
        return failed(f"{shown}, which takes no image older than build 26100", because=because)
    return passed(shown)


def _version(facts: Facts) -> str | Outcome:
    """Give containerd's version, or what there is to say without one."""
    runtime = facts.known("runtime")
    if not runtime.flag("there"):
        return passed("there is no containerd")
    version = runtime.text("version")
    return version if numbers(version) else unknown("containerd did not tell its version")


def _sandbox(facts: Facts, wanted: Wanted) -> Outcome:
    version = _version(facts)
    if isinstance(version, Outcome):
        return version
    support = load_support()
    image, origin = facts.known("runtime").text("sandbox_image"), "its configuration"
    if not image:
        line = support.containerd.get(line_of(version))
        if line is None:
            return unknown(f"the sandbox image of containerd {version} is not known")
        image, origin = f"{PAUSE}:{line.pause}", f"the default of {line.line}"
    found = _PAUSE.search(image)
    pause = support.pause.get(found[1]) if found else None
    if pause is None:
        return passed(f"{image} ({origin}) is none of {PAUSE}, whose builds are known")
    build = facts.known("os").number("build")
    rule = matcher_of(support, version).rule
    builds = ", ".join(map(str, pause.builds))
    shown = f"{image} ({origin}) holds builds {builds}; the node is {build}"
    if pause_fits(pause, build=build, hyperv=wanted.hyperv, rule=rule):
        return passed(shown)
    if build not in load_builds():
        return failed(shown, because=("os.build",))
    # Somebody's own image may hold more builds than that of its name.
    milder = None if image.startswith(f"{PAUSE}:") else Severity.WARNING
    return failed(shown, because=("sw.containerd.rule", "sw.containerd"), severity=milder)


def _kube_proxy(facts: Facts, _wanted: Wanted) -> Outcome:
    seen = _services(facts, "kube-proxy", "kubeproxy", "flanneld")
    if seen:
        return failed(f"found {', '.join(seen)}", because=("sw.rke2", "sw.k0s"))
    return passed("there is no service of kube-proxy or flannel")


def _nssm(facts: Facts, _wanted: Wanted) -> Outcome:
    services = facts.known("services").section("services")
    seen = [
        name for name in services.data if "nssm.exe" in str(services.section(name).data.get("path"))
    ]
    if seen:
        because = ("sw.kubelet", "sw.kubeproxy", "sw.containerd", "sw.cni")
        return failed(f"run by nssm.exe: {', '.join(seen)}", because=because)
    return passed("no service of Kubernetes is run by nssm.exe")


def _cni(facts: Facts, _wanted: Wanted) -> Outcome:
    seen = _services(
        facts,
        *("caliconode", "calicofelix", "antrea-agent", "ovs-vswitchd", "ovsdb-server", "csi-proxy"),
    )
    if seen:
        return failed(f"found {', '.join(seen)}", because=("sw.rke2",))
    return passed("there is no service of Calico, Antrea, Open vSwitch or csi-proxy")


def _desktop(facts: Facts, _wanted: Wanted) -> Outcome:
    services = facts.known("services").section("services")
    running = [
        f"service {name} runs"
        for name in ("com.docker.service", "lxssmanager", "wslservice")
        if name in services.data and services.section(name).text("state") == "Running"
    ]
    networks = known_networks(facts) or ()
    running += [
        f"HNS network {row.text('name')}"
        for row in networks
        if row.text("name").upper().startswith("WSL")
    ]
    if running:
        return failed("; ".join(running), because=("sw.docker",))
    return passed("neither Docker Desktop nor WSL runs")


_K2S = "Siemens-Healthineers/K2s:lib/modules/k2s/k2s.node.module/windowsnode/system/"

CHECKS = (
    Check(
        id="sw.docker",
        title="No Docker",
        severity=Severity.WARNING,
        proves="No second runtime makes networks and takes memory.",
        remedy="Uninstall it: Stop-Service docker; dockerd --unregister-service; then reboot. "
        "containerd and the kubelet do not need it.",
        source="MicrosoftDocs/Virtualization-Documentation:windows-server-container-tools/"
        f"Debug-ContainerHost/Debug-ContainerHost.ps1@77e0742a; {_K2S}system.module.psm1",
        needs=("services",),
        run=_docker,
    ),
    Check(
        id="sw.containerd",
        title="containerd is absent or wincnode's",
        severity=Severity.WARNING,
        proves="No other installation is replaced, and the one that is there is supported.",
        remedy="Reset the node with the tool that installed it; else Stop-Service containerd; "
        "containerd --unregister-service; and remove its folder.",
        source="openshift/windows-machine-config-operator:docs/byoh-instance-pre-requisites.md"
        "@0be4b9cc; containerd/containerd:RELEASES.md@301026e5",
        needs=("services", "runtime", "leftovers"),
        run=_containerd,
    ),
    Check(
        id="sw.containerd.rule",
        title="containerd takes images that the build can run",
        severity=Severity.WARNING,
        proves="Images of older builds are found in an index where Windows could run them.",
        remedy="Upgrade containerd: name a version in runtime.containerd, then wincnode lock and "
        "wincnode install.",
        source="containerd/platforms:platform_windows_compat.go@09756f59; wincnode/isolation.py",
        needs=("runtime", "os"),
        run=_rule,
    ),
    Check(
        id="sw.containerd.sandbox",
        title="The sandbox image fits the build",
        severity=Severity.ERROR,
        proves="A pod's sandbox can start.",
        remedy="Set sandbox (up to 1.7: sandbox_image) in containerd's config.toml to a pause "
        "image that holds the build, such as registry.k8s.io/pause:3.10.2, and Restart-Service "
        "containerd; wincnode install does both.",
        source="kubernetes/kubernetes:build/pause/CHANGELOG.md; "
        "kubernetes-sigs/windows-testing:capz/templates/gmsa-ci.yaml@6ae69880",
        needs=("runtime", "os"),
        run=_sandbox,
    ),
    Check(
        id="sw.kubeproxy",
        title="No kube-proxy or flannel as a service",
        severity=Severity.WARNING,
        proves="Nothing but the cluster's own pods writes rules for services.",
        remedy="wincnode cleanup NODE; or Stop-Service NAME; sc.exe delete NAME.",
        source="Azure/AgentBaker:staging/cse/windows/kubernetesfunc.ps1@06836ee2; "
        "https://learn.microsoft.com/virtualization/windowscontainers/kubernetes/common-problems",
        needs=("services",),
        run=_kube_proxy,
    ),
    Check(
        id="sw.nssm",
        title="No service is wrapped by NSSM",
        severity=Severity.INFO,
        proves="Services of Kubernetes are the programs' own, so that stopping them ends them.",
        remedy="nssm remove NAME confirm, for each service.",
        source="kubernetes-sigs/sig-windows-tools:hostprocess/PrepareNode.ps1@401ee6fc",
        needs=("services",),
        run=_nssm,
    ),
    Check(
        id="sw.cni",
        title="No network agent as a service",
        severity=Severity.WARNING,
        proves="No other network makes switches and routes on the node.",
        remedy="Uninstall it with its own script; else Stop-Service NAME; sc.exe delete NAME.",
        source="Azure/AgentBaker:staging/cse/windows/hnsremediator.ps1@06836ee2; "
        "antrea-io/antrea:docs/windows.md@fc70f2bb",
        needs=("services",),
        run=_cni,
    ),
    Check(
        id="sw.desktop",
        title="Neither Docker Desktop nor WSL runs",
        severity=Severity.WARNING,
        proves="No virtual machine of theirs holds memory, ports and a network of HNS.",
        remedy="wsl --shutdown; quit Docker Desktop; and keep both from starting.",
        source=f"{_K2S}system.module.psm1; microsoft/WSL#5514",
        needs=("services", "hns"),
        run=_desktop,
    ),
)
