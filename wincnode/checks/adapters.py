"""What becomes of the adapter that carries pods: its address, link, teams, switches, offloads."""

from __future__ import annotations

from wincnode.checks import Check, Outcome, Severity, Verdict, Wanted, failed, passed, unknown
from wincnode.checks.firewall import admits
from wincnode.checks.network import chosen, owned, usable
from wincnode.facts import Facts, Section

# The address of a static adapter stays on these builds when a switch is made on it.
# Source: openshift/windows-machine-config-operator:docs/byoh-instance-pre-requisites.md@0be4b9cc
_KEEPS_ADDRESS = (20348,)
_VMXNET3 = "vmxnet3"
# VXLAN over IPv4 takes 50 bytes of a frame: flannel-io/flannel:Documentation/backends.md@cdf76059
_VXLAN_BYTES = 50
_ETHERNET = 1500
# Ports of WinRM and of its compatibility listeners.
# Source: learn.microsoft.com/windows/win32/winrm/
# installation-and-configuration-for-windows-remote-management
_WINRM = (5986, 5985, 443, 80)
# The switch extension that HNS uses, and types of networks that need it.
# Source: Get-HnsNetwork shows it among a network's extensions as Microsoft Azure VFP Switch
# Extension, on for networks of these types: docs.projectcalico.org and microsoft/SDN issues;
# learn.microsoft.com/virtualization/windowscontainers/container-networking/architecture
_VFP = "E9B59CFA-2BE1-4B21-828F-B6FBDBDDC017"
FORWARDED = frozenset({"l2bridge", "l2tunnel", "overlay"})
_METADATA = "169.254.169.254/32"
# Win32_ComputerSystem.Manufacturer of a Nitro instance of EC2:
# docs.aws.amazon.com/AWSEC2/latest/WindowsGuide/identify_ec2_instances.html
_EC2 = "Amazon EC2"


def _static(facts: Facts, wanted: Wanted) -> Outcome:
    build = facts.known("os").number("build")
    fixed = [
        f"{row.text('address')} of {nic.text('name')}"
        for nic in chosen(facts, wanted)
        if nic.flag("physical")
        for row in nic.rows("addresses")
        if row.text("origin") == "Manual"
    ]
    if not fixed:
        return passed("no static address is on a physical adapter that carries pods")
    if build in _KEEPS_ADDRESS:
        return passed(f"{', '.join(fixed)} is static; build {build} keeps it")
    flags = facts.known("services").section("hns_state")
    if flags.data.get("DeviceLessNicDisabled") == "1":
        return passed(f"{', '.join(fixed)} is static; DeviceLessNicDisabled is 1")
    return failed(f"{', '.join(fixed)} is static, and DeviceLessNicDisabled is not 1")


def session(facts: Facts) -> Section | None:
    """Give the connection by which WinRM is reached, as far as it can be told."""
    sessions = facts.known("network").rows("sessions")
    by_port = {row.number("port"): row for row in reversed(sessions)}
    return next((by_port[port] for port in _WINRM if port in by_port), None)


def _disconnect(facts: Facts, wanted: Wanted) -> Outcome:
    link = session(facts)
    if link is None:
        return unknown("no connection of WinRM was seen, so its adapter is not known")
    where = f"{link.text('address')}:{link.number('port')}"
    nics = [
        nic
        for nic in chosen(facts, wanted)
        if link.text("address") in [row.text("address") for row in nic.rows("addresses")]
    ]
    if not nics:
        return passed(f"WinRM comes in at {where}, which is on no adapter that carries pods")
    name = nics[0].text("name")
    shared = f"WinRM comes in at {where} by {name}, which carries the pods"
    if not nics[0].flag("physical"):
        return passed(f"{shared}; its switch is made already")
    said = admits(facts, "tcp", link.number("port"), profile="Public")
    if said.verdict is Verdict.FAIL:
        shown = f"{shared}; a new vEthernet adapter can be Public, and {said.evidence}"
        return failed(shown, because=("fw.merge",))
    return passed(f"{shared}: the link drops for seconds when the switch is made")


def _mtu(facts: Facts, wanted: Wanted) -> Outcome:
    sizes = {
        row.number("index"): row.number("mtu") for row in facts.known("links").rows("interfaces")
    }
    shown = [
        (nic.text("name"), sizes[nic.number("index")])
        for nic in chosen(facts, wanted)
        if nic.number("index") in sizes
    ]
    if not shown:
        return unknown("the MTU of the adapter that carries pods is not known")
    text = ", ".join(f"{size} bytes on {name}" for name, size in shown)
    small = min(size for _, size in shown)
    if small < _ETHERNET:
        rest = f"; pods have {small - _VXLAN_BYTES} in VXLAN" if wanted.overlay else ""
        return failed(f"{text}; other nodes have {_ETHERNET} as a rule{rest}")
    return passed(text)


