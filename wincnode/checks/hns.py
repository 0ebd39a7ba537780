"""What other container software left in HNS, NAT and the Host Compute Service."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed, unknown
from wincnode.checks.network import owned, usable
from wincnode.facts import Facts, Section

# Names that networks of clusters have on a node; the rest are those of Docker and of Windows.
# Source: rancher/rke2:bundle/bin/rke2-uninstall.ps1@6ce1a801;
# learn.microsoft.com/virtualization/windowscontainers/kubernetes/common-problems;
# flannel-io/flannel:pkg/backend/{vxlan,hostgw}/*_windows.go@cdf76059
_OF_CLUSTERS = ("flannel.4096", "vxlan0", "cbr0", "external", "calico", "azure")
_PREFIXES = ("vpcbr", "flannel.")
_ICS = "ics"
_NAT = "nat"
_OVERLAY = "overlay"
# The network that several agents make first, so that the adapter's address moves only once.
# Source: microsoft/SDN:Kubernetes/windows/helper.v2.psm1, rancher/rke2:pkg/windows@6ce1a801
_HELPERS = frozenset({"external"})


def known_networks(facts: Facts) -> tuple[Section, ...] | None:
    """Give HNS's networks; None where its cmdlets are missing though the service is there."""
    hns = facts.known("hns")
    if hns.value("networks") is not None:
        return hns.rows("networks")
    there = "hns" in facts.known("services").section("services").data
    return None if there else ()


_NO_CMDLETS = "the module HostNetworkingService, which lists HNS's objects, is not there"


def _networks(facts: Facts, wanted: Wanted) -> Outcome:
    networks = known_networks(facts)
    if networks is None:
        return unknown(_NO_CMDLETS)
    found = {row.text("name"): row.text("type") for row in networks}
    old = [name for name in found if _of_cluster(name)]
    shown = ", ".join(f"{name} ({found[name]})" for name in old)
    if not old:
        return passed(f"networks: {', '.join(found) or 'none'}")
    if owned(facts):
        return passed(f"made on a machine of wincnode's: {shown}")
    because = ("sw.rke2", "sw.kubelet", "sw.k0s", "sw.cni", "sw.kubeproxy")
    clash = wanted.hns_network.lower() in [name.lower() for name in old]
    severity = Severity.ERROR if wanted.hns_network and clash else None
    return failed(f"left over: {shown}", because=because, severity=severity)


def _of_cluster(name: str) -> bool:
    low = name.lower()
    return low in _OF_CLUSTERS or low.startswith(_PREFIXES)


def _vxlan(facts: Facts, wanted: Wanted) -> Outcome:
    if not wanted.overlay:
        return passed("the cluster's network is no overlay")
    services = facts.known("services").section("services")
    seen = []
    if (
        "nchostagent" in services.data
        and services.section("nchostagent").text("state") == "Running"
    ):
        seen.append("the service NcHostAgent runs, by which a network controller drives VFP")
    networks = known_networks(facts)
    if networks is None and not seen:
        return unknown(_NO_CMDLETS)
    ours = {wanted.hns_network.lower(), *_HELPERS}
    seen += [
        f"the overlay {row.text('name')} is no network of this cluster"
        for row in networks or ()
        if row.text("type").lower() == _OVERLAY and row.text("name").lower() not in ours
    ]
    if seen:
        return failed("; ".join(seen), because=("net.hns.networks",))
    return passed("nothing else on the node carries packets in VXLAN")


def _objects(facts: Facts, _wanted: Wanted) -> Outcome:
    if known_networks(facts) is None:
        return unknown(_NO_CMDLETS)
    hns = facts.known("hns")
    if hns.value("counts") is None:
        return passed("there is no HNS")
    counts = hns.section("counts")
    shown = ", ".join(
        f"{counts.number(key)} {words}"
        for key, words in (
            ("policy_lists", "policy lists"),
            ("endpoints", "endpoints"),
            ("namespaces", "namespaces"),
        )
        if counts.number(key)
    )
    if not shown or owned(facts):
        return passed(shown or "nothing is left")
    return failed(f"left over: {shown}", because=("net.hns.networks", "left.hcs", "sw.docker"))


def _nat(facts: Facts, wanted: Wanted) -> Outcome:
    hns = facts.known("hns")
    # A NAT may have a prefix outside alone: learn.microsoft.com/powershell/module/netnat/new-netnat
    named = [(row.text("name"), row.text("prefix")) for row in hns.rows("nat")]
    prefixes = [(name, prefix) for name, prefix in named if prefix]
    prefixes += [
        (row.text("name"), subnet)
        for row in hns.rows("networks")
        if row.text("type").lower() == _NAT
        for subnet in row.texts("subnets")
    ]
    addresses = [
        row.text("address") for adapter in usable(facts) for row in adapter.rows("addresses")
    ]
    clashes = []
    for name, text in prefixes:
        prefix = ip_network(text, strict=False)
        others = [a for a in addresses if ip_address(a) in prefix]
        others += [
            s
            for s in wanted.subnets
            if ip_network(s, strict=False).version == prefix.version
            and prefix.overlaps(ip_network(s, strict=False))
        ]
        clashes += [f"{text} of {name} holds {other}" for other in others]
    if clashes:
        return failed("; ".join(clashes))
    shown = ", ".join(f"{text} ({name})" for name, text in prefixes)
    return passed(f"NAT: {shown or 'none'}")


