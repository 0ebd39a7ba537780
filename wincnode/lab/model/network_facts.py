"""Sections of facts about links, HNS, ports, the firewall and names, over a machine's model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from wincnode.lab.model.failures import ERRORS
from wincnode.lab.model.host import Host
from wincnode.lab.windows.firewall import RULES
from wincnode.lab.windows.naming import TCPIP

Section: TypeAlias = dict[str, Any]
SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
POLICIES = r"HKLM\SOFTWARE\Policies\Microsoft"
COMPUTE_SYSTEMS = (
    r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\HostComputeService"
    r"\VolatileStore\ComputeSystem"
)
STORES = {"policy": POLICIES + r"\WindowsFirewall\FirewallRules", "local": RULES}
PORTS = ((179, 179), (4789, 4789), (5985, 5986), (10250, 10250), (10256, 10256), (30000, 32767))
MOST_RULES, MOST_CHARACTERS = 200, 1000


def links(host: Host) -> Section:
    """Read what adapters carry: MTU, offloads, teams, and external switches bound to them."""
    vxlan = host.call("Get-NetAdapterEncapsulatedPacketTaskOffload")
    checksum = host.call("Get-NetAdapterChecksumOffload")
    switches = None
    if host.machine.has_module("Hyper-V"):
        rows = host.call("Get-VMSwitch", SwitchType=["External"])
        switches = [
            {
                "name": row["Name"],
                "adapter": row["NetAdapterInterfaceDescription"],
                "extensions": _extensions(host, row["Name"]),
            }
            for row in rows
        ]
    return {
        "interfaces": [
            {"index": row["InterfaceIndex"], "mtu": row["NlMtu"]}
            for row in host.call("Get-NetIPInterface", AddressFamily=["IPv4"])
        ],
        "vxlan_offload": [
            row["Name"] for row in vxlan if row["VxlanEncapsulatedPacketTaskOffloadEnabled"]
        ],
        "checksum_transmit": [
            row["Name"] for row in checksum if re.search("Tx|^[13]$", str(row["UdpIPv4Enabled"]))
        ],
        "teams": _teams(host),
        "switches": switches,
    }


def _extensions(host: Host, switch: str) -> list[Section]:
    return [
        {
            "id": row["Id"],
            "name": row["Name"],
            "type": row["ExtensionType"],
            "enabled": row["Enabled"],
        }
        for row in host.call("Get-VMSwitchExtension", VMSwitchName=[switch])
    ]


def _teams(host: Host) -> list[str]:
    try:
        rows = host.call("Get-CimInstance", ClassName="MSFT_NetLbfoTeam")
    except ERRORS:
        return []
    return [row["Name"] for row in rows]


def hns(host: Host) -> Section:
    """Read what the Host Network Service, NAT and the Host Compute Service hold."""
    networks = counts = None
    if host.machine.has_module("HostNetworkingService"):
        networks = [
            {
                "name": row["Name"],
                "type": row["Type"],
                "subnets": [subnet["AddressPrefix"] for subnet in row.get("Subnets", [])],
            }
            for row in host.call("Get-HnsNetwork")
        ]
        counts = {
            "endpoints": len(host.call("Get-HnsEndpoint")),
            "namespaces": len(host.call("Get-HnsNamespace")),
            "policy_lists": len(host.call("Get-HnsPolicyList")),
        }
    return {
        "networks": networks,
        "counts": counts,
        "nat": [
            {"name": row["Name"], "prefix": row["InternalIPInterfaceAddressPrefix"]}
            for row in host.call("Get-NetNat")
        ],
        "nat_mappings": [
            {
                "nat": row["NatName"],
                "protocol": str(row["Protocol"]).lower(),
                "port": row["ExternalPort"],
                "to": f"{row['InternalIPAddress']}:{row['InternalPort']}",
            }
            for row in host.call("Get-NetNatStaticMapping")
        ],
        "compute_systems": host.machine.registry.subkeys(COMPUTE_SYSTEMS),
    }


def ports(host: Host) -> Section:
    """Read the ranges of ports that Windows hands out or keeps back, and ports it forwards."""
    settings = {
        "tcp": host.call("Get-NetTCPSetting"),
        "udp": host.call("Get-NetUDPSetting"),
    }
    forwarded = [
        {"from": name, "to": value.data}
        for way in ("v4tov4", "v4tov6", "v6tov4", "v6tov6")
        for name, value in host.machine.registry.values(rf"{SERVICES}\PortProxy\{way}\tcp").items()
    ]
    return {
        "dynamic": [
            {
                "protocol": protocol,
                "start": row["DynamicPortRangeStartPort"],
                "count": row["DynamicPortRangeNumberOfPorts"],
            }
            for protocol, rows in settings.items()
            for row in rows
            if row["DynamicPortRangeNumberOfPorts"]
        ],
        "excluded": [
            {"protocol": protocol, "first": first, "last": last, "administered": mine}
            for protocol in settings
            for first, last, mine in host.machine.ports.rows("ipv4", protocol)
        ],
        "forwarded": forwarded,
        "azure": host.disk.is_folder(r"C:\WindowsAzure"),
    }


def firewall(host: Host, further: Iterable[Sequence[int]] = ()) -> Section:
    """Read the firewall's inbound rules that concern ports of Kubernetes and of WinRM.

    Args: further: first and last port of ranges that concern it as well.
    """
    wanted = (*PORTS, *((row[0], row[1]) for row in further))
    found = [
        {"store": store, "name": name, "text": str(value.data)[:MOST_CHARACTERS]}
        for store, key in STORES.items()
        for name, value in host.machine.registry.values(key).items()
        if _concerns(name, str(value.data), wanted)
    ]
    ranges = [f"{first}-{last}" for first, last in wanted]
    return {"rules": found[:MOST_RULES], "ranges": ranges}


def _concerns(name: str, text: str, wanted: Iterable[tuple[int, int]]) -> bool:
    low = text.lower()
    if "|active=true|" not in low or "|dir=in|" not in low:
        return False
    if re.search("kube|rke2|k0s|calico|flannel|containerd", f"{name}|{text}", re.IGNORECASE):
        return True
    if not re.search(r"(?i)\|(LPort\w*|App|Svc|AppPkgId|LUOwn)=", text):
        return True
    ranges = re.findall(r"\|LPort\w*=(\d+)(?:-(\d+))?(?=\|)", text)
    spans = [(int(low), int(high or low)) for low, high in ranges]
    return any(a <= last and b >= first for a, b in spans for first, last in wanted)


def names(host: Host) -> Section:
    """Read what the domain name system says of this machine, and the suffixes that names get."""
    read = host.machine.registry.data
    domain = read(TCPIP, "Domain", "") or read(TCPIP, "DhcpDomain", "")
    name = read(TCPIP, "Hostname", "") + (f".{domain}" if domain else "")
    forward = _asked(host, name, "A", "IPAddress")
    back: Section = {"found": [], "error": ""}
    if forward["found"]:
        back = _asked(host, forward["found"][0], "PTR", "NameHost")
    policy = read(POLICIES + r"\Windows NT\DNSClient", "SearchList", "")
    suffixes = policy or read(TCPIP, "SearchList", "") or domain
    return {
        "name": name,
        "forward": forward,
        "back": back,
        "suffixes": [row for row in re.split("[, ]", suffixes) if row],
    }


def _asked(host: Host, name: str, kind: str, field: str) -> Section:
    try:
        rows = host.call("Resolve-DnsName", Name=name, Type=kind)
    except ERRORS as error:
        return {"found": [], "error": error.id.split(",")[0]}
    return {"found": [row[field] for row in rows], "error": ""}
