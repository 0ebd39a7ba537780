"""The scripts of the cluster's pods, run by a PowerShell engine over stand-ins for HNS."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from cluster_cases import inventory_text, wish
from winps import winps

from wincnode import assets
from wincnode.cluster.render import load_templates, render

# What the container's image and the node bring: the functions of hns.psm1, and three cmdlets.
HNS = """\
function Get-HnsNetwork { [pscustomobject] @{ Name = 'nat'; Subnets = @() }
    [pscustomobject] @{ Name = $env:KUBE_NETWORK; Subnets = @([pscustomobject] @{ AddressPrefix = '10.244.3.0/24' }) } }
function Get-HnsEndpoint { [pscustomobject] @{ Name = 'Calico_ep'; IPAddress = '10.244.3.66' } }
function Get-HnsPolicyList { [pscustomobject] @{ ID = 'old' } }
function Remove-HnsPolicyList { param([parameter(ValueFromPipeline = $true)] $List)
    process { [IO.File]::AppendAllText('C:\\removed.txt', $List.ID) } }
"""
CMDLETS = """\
function Get-NetRoute { param($DestinationPrefix, $InterfaceIndex, $AddressFamily)
    if ($DestinationPrefix) {
        [pscustomobject] @{ InterfaceIndex = 3; RouteMetric = 256; InterfaceMetric = 5000 }
        [pscustomobject] @{ InterfaceIndex = 7; RouteMetric = 0; InterfaceMetric = 25 }
    } elseif ($InterfaceIndex -eq 7) {
        [pscustomobject] @{ NextHop = '0.0.0.0'; DestinationPrefix = '192.0.2.255/32' }
        [pscustomobject] @{ NextHop = '0.0.0.0'; DestinationPrefix = '192.0.2.0/24' } } }
function Get-NetIPAddress { param($InterfaceIndex, $AddressFamily)
    [pscustomobject] @{ IPAddress = "192.0.2.1$InterfaceIndex"; PrefixLength = 24 } }
