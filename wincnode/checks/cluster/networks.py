"""Whether the cluster's network can take Windows nodes, and has room for them."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed, unknown
from wincnode.facts import Facts, Section

# Agents by a word of their DaemonSet's name: whether there is one for Windows.
# Sources: docs.rke2.io/networking/basic_network_options; antrea-io/antrea:docs/windows.md;
# cilium/cilium:Documentation/network/kubernetes/requirements.rst (Linux alone);
# weaveworks/weave (archived, Linux alone)
AGENTS = {
    "flannel": True,
    "calico": True,
    "antrea": True,
    "azure-cni": True,
    "aws-node": True,
    "ovnkube": True,
    "canal": False,
    "cilium": False,
    "weave": False,
    "kube-router": False,
}
# Source: flannel-io/flannel:pkg/backend/vxlan/vxlan_windows.go@cdf76059
LEAST_VNI, VXLAN_PORT = 4096, 4789
# What Calico keeps of each block on Windows.
# Source: tigera/docs:calico/getting-started/kubernetes/windows-calico/limitations.mdx
KEPT_ADDRESSES = 4
# Neither CrossSubnet nor IPv6: the same page.
_ENCAPSULATIONS = frozenset({"Never", "Always"})
MOST_PODS = 110


def _agents(facts: Facts) -> dict[str, bool]:
    """Give the networks whose agents run on the cluster's Linux nodes."""
    names = [
        row.text("name").lower()
        for row in facts.known("workloads").rows("rows")
        if row.text("kind") == "DaemonSet"
    ]
    # canal's DaemonSet has calico-node and flannel in it.
    return {agent: fits for agent, fits in AGENTS.items() if any(agent in name for name in names)}


def _network(facts: Facts, wanted: Wanted) -> Outcome:
    found = _agents(facts)
    unfit = [name for name, fits in found.items() if not fits]
    if unfit:
        return failed(f"{', '.join(unfit)} has no agent for Windows")
    if wanted.network in {"flannel", "calico"} and wanted.network not in found:
        names = ", ".join(found) or "none that is known"
        return failed(f"the inventory says {wanted.network}, the cluster has {names}")
    if not found:
        return unknown("no DaemonSet is the agent of a network that wincnode knows")
    return passed(f"{', '.join(found)}")


def _flannel(facts: Facts, wanted: Wanted) -> Outcome:
    section = facts.known("flannel")
    if not section.text("config"):
        if wanted.network == "flannel":
            return failed("there is no ConfigMap kube-flannel-cfg", because=("cl.cni",))
        return passed("the cluster has no flannel")
    if section.value("backend") is None:
        return failed(f"net-conf.json of {section.text('config')} has no Backend")
    wrong = list(_backend(section.section("backend"), wanted))
    return failed("; ".join(wrong)) if wrong else passed(_shown(section.section("backend")))


def _shown(backend: Section) -> str:
    return ", ".join(f"{name} {value}" for name, value in backend.data.items())


def _backend(backend: Section, wanted: Wanted) -> Iterator[str]:
    kind = backend.data.get("Type")
    if kind not in {"vxlan", "host-gw"}:
        yield f"the backend is {kind!r:.40}; Windows has vxlan and host-gw"
        return
    if wanted.network == "flannel" and wanted.overlay is not (kind == "vxlan"):
        yield f"the backend is {kind}, the inventory's mode is another"
    if kind == "host-gw":
        return
    vni, port = backend.data.get("VNI", 1), backend.data.get("Port", 8472)
    if not isinstance(vni, int) or vni < LEAST_VNI:
        yield f"VNI is {vni!r:.40}; Windows needs at least {LEAST_VNI}"
    if port != VXLAN_PORT:
        yield f"Port is {port!r:.40}; Windows takes {VXLAN_PORT} alone"
    for name in ("DirectRouting", "GBP"):
        if backend.data.get(name):
            yield f"{name} is on, which Windows does not know"


def _calico(facts: Facts, wanted: Wanted) -> Outcome:
    section = facts.known("calico")
    pools, spec = section.rows("pools"), section.value("installation")
    if not pools and spec is None:
        if wanted.network == "calico":
            return failed("the cluster has no objects of Calico", because=("cl.cni",))
        return passed("the cluster has no Calico")
    wrong = [
        f"pool {pool.text('name')} has ipipMode {pool.text('ipip')}, which Windows cannot"
        for pool in pools
        if pool.text("ipip") != "Never"
    ]
    wrong += [
        f"pool {pool.text('name')} has vxlanMode {pool.text('vxlan')}, which Windows does not know"
        for pool in pools
        if pool.text("vxlan") not in _ENCAPSULATIONS
    ]
    if section.value("strict_affinity") is not True:
        wrong.append("strictAffinity is not true")
    network = (spec or {}).get("calicoNetwork") or {}
    vxlan = any(pool.text("vxlan") != "Never" for pool in pools)
    if vxlan and network.get("bgp", "Disabled") != "Disabled":
        wrong.append("bgp is Enabled beside VXLAN")
    return failed("; ".join(wrong)) if wrong else passed("strict affinity, and no IP in IP")


