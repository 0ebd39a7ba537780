"""Our files, read by the code of containerd and of Kubernetes themselves.

The programs are built from the sources beside this file, which takes minutes once; without
WINCNODE_REQUIRE_GO the tests use what `make contract` has built and are skipped without it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from certificates import certificate
from go_programs import PROGRAMS, built, go, module
from worker_cases import GOLDEN, REGISTRIES, registry_files

from wincnode.builds import load_builds
from wincnode.cluster import probe
from wincnode.images.choose import Node, fits
from wincnode.isolation import version_of
from wincnode.registry.documents import config
from wincnode.support import load_support, matcher_of
from wincnode.worker import paths
from wincnode.worker.kubelet_flags import load_flags

CLUSTER = GOLDEN.parent / "cluster"
LINES = ("1.7", "2.0", "2.2", "2.3", "2.4")
MINORS = ("1.36", "1.37")
READ_BY = [
    (f"containerd-{line}-{kind}.toml", line) for line in LINES for kind in ("process", "hyperv")
]
# Source: kubernetes/kubernetes:staging/src/k8s.io/component-base/logs/api/v1/options.go@v1.36.3
LOGGING = {
    "log-flush-frequency",
    "log-json-info-buffer-size",
    "log-json-split-stream",
    "log-text-info-buffer-size",
    "log-text-split-stream",
    "logging-format",
    "v",
    "vmodule",
}


def contract(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a program; skip the test where it is not built and need not be."""
    required = bool(os.environ.get("WINCNODE_REQUIRE_GO"))
    if go() is None:
        message = "no go command is here"
        pytest.fail(message) if required else pytest.skip(message)
    program = built(name, build=required)
    if program is None:
        pytest.skip(f"{name} is not built; `make contract` builds it")
    command = [str(program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def read(name: str, *arguments: object) -> Any:
    """Give what a program made of a file that it must take without a word."""
    done = contract(name, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.mark.parametrize(("name", "line"), READ_BY)
def test_containerd_reads_its_configuration(name: str, line: str) -> None:
    """Every plugin is known, every key and every option of a handler is, and the values arrive."""
    found = read(f"containerd-{line}", GOLDEN / name)
    assert (found["Root"], found["State"]) == (paths.CONTAINERD_ROOT, paths.CONTAINERD_STATE)
    plugins = found["Plugins"]
    servers = plugins.get("io.containerd.server.v1.grpc", {"Address": found["GRPC"]})
    assert servers["Address"] == paths.CONTAINERD_PIPE
    old = plugins.get("io.containerd.grpc.v1.cri")
    runtime = old or plugins["io.containerd.cri.v1.runtime"]
    images = old or plugins["io.containerd.cri.v1.images"]
    assert runtime["cni"]["confDir"] == paths.CNI_CONF
    assert (runtime["cni"].get("binDirs") or [runtime["cni"]["binDir"]]) == [paths.CNI_BIN]
    assert images["registry"]["configPath"] == paths.REGISTRIES
    sandbox = images["sandboxImage"] if old else images["pinned_images"]["sandbox"]
    assert sandbox == "registry.k8s.io/pause:3.10.2"
    handlers = runtime["containerd"]["runtimes"]
    assert handlers[runtime["containerd"]["defaultRuntimeName"]]["runtimeType"]
    hyperv = "runhcs-wcow-hypervisor-20348" in handlers
    assert hyperv == ("hyperv" in name)


KEYS = [("conf_dir", "conf_dirz"), ("ScrubLogs", "ScrubLog")]


@pytest.mark.parametrize(
    ("line", "old", "new"),
    [
        *((line, *words) for line in LINES for words in KEYS),
        ("1.7", "grpc.v1.cri'", "grpc.v1.crj'"),
        *((line, "cri.v1.images'", "cri.v1.image'") for line in LINES[1:]),
        # 1.7 itself takes no notice of what is unknown at the top.
        *((line, "root", "rootz") for line in LINES[1:]),
    ],
)
def test_containerds_reader_is_strict(tmp_path: Path, line: str, old: str, new: str) -> None:
    """The test above can fail: a misspelt word anywhere ends the program."""
    text = (GOLDEN / f"containerd-{line}-hyperv.toml").read_text(encoding="utf-8")
    path = tmp_path / "config.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert contract(f"containerd-{line}", path).returncode == 1


def test_a_newer_configuration_than_containerds_is_refused() -> None:
    """Why each line has its own."""
    done = contract("containerd-2.2", GOLDEN / "containerd-2.3-process.toml")
    assert "config version equal to or less than `3`, got `4`" in done.stderr


def certs_d(folder: Path, name: str) -> list[str]:
    """Write a set of registries below a folder, whose paths stand for the node's; give its hosts."""
    authority = certificate(folder)[0].read_text(encoding="utf-8")
    for path, text in registry_files(name).items():
        target = folder / path.removeprefix(paths.REGISTRIES + "\\").replace("\\", "/")
        target.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            row.replace(paths.REGISTRIES, str(folder)).replace("\\", "/")
            for row in text.splitlines()
        ]
        content = authority if path.endswith("ca.crt") else "\n".join(lines)
        target.write_text(content, encoding="utf-8")
    return {
        "mirrors": ["docker.io", "ghcr.io"],
        "private": ["registry.example:5000", "registry.k8s.io"],
        "unsafe": ["lab.example:5000", "mixed.example", "test.example"],
    }[name]


@pytest.mark.parametrize("name", REGISTRIES)
def test_containerd_finds_the_hosts_of_each_registry(tmp_path: Path, name: str) -> None:
    """By the folder's name, in the order of the inventory, and the registry itself at the end."""
    hosts = certs_d(tmp_path, name)
    config = GOLDEN / "containerd-2.3-process.toml"
    found = read("containerd-2.3", config, tmp_path, *hosts)["Hosts"]
    shown = {
        host: [f"{row['Scheme']}://{row['Host']}{row['Path']}" for row in rows]
        for host, rows in found.items()
    }
    assert (
        shown
        == {
            "mirrors": {
                "docker.io": [
                    "https://mirror.example:5000/v2",
                    "https://harbor.example/v2/hub",
                    "https://registry-1.docker.io/v2",
                ],
                "ghcr.io": ["https://mirror.example:5000/v2", "https://ghcr.io/v2"],
            },
            "private": {
                "registry.example:5000": ["https://registry.example:5000/v2"],
                "registry.k8s.io": [
                    "https://registry.example:5000/k8s/v2",
                    "https://registry.k8s.io/v2",
                ],
            },
            "unsafe": {
                "lab.example:5000": [
                    "http://near.example/v2",
                    "https://far.example/v2",
                    "http://lab.example:5000/v2",
                ],
                "mixed.example": [
                    "http://near.example/v2",
                    "https://far.example/v2",
                    "https://mixed.example/v2",
                ],
                "test.example": ["https://test.example/v2"],
            },
        }[name]
    )


@pytest.mark.parametrize("minor", MINORS)
def test_kubeadm_takes_the_join_configuration(minor: str) -> None:
    """By what `kubeadm config validate` does; on Linux it warns of the pipe, and of that alone."""
    done = contract(f"kubernetes-{minor}", "kubeadm", GOLDEN / f"join-{minor}.yaml")
    assert (done.returncode, done.stdout) == (0, '"valid"\n')
    assert all("npipe" in row for row in done.stderr.splitlines())


@pytest.mark.parametrize("minor", MINORS)
@pytest.mark.parametrize(
    ("old", "new"), [("caCertHashes", "caCertHashs"), ("abcdef.", "ABCDEF."), ("win2", "win_2")]
)
def test_kubeadms_reader_is_strict(tmp_path: Path, minor: str, old: str, new: str) -> None:
    """The test above can fail."""
    text = (GOLDEN / f"join-{minor}.yaml").read_text(encoding="utf-8")
    path = tmp_path / "join.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert contract(f"kubernetes-{minor}", "kubeadm", path).returncode == 1


KUBEADMS = """\
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: systemd
clusterDNS: [10.96.0.10]
evictionHard: {memory.available: 200Mi, nodefs.inodesFree: 5%}
resolvConf: /run/systemd/resolve/resolv.conf
singleProcessOOMKill: false
serverTLSBootstrap: false
"""


@pytest.mark.parametrize("minor", MINORS)
def test_the_kubelet_merges_the_drop_in_as_it_is_meant(tmp_path: Path, minor: str) -> None:
    """Each field is known to this minor, and what Windows cannot have is gone."""
    base = tmp_path / "config.yaml"
    base.write_text(KUBEADMS, encoding="utf-8")
    found = read(f"kubernetes-{minor}", "kubelet", base, GOLDEN / f"kubelet-{minor}.conf")
    assert found["evictionHard"] == {"memory.available": "200Mi"}
    assert (found["clusterDNS"], found["resolvConf"]) == (["10.96.0.10"], "")
    assert (found["cgroupsPerQOS"], found["enforceNodeAllocatable"]) == (False, ["none"])
    assert "singleProcessOOMKill" not in found
    assert found["registerWithTaints"][0] == {
        "key": "os",
        "value": "windows",
        "effect": "NoSchedule",
    }
    assert (found["providerID"], found["serverTLSBootstrap"]) == ("aws:///eu-west-1a/i-0123", True)


@pytest.mark.parametrize("minor", MINORS)
def test_the_kubelet_knows_every_field_of_our_own_configuration(minor: str) -> None:
    """And the drop-in over it changes nothing, since both are of one making."""
    own, over = GOLDEN / f"kubelet-{minor}.yaml", GOLDEN / f"kubelet-{minor}.conf"
    alone = read(f"kubernetes-{minor}", "kubelet", own)
    assert read(f"kubernetes-{minor}", "kubelet", own, over) == alone


def test_a_field_of_a_later_minor_is_unknown_before(tmp_path: Path) -> None:
    """The tests above can fail: 1.36 does not know what 1.37 has."""
    base = tmp_path / "config.yaml"
    base.write_text(KUBEADMS, encoding="utf-8")
    done = contract("kubernetes-1.36", "kubelet", base, GOLDEN / "kubelet-1.37.conf")
    assert "defaultPodSysctls" in done.stderr


FLAG = re.compile(r"\bfs\.\w*Var\w*\([^\"\n]*\"([a-z0-9-]+)\"")
FLAG_SOURCES = [
    "cmd/kubelet/app/options/options.go",
    "cmd/kubelet/app/options/osflags_windows.go",
]


@pytest.mark.parametrize("minor", MINORS)
def test_the_table_of_flags_is_the_kubelets_own(minor: str) -> None:
    """By its sources, since building it takes too long; none is missing, none too much."""
    command = go()
    program = PROGRAMS[f"kubernetes-{minor}"]
    if command is None or built(f"kubernetes-{minor}", build=False) is None:
        pytest.skip(f"kubernetes-{minor} is not built; `make contract` builds it")
    folder = module(command, program)
    texts = [(folder / name).read_text(encoding="utf-8") for name in FLAG_SOURCES]
    theirs = {name for text in texts for name in FLAG.findall(text)}
    flags = load_flags()
    # The flags of logging come from a module of their own.
    ours = {name for name in (*flags.known, *flags.own, *flags.unfit) if name not in LOGGING}
    assert ours == theirs


@pytest.mark.parametrize("minor", MINORS)
def test_kubernetes_knows_every_field_of_the_clusters_manifests(minor: str) -> None:
    """What is foreign to Kubernetes itself is Calico's."""
    found = read(f"kubernetes-{minor}", "manifests", *sorted(CLUSTER.glob("*.yaml")))
    assert set(found["foreign"]) <= {"Installation", "IPAMConfiguration"}
    assert found["known"] > 10


@pytest.mark.parametrize("minor", MINORS)
def test_kubernetes_knows_every_field_of_the_pod_that_proves(tmp_path: Path, minor: str) -> None:
    """A field that the API server does not know it would leave out silently."""
    path = tmp_path / "pod.json"
    path.write_text(json.dumps(probe.pod("web-1", "registry.k8s.io/pause:3.10.2", run="1")))
    assert read(f"kubernetes-{minor}", "manifests", path)["known"] == 1


@pytest.mark.parametrize("minor", MINORS)
def test_kubernetes_reader_of_manifests_is_strict(tmp_path: Path, minor: str) -> None:
    """The test above can fail."""
    text = (CLUSTER / "flannel-overlay.yaml").read_text(encoding="utf-8")
    path = tmp_path / "flannel.yaml"
    path.write_text(text.replace("hostProcess", "hostProces"), encoding="utf-8")
    assert "hostProces" in contract(f"kubernetes-{minor}", "manifests", path).stderr


ODD = (
    "",
    "10.0",
    "10.0.20348",
    "20348.1",
    "10.0.x.1",
    "6.3.9600.1",
    "10.1.20348.1",
    "10.0.70000.1",
)


@pytest.mark.parametrize("containerd", ["2.0.11", "2.2.9", "2.3.7"])
def test_images_are_taken_as_containerd_takes_them(tmp_path: Path, containerd: str) -> None:
    """Every pair of known builds, odd versions, and features of the operating system."""
    matcher = matcher_of(load_support(), containerd)
    versions = [f"10.0.{build}.1" for build in (*load_builds(), 20349, 29000, 65535)]
    plain = {"os": "windows", "architecture": "amd64"}
    images: list[dict[str, Any]] = [{**plain, "os.version": text} for text in (*versions, *ODD)]
    images += [{**plain, "os.version": "", "os.features": [name]} for name in ("win32k", "x")]
    images += [{**plain, "variant": "v3"}, {**plain, "variant": "v1"}, {**plain, "os": "linux"}]
    images += [{**plain, "architecture": "arm64"}, {**plain, "architecture": "386"}]
    asked = [{"Host": host, "Image": row} for host in versions for row in images]
    path = tmp_path / "asked.json"
    path.write_text(json.dumps(asked))

    def ours(host: str, row: dict[str, Any]) -> bool:
        version = version_of(host)
        assert version is not None
        platform = config(json.dumps(row).encode(), "asked")
        return fits(platform, Node(version=version, matcher=matcher))

    theirs = read(f"platforms-{matcher.rule}", path)
    wrong = [
        (row, taken)
        for row, taken in zip(asked, theirs, strict=True)
        if ours(row["Host"], row["Image"]) != taken
    ]
    assert wrong == []