"""
SAYS_ITS_WORDS = '#!/bin/sh\nfor word in "$@"; do echo "$word"; done\n'
HOST_LOCAL = """\
#!/bin/sh
echo "$CNI_COMMAND" >> "$NODE_ROOT/host-local.txt"
cat > "$NODE_ROOT/request.json"
echo '{"cniVersion": "0.3.0", "ips": [{"version": "4", "address": "10.244.3.2/24"}]}'
"""
# As kubeadm writes it: kubernetes/kubernetes:cmd/kubeadm/app/phases/addons/proxy/manifests.go
KUBECONFIG = (
    "clusters:\n- cluster:\n    certificate-authority: /var/run/secrets/kubernetes.io/"
    "serviceaccount/ca.crt\n    server: https://api.example:6443\n"
)


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node's drive C: with a container mounted on it."""

    root: Path

    def write(self, name: str, text: str) -> None:
        """Write a file; a program if its text begins with #!."""
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755 if text.startswith("#!") else 0o644)

    def run(self, cni: str, mode: str, manifest: str) -> list[str]:
        """Start a manifest's container as its DaemonSet says; gives the words of its program."""
        rows = [
            row
            for part in render(wish(inventory_text(cni, mode)), load_templates())
            if part.name == manifest
            for row in part.documents()
        ]
        pod = rows[-1]["spec"]["template"]["spec"]["containers"][0]
        for mount in pod["volumeMounts"]:
            for name, text in rows[0]["data"].items():
                self.write(f"hpc{mount['mountPath']}{name}", text)
        script = pod["args"][-1].replace("$env:CONTAINER_SANDBOX_MOUNT_POINT", "C:\\hpc")
        variables = {row["name"]: row.get("value", "win1") for row in pod["env"]}
        done = subprocess.run(
            [winps(), "-NoProfile", "-Command", f"{CMDLETS}; & '{script}'; exit $LASTEXITCODE"],
            env={
                **os.environ,
                **variables,
                "CONTAINER_SANDBOX_MOUNT_POINT": "C:\\hpc",
                "WINPS_DRIVE_C": str(self.root),
                "NODE_ROOT": str(self.root),
                "SystemRoot": "C:\\Windows",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()


@pytest.fixture
def node(tmp_path: Path) -> Node:
    found = Node(root=tmp_path)
    found.write("hpc/kube-proxy/hns.psm1", HNS)
    found.write("hpc/kube-proxy/kube-proxy.exe", SAYS_ITS_WORDS)
    found.write("hpc/mounts/kube-proxy/kubeconfig.conf", KUBECONFIG)
    found.write("hpc/flannel/flanneld.exe", SAYS_ITS_WORDS)
    found.write("hpc/cni/sdnoverlay.exe", "plugin")
    found.write("hpc/mounts/kube-flannel/net-conf.json", "{}")
    found.write("Windows/System32/route.exe", '#!/bin/sh\necho "$@" > "$NODE_ROOT/route.txt"\n')
    found.write("opt/cni/bin/host-local.exe", HOST_LOCAL)
    return found


def test_the_scripts_are_windows_powershell() -> None:
    """Nothing of PowerShell 6 and 7 is in them."""
    scripts = sorted((assets.folder("templates") / "cluster").glob("*.ps1"))
    done = subprocess.run(
        [winps(), "-Check", *scripts], capture_output=True, text=True, check=False
    )
    assert (len(scripts), done.returncode) == (2, 0), done.stdout


def test_flannel_gets_its_programs_its_configuration_and_the_node_s_address(node: Node) -> None:
    """The address is that of the adapter with the cheapest default route."""
    words = node.run("flannel", "overlay", "flannel")

    conf = json.loads((node.root / "etc/cni/net.d/10-flannel.conf").read_text())
    policies = [row["Value"] for row in conf["delegate"]["AdditionalArgs"]]
    assert words == ["--kube-subnet-mgr", "--iface", "192.0.2.17"]
    assert policies[2]["Settings"] == {"ProviderAddress": "192.0.2.17"}
    assert (node.root / "opt/cni/bin/sdnoverlay.exe").read_text() == "plugin"
    assert (node.root / "etc/kube-flannel/net-conf.json").is_file()
    assert "169.254.169.254" in (node.root / "route.txt").read_text()


def test_host_gw_leaves_the_node_s_own_subnet_out_of_nat(node: Node) -> None:
    """Pods reach the nodes with their own addresses."""
    node.run("flannel", "host-gw", "flannel")

    conf = json.loads((node.root / "etc/cni/net.d/10-flannel.conf").read_text())
    policies = [row["Value"]["Settings"] for row in conf["delegate"]["AdditionalArgs"]]
    assert policies[0]["Exceptions"] == ["10.96.0.0/12", "10.244.0.0/16", "192.0.2.0/24"]
    assert policies[2] == {"DestinationPrefix": "192.0.2.17/32", "NeedEncap": True}


def test_kube_proxy_on_overlay_reserves_its_address_once(node: Node) -> None:
    """A restart of the container takes no second address of the node's pod subnet."""
    first = node.run("flannel", "overlay", "kube-proxy")
    second = node.run("flannel", "overlay", "kube-proxy")

    assert first == second
    assert first == [
        "--v=4",
        "--proxy-mode=kernelspace",
        "--hostname-override=win1",
        "--kubeconfig=C:\\hpc\\kubeconfig.conf",
        "--enable-dsr=false",
        "--source-vip=10.244.3.2",
    ]
    assert (node.root / "host-local.txt").read_text() == "ADD\n"
    request = json.loads((node.root / "request.json").read_text())
    assert request["ipam"]["ranges"] == [[{"subnet": "10.244.3.0/24"}]]
    kubeconfig = (node.root / "hpc/kubeconfig.conf").read_text()
    assert "certificate-authority: C:/hpc/var/run/secrets/" in kubeconfig
    assert (node.root / "removed.txt").read_text() == "oldold"


def test_kube_proxy_takes_calico_s_endpoint_or_none(node: Node) -> None:
    """Calico brings the address of its own endpoint; an L2 bridge needs none."""
    assert node.run("calico", "vxlan", "kube-proxy")[-2:] == [
        "--enable-dsr=true",
        "--source-vip=10.244.3.66",
    ]
    assert node.run("flannel", "host-gw", "kube-proxy")[-1] == "--enable-dsr=false"