def _offload(facts: Facts, wanted: Wanted) -> Outcome:
    links = facts.known("links")
    working = {*links.texts("vxlan_offload"), *links.texts("checksum_transmit")}
    names = [
        nic.text("name")
        for nic in chosen(facts, wanted)
        if _VMXNET3 in nic.text("description").lower() and nic.text("name") in working
    ]
    if names and wanted.overlay:
        return failed(f"vmxnet3 sums up what leaves {', '.join(names)}, also inside VXLAN")
    shown = ", ".join(sorted(working)) or "no adapter"
    return passed(f"checksums of outgoing packets or VXLAN are offloaded to: {shown}")


def _lbfo(facts: Facts, _wanted: Wanted) -> Outcome:
    teams = facts.known("links").texts("teams")
    return failed(f"teams: {', '.join(teams)}") if teams else passed("there is no team")


def _unseen(facts: Facts) -> Outcome:
    """Say what it means that switches could not be listed."""
    states = facts.known("features").section("states").data
    # A server's feature and a client's.
    if states.get("Hyper-V") == "Installed" or states.get("Microsoft-Hyper-V") == "Enabled":
        return unknown("Hyper-V is installed without its PowerShell module")
    return passed("there is no Hyper-V, whose switches these would be")


def _vswitch(facts: Facts, _wanted: Wanted) -> Outcome:
    links = facts.known("links")
    if links.value("switches") is None:
        return _unseen(facts)
    ours = facts.known("hns")
    # A switch of HNS has the name of its network.
    known = {row.text("name") for row in ours.rows("networks")}
    foreign = [
        f"{row.text('name')} on {row.text('adapter')}"
        for row in links.rows("switches")
        if row.text("name") not in known
    ]
    if foreign and ours.value("networks") is None:
        return unknown(f"whether HNS made them is not known: {'; '.join(foreign)}")
    return (
        failed(f"not made by HNS: {'; '.join(foreign)}") if foreign else passed("none is foreign")
    )


def _extensions(facts: Facts, _wanted: Wanted) -> Outcome:
    links = facts.known("links")
    if links.value("switches") is None:
        return _unseen(facts)
    ours = facts.known("hns")
    # HNS needs VFP on switches of these networks alone.
    pods = {
        row.text("name") for row in ours.rows("networks") if row.text("type").lower() in FORWARDED
    }
    wrong = []
    for switch in links.rows("switches"):
        rows = switch.rows("extensions")
        on = {row.text("id").upper() for row in rows if row.flag("enabled")}
        name = switch.text("name")
        wrong += [
            f"{row.text('name')} forwards on {name}"
            for row in rows
            if row.flag("enabled")
            and row.text("type") == "Forwarding"
            and row.text("id").upper() != _VFP
        ]
        if name in pods and rows and _VFP not in on:
            wrong.append(f"VFP is off on {name}, the switch of an HNS network")
    return failed("; ".join(wrong)) if wrong else passed("no extension is in the way of VFP")


def _metadata(facts: Facts, _wanted: Wanted) -> Outcome:
    hardware = facts.known("hardware")
    maker = hardware.text("manufacturer")
    if maker != _EC2:
        return passed(f"the machine is no instance of EC2 but of {maker or 'an unknown maker'}")
    rows = facts.known("network").rows("routes")
    routes = [row for row in rows if row.text("destination") == _METADATA]
    live = {nic.number("index") for nic in usable(facts)}
    if any(row.number("index") in live for row in routes):
        return passed(f"there is a route to {_METADATA}")
    if routes:
        return failed(f"the route to {_METADATA} is on an adapter without a default route")
    # Whose switch it is says nothing of the route.
    return failed(f"there is no route to {_METADATA}" + "; a switch was made" * owned(facts))


_WMCO = "openshift/windows-machine-config-operator:docs/byoh-instance-pre-requisites.md@0be4b9cc"

