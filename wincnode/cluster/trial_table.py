"""What pods of a network's test try: rows, each with the id that stands in reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One kind of thing that pods try; its id stands in reports, and --ignore takes it."""

    id: str
    title: str
    proves: str
    remedy: str
    source: str


_SERVICES = "https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/"
_WINDOWS = (
    "https://kubernetes.io/docs/concepts/services-networking/windows-networking/; "
    "https://learn.microsoft.com/virtualization/windowscontainers/kubernetes/common-problems"
)
TRIALS: tuple[Trial, ...] = (
    Trial(
        id="pod.pods",
        title="Pods reach pods",
        proves="A pod of the node reaches pods of its own node and of others at their addresses.",
        remedy="On the same node: look at the network's agent there. On another: open UDP port "
        "4789 between the nodes for VXLAN, or routes for host-gw; wincnode cluster check; "
        "wincnode preflight --only net --only fw.",
        source=_WINDOWS,
    ),
    Trial(
        id="pod.linux",
        title="Pods of Windows and of Linux reach each other",
        proves="A pod of the node reaches one of a Linux node at its address, and is reached from "
        "there: both systems speak the cluster's network alike.",
        remedy="Let flannel's Linux side have the VNI and the port of the Windows side (4096, "
        "4789), open UDP port 4789 both ways, or set routes for host-gw; wincnode cluster check.",
        source=f"{_WINDOWS}; flannel-io/flannel:Documentation/backends.md@cdf76059",
    ),
    Trial(
        id="pod.udp",
        title="Pods reach pods over UDP",
        proves="A datagram of a pod reaches a pod of another node, and the answer comes back.",
        remedy="Where pod.pods holds, a firewall or a NetworkPolicy lets TCP alone through: let "
        "UDP through, too; the cluster's DNS needs it.",
        source=_WINDOWS,
    ),
    Trial(
        id="pod.mtu",
        title="Large packets of pods arrive",
        proves="8000 bytes pass from a pod to one of another node and back, in packets as large "
        "as the pods' adapters make them: none is too large for the way, with VXLAN's 50 bytes.",
        remedy="wincnode preflight --only net.mtu; give the links of all nodes one MTU, and pods "
        "50 bytes less with VXLAN, on Linux, too; let ICMP through (fragmentation needed).",
        source="flannel-io/flannel:Documentation/backends.md@cdf76059; "
        "https://www.rfc-editor.org/rfc/rfc2923",
    ),
    Trial(
        id="pod.service",
        title="Pods reach a service",
        proves="kube-proxy on the node leads from a service's address to a pod behind it.",
        remedy="kubectl -n kube-system logs ds/kube-proxy-windows; its source VIP and the name of "
        "the HNS network must be those of the cluster's network.",
        source=_SERVICES,
    ),
    Trial(
        id="pod.dns",
        title="Pods look up names of services",
        proves="The cluster's DNS answers pods of the node, with the suffix of their namespace.",
        remedy="See that pods of CoreDNS run and are reached (pod.service), and that clusterDNS of "
        "the ConfigMap kubelet-config is their service's address.",
        source="https://kubernetes.io/docs/tasks/administer-cluster/dns-debugging-resolution/",
    ),
    Trial(
        id="pod.egress",
        title="Pods reach what is outside",
        proves="Packets of pods leave the cluster with the node's address, and answers come back.",
        remedy="The network's list of exceptions from NAT (OutBoundNAT) must hold the cluster's "
        "subnets and no more; let the node's address out in firewalls.",
        source=_WINDOWS,
    ),
    Trial(
        id="pod.nodeport",
        title="Pods reach NodePorts of other nodes",
        proves="A service of type NodePort is reached at the address of another node.",
        remedy="wincnode preflight --only net.dynports --only net.excluded --only fw.nodeport; let "
        "the range of NodePorts in between nodes.",
        source=_SERVICES,
    ),
)
BY_ID = {trial.id: trial for trial in TRIALS}
