"""What tests of a worker's files ask for; run it to write the golden files anew.

python tests/worker_cases.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wincnode.builds import load_builds, supported_builds
from wincnode.inventory import Inventory, parse
from wincnode.secrets import Secret
from wincnode.support import load_support
from wincnode.worker import containerd, kubeadm, kubelet, kubelet_config, paths, registries

GOLDEN = Path(__file__).parent / "golden" / "worker"
PATH = Path("/fleet/wincnode.yaml")
SUPPORT = load_support()
BUILDS = supported_builds(load_builds())
HOST_BUILD = 26100
CONTAINERDS = ("1.7.34", "2.0.11", "2.2.9", "2.3.7", "2.4.2")
KUBERNETES = ("1.35.8", "1.36.4", "1.37.1")
ISOLATIONS = {"process": "[process]", "hyperv": "[process, hyperv]"}
REGISTRIES = {
    "mirrors": """
      - {host: docker.io, mirrors: ["https://mirror.example:5000", "https://harbor.example/v2/hub"]}
      - {host: _default, mirrors: ["https://mirror.example:5000"]}""",
    "private": """
      - {host: "registry.example:5000", ca_file: ca.pem}
      - {host: registry.k8s.io, mirrors: ["https://registry.example:5000/k8s"], ca_file: ca.pem}""",
    "unsafe": """
      - host: lab.example:5000
        server: http://lab.example:5000
        mirrors: ["http://near.example", "https://far.example"]
        allow_unencrypted: true
      - host: mixed.example
        mirrors: ["http://near.example", "https://far.example"]
        ca_file: ca.pem
        allow_unencrypted: true
      - {host: test.example, skip_verify: true}""",
}
AUTHORITY = "-----BEGIN CERTIFICATE-----\n"
INVENTORY = """\
cluster: {{kubernetes: "{kubernetes}", api_server: "api.example:6443"}}
runtime:
  containerd: "{containerd}"
  isolation: {isolation}
  registries: {registries}
kubelet:
  extra_args: {{max-pods: 50, system-reserved: "cpu=500m,memory=2Gi"}}
connection: {{user: Administrator, password: {{env: PW}}}}
nodes:
  win1:
  win2:
    node_ip: 192.0.2.12
    provider_id: aws:///eu-west-1a/i-0123
    labels: {{tier: web, node-role.kubernetes.io/worker: ""}}
    taints: ["os=windows:NoSchedule", "spot:NoExecute"]
    kubelet: {{cloud_provider: external, server_tls_bootstrap: true, extra_args: {{v: 4}}}}
"""
CLUSTER_CONFIG = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "kind": "KubeletConfiguration",
    "cgroupDriver": "systemd",
    "clusterDNS": ["10.96.0.10"],
    "clusterDomain": "cluster.local",
    "containerRuntimeEndpoint": "",
    "evictionHard": {"memory.available": "200Mi", "nodefs.inodesFree": "5%"},
    "resolvConf": "/run/systemd/resolve/resolv.conf",
    "rotateCertificates": True,
    "singleProcessOOMKill": False,
    "staticPodPath": "/etc/kubernetes/manifests",
    "authentication": {"x509": {"clientCAFile": "/etc/kubernetes/pki/ca.crt"}},
}


def inventory(
    *,
    kubernetes: str = "1.36.4",
    runtime: str = "2.3.7",
    isolation: str = "[process]",
    registry_rows: str = "[]",
) -> Inventory:
    """Give an inventory of two nodes; the second asks for everything."""
    text = INVENTORY.format(
        kubernetes=kubernetes, containerd=runtime, isolation=isolation, registries=registry_rows
    )
    return parse(text, PATH)


def configuration(version: str, isolation: str, *, build: int = HOST_BUILD) -> str:
    """Give containerd's configuration for a set of isolations."""
    found = inventory(runtime=version, isolation=ISOLATIONS[isolation])
    wish = containerd.runtime(found, build=build, support=SUPPORT, builds=BUILDS)
    return containerd.configuration(wish)


def registry_files(name: str) -> dict[str, str]:
    """Give the files of a set of registries, by their path on the node."""
    rows = inventory(registry_rows=REGISTRIES[name]).runtime.registries
    return registries.registry_files(rows, {"/fleet/ca.pem": AUTHORITY})


def files() -> Iterator[tuple[str, str]]:
    """Give every golden file's name with what is rendered into it."""
    for version in CONTAINERDS:
        for isolation in ISOLATIONS:
            name = f"containerd-{version.rpartition('.')[0]}-{isolation}.toml"
            yield name, configuration(version, isolation)
    for name in REGISTRIES:
        for path, text in registry_files(name).items():
            if path.endswith("hosts.toml"):
                inner = path.removeprefix(paths.REGISTRIES + "\\").replace("\\", "/")
                yield f"certs.d/{name}/{inner}", text
    yield "crictl.yaml", containerd.crictl_configuration()
    yield "services.txt", _services()
    for version in KUBERNETES:
        minor = version.rpartition(".")[0]
        node = inventory(kubernetes=version).nodes[1]
        yield f"kubelet-{minor}.conf", kubelet_config.drop_in(node, version)
        own = kubelet_config.configuration(node, version, CLUSTER_CONFIG)
        yield f"kubelet-{minor}.yaml", own
        yield f"join-{minor}.yaml", _join(version)
    text = kubeadm.bootstrap_kubeconfig(
        server="https://api.example:6443", ca_pem=AUTHORITY, token=Secret("token")
    )
    yield "bootstrap-kubelet.conf", text.reveal()


def _services() -> str:
    rows = [containerd.service_command(), *map(kubelet.service_command, inventory().nodes)]
    return "\n".join(rows) + "\n"


def _join(version: str) -> str:
    return kubeadm.join_configuration(
        inventory().nodes[1],
        version,
        server="api.example:6443",
        token=Secret("abcdef.0123456789abcdef"),
        ca_hashes=[f"sha256:{'0f' * 32}"],
    ).reveal()


if __name__ == "__main__":
    for file, content in files():
        target = GOLDEN / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