def _ics(facts: Facts, _wanted: Wanted) -> Outcome:
    services = facts.known("services").section("services")
    running = (
        "sharedaccess" in services.data
        and services.section("sharedaccess").text("state") == "Running"
    )
    networks = known_networks(facts) or ()
    shared = [row.text("name") for row in networks if row.text("type").lower() == _ICS]
    seen = [f"HNS network {name} of type ICS" for name in shared]
    if running:
        seen.insert(0, "the service SharedAccess runs")
    return failed("; ".join(seen)) if seen else passed("no connection is shared")


def _compute_systems(facts: Facts, _wanted: Wanted) -> Outcome:
    systems = facts.known("hns").texts("compute_systems")
    if not systems:
        return passed("no compute system runs")
    shown = f"{len(systems)} run: {', '.join(name[:12] for name in systems[:5])}"
    if owned(facts):
        return passed(shown)
    return failed(shown, because=("sw.docker", "sw.containerd", "sw.desktop", "sw.rke2"))


_CLEANUP = "Azure/AgentBaker:staging/cse/windows/provisioningscripts/cleanupnetwork.ps1@06836ee2"

CHECKS = (
    Check(
        id="net.hns.networks",
        title="No network of another cluster in HNS",
        severity=Severity.WARNING,
        proves="The cluster's network can make its own network on the node.",
        remedy="Reset the node with the tool that made them; else hnsdiag delete networks ID for "
        "each (hnsdiag list networks shows the ids), then reboot.",
        source="rancher/rke2:bundle/bin/rke2-uninstall.ps1@6ce1a801",
        needs=("hns", "services"),
        run=_networks,
        uses=("leftovers",),
    ),
    Check(
        id="net.vxlan",
        title="No other overlay uses VXLAN",
        severity=Severity.WARNING,
        proves="Packets to UDP port 4789, the one port of VXLAN on Windows, are the cluster's.",
        remedy="Remove the other overlay with the tool that made it (hnsdiag list networks); take "
        "the node out of the network controller's hosts, or use a network without overlay.",
        source="flannel-io/flannel:Documentation/backends.md@cdf76059 (port 4789); "
        "https://learn.microsoft.com/windows-server/networking/sdn/technologies/"
        "hyper-v-network-virtualization/hyper-v-network-virtualization",
        needs=("hns", "services"),
        run=_vxlan,
    ),
    Check(
        id="net.hns.objects",
        title="No leftover objects in HNS",
        severity=Severity.WARNING,
        proves="No old endpoint, namespace or load balancer takes a pod's address or port.",
        remedy="Delete load balancers before networks: hnsdiag delete loadbalancers, then "
        "namespaces, endpoints and networks; then reboot.",
        source=_CLEANUP,
        needs=("hns", "services"),
        run=_objects,
        uses=("leftovers",),
    ),
    Check(
        id="net.nat",
        title="Prefixes of NAT are free",
        severity=Severity.WARNING,
        proves="No address of the node or of the cluster lies behind a NAT of the node.",
        remedy="Remove-NetNat -Name NAME, or give the NAT network another prefix (Docker: "
        "fixed-cidr in daemon.json).",
        source="MicrosoftDocs/Virtualization-Documentation:windows-server-container-tools/"
        "Debug-ContainerHost/Debug-ContainerHost.ps1@77e0742a",
        needs=("hns", "network"),
        run=_nat,
    ),
    Check(
        id="net.ics",
        title="No connection is shared",
        severity=Severity.WARNING,
        proves="Internet Connection Sharing does not answer DNS or change routes on the node.",
        remedy="Stop-Service SharedAccess; Set-Service SharedAccess -StartupType Disabled.",
        source="https://learn.microsoft.com/windows-server/security/windows-services/"
        "security-guidelines-for-disabling-system-services-in-windows-server",
        needs=("services", "hns"),
        run=_ics,
    ),
    Check(
        id="left.hcs",
        title="No container or virtual machine runs",
        severity=Severity.WARNING,
        proves="Nothing of another runtime holds layers, networks or memory.",
        remedy="End them with their own tool; else hcsdiag list, and hcsdiag kill ID for each.",
        source=_CLEANUP,
        needs=("hns",),
        run=_compute_systems,
        uses=("leftovers",),
    ),
)