def _blocks(facts: Facts, _: Wanted) -> Outcome:
    pools = [row for row in facts.known("calico").rows("pools") if ":" not in row.text("cidr")]
    sizes = {row.text("name"): 2 ** (32 - row.number("block_size")) for row in pools}
    small = [
        f"a block of pool {name} holds {size - KEPT_ADDRESSES} pods"
        for name, size in sizes.items()
        if size - KEPT_ADDRESSES < MOST_PODS
    ]
    if not small:
        return passed("no pool limits a node's pods")
    return failed(f"{'; '.join(small)}; a Windows node gets one block, a kubelet {MOST_PODS} pods")


def _room(facts: Facts, _: Wanted) -> Outcome:
    taken = [
        IPv4Network(cidr)
        for row in facts.known("nodes").rows("rows")
        for cidr in row.texts("pod_cidrs")
        if ":" not in cidr
    ]
    if not taken:
        return passed("no node has a pod subnet: the network hands out addresses by itself")
    section = facts.known("network")
    pods = [cidr for cidr in section.texts("pods") if ":" not in cidr]
    if not pods:
        return unknown("kubeadm-config names no podSubnet")
    whole = IPv4Network(pods[0])
    mask = section.setting("node_mask") or max(cidr.prefixlen for cidr in taken)
    if mask < whole.prefixlen:
        return failed(f"a node's part of {whole} is a /{mask}, which is more than the whole")
    inside = sum(cidr.subnet_of(whole) for cidr in taken)
    left = 2 ** (mask - whole.prefixlen) - inside
    text = f"{whole} holds {2 ** (mask - whole.prefixlen)} subnets of /{mask}; {left} are free"
    return passed(text) if left > 0 else failed(text)


def _families(facts: Facts, wanted: Wanted) -> Outcome:
    section = facts.known("network")
    cidrs = (*section.texts("pods"), *section.texts("services"))
    if not cidrs:
        return unknown("kubeadm-config names no subnets")
    text = ", ".join(cidrs)
    if all(":" in cidr for cidr in cidrs):
        return failed(f"{text}: Windows has no network of IPv6 alone")
    if any(":" in cidr for cidr in cidrs) and wanted.network == "calico":
        text = f"{text}: Calico on Windows carries IPv4 alone"
        return failed(text, severity=Severity.WARNING)
    if any(":" in cidr for cidr in cidrs) and wanted.overlay:
        text = f"{text}: overlay networks of Windows carry IPv4 alone"
        return failed(text, severity=Severity.WARNING)
    return passed(text)


CHECKS = (
    Check(
        id="cl.cni",
        title="The cluster's network has an agent for Windows",
        severity=Severity.ERROR,
        proves="The agent that the Linux nodes run is of a network that Windows nodes can join.",
        remedy="Change the cluster's network, or cluster.cni of the inventory to the one it has.",
        source="docs.rke2.io/networking/basic_network_options",
        needs=("workloads",),
        run=_network,
    ),
    Check(
        id="cl.flannel",
        title="flannel's backend is one that Windows takes part in",
        severity=Severity.ERROR,
        proves="VXLAN has a VNI of 4096 or more and port 4789, without DirectRouting and GBP.",
        remedy="Set Backend in net-conf.json of kube-flannel-cfg, then restart flannel everywhere: "
        "kubectl -n kube-flannel rollout restart ds/kube-flannel-ds",
        source="flannel-io/flannel:Documentation/backends.md@cdf76059; "
        "flannel-io/flannel:pkg/backend/vxlan/vxlan_windows.go@cdf76059",
        needs=("flannel",),
        run=_flannel,
    ),
    Check(
        id="cl.calico",
        title="Calico's settings are ones that Windows takes part in",
        severity=Severity.ERROR,
        proves="Addresses have strict affinity, no pool has IP in IP or VXLAN across subnets "
        "alone, no BGP is beside VXLAN.",
        remedy="wincnode cluster apply, and for pools: kubectl patch ippool NAME --type merge -p "
        '\'{"spec":{"ipipMode":"Never","vxlanMode":"Always"}}\'',
        source="tigera/docs:calico/getting-started/kubernetes/windows-calico/requirements.mdx, "
        "limitations.mdx",
        needs=("calico",),
        run=_calico,
    ),
    Check(
        id="cl.calico.ips",
        title="A block of Calico's addresses is enough for a node",
        severity=Severity.WARNING,
        proves="A Windows node, which gets one block, can have as many pods as its kubelet takes.",
        remedy="Make a pool with a larger block: blockSize 25 has 124 addresses for pods.",
        source="tigera/docs:calico/getting-started/kubernetes/windows-calico/limitations.mdx",
        needs=("calico",),
        run=_blocks,
    ),
    Check(
        id="cl.podcidr",
        title="There is a pod subnet left for one more node",
        severity=Severity.ERROR,
        proves="The cluster's pod addresses are not all handed out to nodes.",
        remedy="Delete Nodes that are gone, or extend the cluster's pod subnet.",
        source="kubernetes/kubernetes:pkg/controller/nodeipam/ipam/cidrset/cidr_set.go",
        needs=("nodes", "network"),
        run=_room,
    ),
    Check(
        id="cl.dualstack",
        title="Pods and services have IPv4 addresses",
        severity=Severity.ERROR,
        proves="The cluster's address families are ones that Windows nodes can serve.",
        remedy="Give the cluster IPv4 subnets; with dual stack, take a network without an overlay.",
        source='kubernetes.io/docs/concepts/services-networking/dual-stack, "Windows support"',
        needs=("network",),
        run=_families,
    ),
)
