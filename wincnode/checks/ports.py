"""Ports that Windows hands out by itself, keeps back, or forwards."""

from __future__ import annotations

from wincnode.checks import Check, Outcome, Severity, Wanted, failed, passed, unknown
from wincnode.facts import FactMissing, Facts, Section

# support.microsoft.com/kb/929851: 16,384 ports. HNS takes 64 of them for each service without DSR:
# learn.microsoft.com/virtualization/windowscontainers/kubernetes/common-problems
_PORTS_OF_WINDOWS = 16384
_BLOCK = 64
# Azure/AgentBaker:vhdbuilder/packer/windows/configure-windows-vhd.ps1@06836ee2
_AZURE_UDP = 65330


def _portproxy(facts: Facts, wanted: Wanted) -> Outcome:
    needed = {port for protocol, port in wanted.ports if protocol == "tcp"}
    rows = facts.known("ports").rows("forwarded")
    taken = [
        f"{row.text('from')} to {row.text('to')}"
        for row in rows
        if (port := _port(row.text("from"))) in needed or _within(port, wanted.node_ports)
    ]
    if taken:
        return failed(f"forwarded: {'; '.join(taken)}")
    return passed(f"{len(rows)} ports are forwarded, none that Kubernetes needs")


def _port(place: str) -> int:
    """Give the port of `address/port`, as the registry has it."""
    number = place.rpartition("/")[2]
    if not number.isdigit():
        raise FactMissing(f"ports.forwarded has no port: {place!r}")
    return int(number)


def _within(port: int, ports: tuple[int, int]) -> bool:
    return ports[0] <= port <= ports[1]


def _dynamic(facts: Facts, wanted: Wanted) -> Outcome:
    ports = facts.known("ports")
    ranges = ports.rows("dynamic")
    if {row.text("protocol") for row in ranges} != {"tcp", "udp"}:
        return unknown("the dynamic ports of TCP and UDP are not both known")
    wrong, seen = [], []
    for row in ranges:
        protocol, first, count = row.text("protocol"), row.number("start"), row.number("count")
        shown = f"{first}-{first + count - 1}/{protocol}"
        seen.append(shown)
        last = first + count - 1
        both = (max(first, wanted.node_ports[0]), min(last, wanted.node_ports[1]))
        if both[0] <= both[1] and not _kept(ports, protocol, both):
            wrong.append(f"{shown} holds NodePorts that are not kept back")
        own = [
            str(port)
            for kind, port in wanted.ports
            if kind == protocol
            and _within(port, (first, last))
            and not _kept(ports, protocol, (port, port))
        ]
        if own:
            wrong.append(f"{shown} holds {', '.join(own)}, which the node's own programs need")
        if count < _PORTS_OF_WINDOWS:
            wrong.append(f"{shown} has {count // _BLOCK} blocks of {_BLOCK}")
    return failed("; ".join(wrong)) if wrong else passed(", ".join(seen))


def _kept(ports: Section, protocol: str, wanted: tuple[int, int]) -> bool:
    """Tell whether one excluded range covers all of a range."""
    return any(
        row.text("protocol") == protocol
        and row.number("first") <= wanted[0]
        and row.number("last") >= wanted[1]
        for row in ports.rows("excluded")
    )


def _excluded(facts: Facts, wanted: Wanted) -> Outcome:
    # A program may bind a port that an administrator keeps back, not one that Windows gave away.
    foreign = [row for row in facts.known("ports").rows("excluded") if not row.flag("administered")]
    taken = [
        f"{port}/{protocol} in {_shown(row)}"
        for protocol, port in wanted.ports
        for row in foreign
        if row.text("protocol") == protocol
        and _within(port, (row.number("first"), row.number("last")))
    ]
    if taken:
        return failed(f"reserved: {'; '.join(taken)}")
    nodes = [
        _shown(row)
        for row in foreign
        if row.number("first") <= wanted.node_ports[1]
        and row.number("last") >= wanted.node_ports[0]
    ]
    if nodes:
        return failed(f"NodePorts reserved: {', '.join(nodes)}", severity=Severity.WARNING)
    return passed(f"{len(foreign)} ranges are reserved, none that Kubernetes needs")


