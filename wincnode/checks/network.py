"""Adapters, addresses, ports, subnets, IPv6."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, ip_address, ip_network

from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed
from wincnode.facts import Facts, Section

# Bits of DisabledComponents: IPv6 on adapters, and the order of addresses; the rest are tunnels.
# Source: learn.microsoft.com/troubleshoot/windows-server/networking/configure-ipv6-in-windows
_NO_ADAPTERS, _IPV4_FIRST = 0x10, 0x20


def usable(facts: Facts) -> tuple[Section, ...]:
    """List the adapters that are up and carry a default route, virtual ones included.

    The adapter's address moves to a vEthernet adapter when a switch is made on it.
    """
    network = facts.known("network")
    routed = {
        route.number("index")
        for route in network.rows("routes")
        if route.text("destination") == "0.0.0.0/0"
    }
    return tuple(
        adapter
        for adapter in network.rows("adapters")
        if adapter.flag("up") and adapter.number("index") in routed
    )


def chosen(facts: Facts, wanted: Wanted) -> tuple[Section, ...]:
    """List the adapters that carry pods: the named one, or those that are usable.

    An adapter on which a switch was made has handed its address to a virtual one.
    """
    if not wanted.adapter:
        return usable(facts)
    rows = {row.text("name").lower(): row for row in facts.known("network").rows("adapters")}
    name = wanted.adapter.lower()
    found = rows.get(f"vethernet ({name})", rows.get(name))
    return (found,) if found else ()


def _nic(facts: Facts, wanted: Wanted) -> Outcome:
    adapters = chosen(facts, wanted)
    names = ", ".join(adapter.text("name") for adapter in adapters)
    if wanted.adapter and not adapters:
        return failed(f"there is no adapter {wanted.adapter!r}")
    if wanted.adapter and not adapters[0].flag("up"):
        return failed(f"the adapter {names} is down")
    if not adapters:
        return failed("no adapter is up and has a default route")
    if len(adapters) > 1:
        return failed(f"several adapters have a default route: {names}")
    return passed(names)


def _addr(facts: Facts, wanted: Wanted) -> Outcome:
    adapters = chosen(facts, wanted)
    addresses = [row.text("address") for nic in adapters for row in nic.rows("addresses")]
    good = [text for text in addresses if not ip_address(text).is_link_local]
    if good:
        return passed(", ".join(good))
    because = ("net.nic",)
    if addresses:
        return failed(f"only link-local addresses: {', '.join(addresses)}", because=because)
    return failed("no IPv4 address on the node's adapter", because=because)


def _listen(facts: Facts, wanted: Wanted) -> Outcome:
    taken: dict[tuple[str, int], str] = {}
    for row in facts.known("network").rows("listening"):
        taken[row.text("protocol"), row.number("port")] = row.text("process") or "unknown"
    # Services that wincnode runs there itself are no strangers.
    ours = made(facts, "kubelet")
    busy = [
        (protocol, port)
        for protocol, port in wanted.ports
        if (protocol, port) in taken
        and not (ours and taken[protocol, port] in ("kubelet", "kube-proxy"))
    ]
    if not busy:
        return passed("all ports are free")
    shown = ", ".join(f"{port}/{protocol} by {taken[protocol, port]}" for protocol, port in busy)
    owners = {taken[place].removesuffix(".exe").lower() for place in busy}
    because = tuple(
        check
        for check, owner in (("sw.kubelet", "kubelet"), ("sw.rke2", "rke2"), ("sw.k0s", "k0s"))
        if owner in owners
    )
    return failed(f"taken: {shown}", because=because)


def owned(facts: Facts) -> bool:
    """Tell whether wincnode has changed the machine: what lies there may be its own work."""
    section = facts.section("leftovers")
    return isinstance(section, Section) and section.flag("owned")


def made(facts: Facts, *things: str) -> bool:
    """Tell whether wincnode has put all of these there: services by name, programs by path."""
    have = {text.lower() for text in facts.known("leftovers").texts("made")}
    return all(thing.lower() in have for thing in things)


def _clashes(facts: Facts, wanted: Wanted) -> Iterator[str]:
    for text in wanted.subnets:
        subnet = ip_network(text, strict=False)
        for route in facts.known("network").rows("routes"):
            destination = ip_network(route.text("destination"), strict=False)
            if (
                isinstance(subnet, IPv4Network)
                and isinstance(destination, IPv4Network)
                and destination.prefixlen > 0
                and destination.overlaps(subnet)
            ):
                yield f"{subnet} overlaps the route to {destination}"


def _cidr(facts: Facts, wanted: Wanted) -> Outcome:
    # Routes into the pod subnet are the CNI's once the node has joined.
    clashes = tuple(_clashes(facts, wanted))
    if clashes and not owned(facts):
        return failed("; ".join(clashes))
    return passed("no route of the node touches the cluster's subnets")


def _ipv6(facts: Facts, _wanted: Wanted) -> Outcome:
    value = facts.known("network").number("ipv6_disabled_components")
    shown = f"DisabledComponents is 0x{value:x}"
    if value & _NO_ADAPTERS:
        return failed(shown)
    if value & ~_IPV4_FIRST:
        return failed(f"{shown}; adapters keep IPv6", severity=Severity.WARNING)
    return passed(f"{shown}: IPv4 goes first, IPv6 stays" if value else "IPv6 is not disabled")


CHECKS = (
    Check(
        id="net.nic",
        title="One usable adapter",
        severity=Severity.ERROR,
        proves="It is clear which adapter will carry the pods.",
        remedy="Leave one default route: Remove-NetRoute -DestinationPrefix 0.0.0.0/0 "
        "-InterfaceAlias NAME for the others; --ignore net.nic where the network's agent is told "
        "its adapter, as Calico's is by cluster.cni.vxlan_adapter.",
        source="openshift/windows-machine-config-operator:docs/wmco-prerequisites.md@0be4b9cc",
        needs=("network",),
        run=_nic,
    ),
    Check(
        id="net.addr",
        title="The adapter has an address",
        severity=Severity.ERROR,
        proves="The node has an IPv4 address that others can reach.",
        remedy="Fix DHCP, or set a static IPv4 address.",
        source="projectcalico/calico:node/windows-packaging/CalicoWindows/node-service.ps1",
        needs=("network",),
        run=_addr,
    ),
    Check(
        id="net.listen",
        title="Ports of Kubernetes are free",
        severity=Severity.ERROR,
        proves="The kubelet, kube-proxy and VXLAN can listen.",
        remedy="Stop the program that owns the port, or move it to another port.",
        source="kubernetes/kubernetes:cmd/kubeadm/app/preflight/checks.go",
        needs=("network",),
        run=_listen,
        uses=("leftovers",),
    ),
    Check(
        id="net.cidr",
        title="Subnets of the cluster are free",
        severity=Severity.ERROR,
        proves="No address of a pod or service is also a neighbour of the node.",
        remedy="Use other subnets for the cluster, or move the node to another network.",
        source="https://kubernetes.io/docs/concepts/cluster-administration/networking/",
        needs=("network",),
        run=_cidr,
        uses=("leftovers",),
    ),
    Check(
        id="svc.ipv6",
        title="IPv6 is not disabled",
        severity=Severity.ERROR,
        proves="HNS can create its networks.",
        remedy="Delete the value DisabledComponents under "
        "HKLM\\SYSTEM\\CurrentControlSet\\Services\\Tcpip6\\Parameters and reboot.",
        source="https://learn.microsoft.com/virtualization/windowscontainers/container-networking/"
        "advanced; https://learn.microsoft.com/troubleshoot/windows-server/networking/"
        "configure-ipv6-in-windows",
        needs=("network",),
        run=_ipv6,
    ),
)