CHECKS = (
    Check(
        id="net.static",
        title="A static address survives a new switch",
        severity=Severity.WARNING,
        proves="The node keeps its address when HNS makes a switch on the adapter.",
        remedy="Use DHCP, or: reg add HKLM\\SYSTEM\\CurrentControlSet\\Services\\hns\\State "
        "/v DeviceLessNicDisabled /t REG_DWORD /d 1 /f; then restart the service hns.",
        source=f"{_WMCO}; microsoft/SDN#498",
        needs=("os", "network", "services"),
        run=_static,
    ),
    Check(
        id="net.disconnect",
        title="WinRM comes back after a new switch",
        severity=Severity.INFO,
        proves="The client is let in again when the adapter's address has moved to a switch.",
        remedy="Let WinRM in whatever the network's category: New-NetFirewallRule -Name "
        "winrm-any -DisplayName winrm-any -Direction Inbound -Protocol TCP -LocalPort 5985,5986 "
        "-Profile Any -RemoteAddress CLIENT -Action Allow.",
        source="microsoft/SDN#498; kubernetes-sigs/image-builder:images/capi/ansible/windows/roles/"
        "systemprep/tasks/main.yml@ae63061e",
        needs=("network", "firewall", "policy"),
        run=_disconnect,
    ),
    Check(
        id="net.mtu",
        title="Frames are as large as those of other nodes",
        severity=Severity.WARNING,
        proves="Large packets of pods are not lost on their way: with VXLAN they are 50 bytes "
        "smaller than the link's, on every node.",
        remedy="Give all nodes one MTU: netsh interface ipv4 set subinterface ADAPTER mtu=1500 "
        "store=persistent; or set the network's MTU to the smallest link's, less 50 for VXLAN.",
        source="flannel-io/flannel:Documentation/backends.md@cdf76059",
        needs=("network", "links"),
        run=_mtu,
    ),
    Check(
        id="net.offload",
        title="Offloads that spoil VXLAN are off",
        severity=Severity.INFO,
        proves="vmxnet3 does not drop VXLAN packets whose checksums it should make.",
        remedy="Where pods of two nodes reach each other by ping alone: "
        "Disable-NetAdapterChecksumOffload -Name ADAPTER; and "
        "Disable-NetAdapterEncapsulatedPacketTaskOffload -Name ADAPTER.",
        source="projectcalico/calico#4727",
        needs=("network", "links"),
        run=_offload,
    ),
    Check(
        id="net.lbfo",
        title="No team of adapters by LBFO",
        severity=Severity.WARNING,
        proves="HNS can make its switch on the adapter.",
        remedy="Use Switch Embedded Teaming, or: Remove-NetLbfoTeam -Name TEAM.",
        source="https://learn.microsoft.com/windows-server/networking/technologies/nic-teaming/"
        "nic-teaming",
        needs=("links",),
        run=_lbfo,
    ),
    Check(
        id="net.vswitch",
        title="No foreign switch on an adapter",
        severity=Severity.WARNING,
        proves="The adapter is free for the switch that the cluster's network makes.",
        remedy="Remove-VMSwitch -Name SWITCH, or name another adapter in the inventory.",
        source="https://learn.microsoft.com/virtualization/windowscontainers/container-networking/"
        "advanced",
        needs=("links", "hns", "features"),
        run=_vswitch,
    ),
    Check(
        id="net.vswitch.ext",
        title="VFP alone forwards on switches",
        severity=Severity.WARNING,
        proves="HNS's policies take effect: a switch has one forwarding extension, and it is VFP.",
        remedy="Disable-VMSwitchExtension -VMSwitchName SWITCH -Name EXTENSION for the other one; "
        "Enable-VMSwitchExtension -VMSwitchName SWITCH -Name 'Microsoft Azure VFP Switch "
        "Extension' on HNS's own.",
        source="https://learn.microsoft.com/windows-hardware/drivers/network/"
        "reordering-hyper-v-extensibility-switch-extensions (one forwarding extension)",
        needs=("links", "hns", "features"),
        run=_extensions,
    ),
    Check(
        id="net.metadata",
        title="The cloud's metadata can be reached",
        severity=Severity.INFO,
        proves="Programs on an EC2 instance get their credentials, also after a switch was made.",
        remedy="route -p add 169.254.169.254 mask 255.255.255.255 GATEWAY if INDEX, with the "
        "gateway and the index of the adapter that has the default route.",
        source="openshift/windows-machine-config-operator:docs/TROUBLESHOOTING.md@0be4b9cc; "
        "https://docs.aws.amazon.com/AWSEC2/latest/WindowsGuide/ec2launch.html",
        needs=("hardware", "network"),
        run=_metadata,
        uses=("leftovers",),
    ),
)