def _shown(row: Section) -> str:
    return f"{row.number('first')}-{row.number('last')}/{row.text('protocol')}"


def _mappings(facts: Facts, wanted: Wanted) -> Outcome:
    """WinNAT takes what comes in at a mapped port before any program gets it."""
    rows = facts.known("hns").rows("nat_mappings")
    taken = [
        f"{row.number('port')}/{row.text('protocol')} to {row.text('to')} by {row.text('nat')}"
        for row in rows
        if (row.text("protocol"), row.number("port")) in wanted.ports
        or _within(row.number("port"), wanted.node_ports)
    ]
    if taken:
        return failed(f"mapped: {'; '.join(taken)}")
    return passed(f"{len(rows)} ports are mapped by NAT, none that Kubernetes needs")


def _azure_udp(facts: Facts, _wanted: Wanted) -> Outcome:
    ports = facts.known("ports")
    if not ports.flag("azure"):
        return passed("the machine is not on Azure")
    if _kept(ports, "udp", (_AZURE_UDP, _AZURE_UDP)):
        return passed(f"{_AZURE_UDP}/udp is kept back")
    return failed(f"{_AZURE_UDP}/udp is not kept back, and Azure answers none who uses it")


_RANGE = "Azure/AgentBaker:staging/cse/windows/configfunc.ps1@06836ee2"

CHECKS = (
    Check(
        id="net.portproxy",
        title="No port of Kubernetes is forwarded",
        severity=Severity.WARNING,
        proves="The kubelet and NodePorts answer themselves.",
        remedy="netsh interface portproxy delete v4tov4 listenaddress=ADDRESS listenport=PORT.",
        source="https://learn.microsoft.com/windows-server/networking/technologies/netsh/"
        "netsh-interface-portproxy",
        needs=("ports",),
        run=_portproxy,
    ),
    Check(
        id="net.dynports",
        title="Windows hands out enough ports, and none of Kubernetes",
        severity=Severity.WARNING,
        proves="No program is given a NodePort or the kubelet's port at random, and services get "
        "their blocks of 64 ports.",
        remedy="Run wincnode install, or netsh interface ipv4 set dynamicportrange PROTOCOL "
        "34000 31536 for tcp and udp.",
        source="https://learn.microsoft.com/virtualization/windowscontainers/kubernetes/"
        f"common-problems; {_RANGE}",
        needs=("ports",),
        run=_dynamic,
    ),
    Check(
        id="net.excluded",
        title="No port of Kubernetes is reserved",
        severity=Severity.ERROR,
        proves="The kubelet, kube-proxy and VXLAN may listen.",
        remedy="net stop winnat; netsh interface ipv4 add excludedportrange PROTOCOL PORT 1 "
        "persistent; net start winnat.",
        source="docker/for-win#3171; microsoft/WSL#5514",
        needs=("ports",),
        run=_excluded,
    ),
    Check(
        id="net.nat.ports",
        title="No port of Kubernetes is mapped by NAT",
        severity=Severity.WARNING,
        proves="The kubelet and NodePorts answer themselves, not what lies behind a NAT.",
        remedy="Get-NetNatStaticMapping, and Remove-NetNatStaticMapping -StaticMappingID ID for "
        "the port; give that container or machine another one.",
        source="https://learn.microsoft.com/powershell/module/netnat/add-netnatstaticmapping",
        needs=("hns",),
        run=_mappings,
    ),
    Check(
        id="net.udp65330",
        title="Azure's UDP port is kept back",
        severity=Severity.INFO,
        proves="No DNS query leaves by a source port that Azure drops.",
        remedy="netsh interface ipv4 add excludedportrange udp 65330 1 persistent.",
        source="Azure/AgentBaker:vhdbuilder/packer/windows/configure-windows-vhd.ps1@06836ee2",
        needs=("ports",),
        run=_azure_udp,
    ),
)
