"""The sections of facts, as the node's facts scripts return them over a machine's model."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC
from functools import partial
from typing import Any, TypeAlias

from wincnode import assets
from wincnode.facts import FURTHER
from wincnode.facts import SECTIONS as FIRST
from wincnode.lab.model.diagnosis import diagnosis
from wincnode.lab.model.failures import ERRORS, Failure
from wincnode.lab.model.fields import (
    ADAPTER,
    ADDRESS,
    COMPUTER,
    PORT,
    PROCESSOR,
    PROFILE,
    ROUTE,
    SERVICE,
    VOLUME,
    renamed,
)
from wincnode.lab.model.host import MANIFEST, Host, now
from wincnode.lab.model.machine_facts import (
    platform,
    protection,
    settings,
    updates,
)
from wincnode.lab.model.network_facts import firewall, hns, links, names, ports
from wincnode.lab.model.ownership import ownership
from wincnode.lab.model.reach import connectivity
from wincnode.lab.model.software_facts import proxy, runtime
from wincnode.lab.windows.cmdlets import CmdletError, Rows
from wincnode.lab.windows.firewall import RULES
from wincnode.lab.windows.machine import CONTROL, CURRENT_VERSION, HARDWARE, SYSTEM32, Machine

Section: TypeAlias = dict[str, Any]
SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
WINDOWS = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion"
POLICIES = r"HKLM\SOFTWARE\Policies\Microsoft"
COMPONENTS = r"HKLM\SOFTWARE\Microsoft\ServerManager\ServicingStorage\ServerComponentCache"
TLS_CLIENT = CONTROL + r"\SecurityProviders\SCHANNEL\Protocols\TLS 1.2\Client"
# Kinds of what wincnode has made that facts tell, each with the key's field.
MADE = {"download": "path", "service": "name"}
DYNAMIC_PORTS = 49152
HTTP_SYS = 4  # the process System, in which http.sys works
METADATA = "169.254.169.254/32"


def facts_of(machine: Machine) -> dict[str, Section]:
    """Give the sections of a machine's facts that a preflight reads."""
    host = Host(machine)
    return {name: SECTIONS[name](host) for name in (*FIRST, *FURTHER)}


def os(host: Host) -> Section:
    """Read the installed Windows."""
    version = host.machine.registry.values(CURRENT_VERSION)
    data: dict[str, Any] = {name: value.data for name, value in version.items()}
    (system,) = host.call("Get-CimInstance", ClassName="Win32_OperatingSystem")
    read, process = host.machine.registry.data, host.machine.profile.process
    ubr = int(data.get("UBR", 0))
    return {
        "build": int(data.get("CurrentBuildNumber", 0)),
        "ubr": ubr,
        "edition": str(data.get("EditionID", "")),
        "install_type": str(data.get("InstallationType", "")),
        "product_type": system["ProductType"],
        "sku": system["OperatingSystemSKU"],
        "last_boot": system["LastBootUpTime"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "system_drive": process.get("system_drive", "C:"),
        "computer_name": _name(host, "ActiveComputerName"),
        "host_name": read(SERVICES + r"\Tcpip\Parameters", "Hostname", ""),
        "uuid": str(read(HARDWARE, "LastConfig", "")).strip("{}").upper(),
        "reboot_reasons": _reboot_reasons(host),
        "powershell": process.get("powershell", f"5.1.{host.machine.profile.build}.{ubr}"),
        "process_64bit": process.get("process_64bit", True),
    }


def _name(host: Host, key: str) -> str:
    return str(host.machine.registry.data(rf"{CONTROL}\ComputerName\{key}", "ComputerName", ""))


def _reboot_reasons(host: Host) -> list[str]:
    registry = host.machine.registry
    renamed = _name(host, "ActiveComputerName").lower() != _name(host, "ComputerName").lower()
    files = registry.data(CONTROL + r"\Session Manager", "PendingFileRenameOperations", [])
    reasons = {
        "component_servicing": registry.has(WINDOWS + r"\Component Based Servicing\RebootPending"),
        "windows_update": registry.has(WINDOWS + r"\WindowsUpdate\Auto Update\RebootRequired"),
        "server_components": registry.data(COMPONENTS, "RestartRequired"),
        "computer_rename": renamed,
        "file_rename": any(files),
    }
    return [name for name, is_so in reasons.items() if is_so]


def hardware(host: Host) -> Section:
    """Read processors, memory, the maker, and what they offer to a hypervisor."""
    (computer,) = host.call("Get-CimInstance", ClassName="Win32_ComputerSystem")
    processors = host.call("Get-CimInstance", ClassName="Win32_Processor")
    if not processors:
        raise Failure("Win32_Processor has no instance")
    more = {"sockets": len(processors)}
    return renamed(computer, COMPUTER) | renamed(processors[0], PROCESSOR) | more


def features(host: Host) -> Section:
    """Read whether the features for containers are installed, and whether they could be."""
    if host.machine.is_client:
        names = ["Containers", "Microsoft-Hyper-V", "Microsoft-Hyper-V-Management-PowerShell"]
        found = [
            row
            for name in names
            for row in host.call("Get-WindowsOptionalFeature", Online=True, FeatureName=name)
        ]
        states = {row["FeatureName"]: row["State"] for row in found}
        return {"manager": "client", "states": states}
    names = ["Containers", "Hyper-V", "Hyper-V-PowerShell"]
    rows = host.call("Get-WindowsFeature", Name=names)
    return {"manager": "server", "states": {row["Name"]: row["InstallState"] for row in rows}}


def services(host: Host) -> Section:
    """Read the services that containers need, and those of other container software."""
    rows = host.call("Get-CimInstance", ClassName="Win32_Service")
    wanted = {name.lower() for name in _listed("services", "wanted")}
    flags = host.machine.registry.values(SERVICES + r"\hns\State")
    return {
        "services": {
            row["Name"].lower(): renamed(row, SERVICE)
            for row in rows
            if row["Name"].lower() in wanted
        },
        "hns_state": {name: _text(value.data) for name, value in flags.items()},
        "vmcompute_dll": host.disk.is_file(SYSTEM32 + r"\vmcompute.dll"),
    }


def network(host: Host) -> Section:
    """Read adapters with their IPv4 addresses, routes, listening ports and the IPv6 switch."""
    addresses = host.call("Get-NetIPAddress", AddressFamily=["IPv4"])
    adapters = host.call("Get-NetAdapter")
    routes = host.call("Get-NetRoute", AddressFamily=["IPv4"])
    both = _connections(host)
    tcp = [row for row in both if row["State"] == "Listen"]
    here = {
        (row["LocalAddress"], row["LocalPort"])
        for row in both
        if row["State"] == "Established" and row["OwningProcess"] == HTTP_SYS
    }
    udp = host.call("Get-NetUDPEndpoint")
    profiles = host.call("Get-NetConnectionProfile")
    owners = {row["Id"]: row["ProcessName"] for row in host.machine.network.get("Process", [])}
    parameters = SERVICES + r"\Tcpip6\Parameters"
    ipv6 = host.machine.registry.data(parameters, "DisabledComponents", 0)
    return {
        "adapters": [_adapter(row, addresses) for row in adapters],
        "routes": [
            renamed(row, ROUTE)
            for row in routes
            if row["DestinationPrefix"] == METADATA
            or not re.search("/32$|^224.0.0.0/4$|^127.0.0.0/8$", row["DestinationPrefix"])
        ],
        "listening": [_port("tcp", row, owners) for row in tcp]
        + [_port("udp", row, owners) for row in udp if row["LocalPort"] < DYNAMIC_PORTS],
        "sessions": [{"address": one[0], "port": one[1]} for one in sorted(here)],
        "profiles": [renamed(row, PROFILE) for row in profiles],
        "ipv6_disabled_components": ipv6 & 0xFFFFFFFF,
    }


def _connections(host: Host) -> Rows:
    try:
        return host.call("Get-NetTCPConnection", State=["Listen", "Established"])
    except CmdletError as error:
        if not error.rows:
            raise Failure("Get-NetTCPConnection gave nothing") from error
        return error.rows


def _adapter(row: Mapping[str, Any], addresses: list[dict[str, Any]]) -> Section:
    mine = [one for one in addresses if one["InterfaceIndex"] == row["InterfaceIndex"]]
    up = row["InterfaceOperationalStatus"] == 1
    return renamed(row, ADAPTER) | {"up": up, "addresses": [renamed(a, ADDRESS) for a in mine]}


def _port(protocol: str, row: Mapping[str, Any], owners: Mapping[int, str]) -> Section:
    owner = owners.get(row["OwningProcess"], "")
    return renamed(row, PORT) | {"protocol": protocol, "process": owner}


def disks(host: Host) -> Section:
    """Read the volumes that have a drive letter."""
    fixed = "DriveType = 2 OR DriveType = 3"
    rows = host.call("Get-CimInstance", ClassName="Win32_LogicalDisk", Filter=fixed)
    return {"volumes": [renamed(row, VOLUME) for row in rows]}


# Types of protectors that the script asks for.
PROTECTORS = (1, 2, 4, 5, 6, 8, 9)


def startup(host: Host) -> Section:
    """Read what unlocks the system drive where BitLocker protects it."""
    try:
        drive = "DriveLetter='C:'"
        rows = host.call("Get-CimInstance", ClassName="Win32_EncryptableVolume", Filter=drive)
    except ERRORS:
        return {"bitlocker": None}
    for row in rows:
        types = [number for number in PROTECTORS if number in row["Protectors"]]
        return {"bitlocker": {"protection": row["ProtectionStatus"], "protectors": types}}
    return {"bitlocker": None}


def time(host: Host) -> Section:
    """Read the clock and where it gets its time from."""
    read = host.machine.registry.data
    service = SERVICES + r"\W32Time"

    def chosen(name: str) -> Any:
        local = read(service + r"\Parameters", name, "")
        return read(POLICIES + r"\W32Time\Parameters", name, local)

    return {
        "utc": now(host.machine.clock_off_s),
        "zone": "UTC",
        "source": chosen("Type"),
        "servers": chosen("NtpServer"),
        "host_provider": read(service + r"\TimeProviders\VMICTimeProvider", "Enabled") == 1,
    }


def policy(host: Host) -> Section:
    """Read what policy forbids."""
    read = host.machine.registry.data
    return {
        "elevated": host.machine.profile.process.get("elevated", True),
        "language_mode": host.machine.profile.process.get("language_mode", "FullLanguage"),
        "execution_policy": read(POLICIES + r"\Windows\PowerShell", "ExecutionPolicy", ""),
        "scripts_enabled": read(POLICIES + r"\Windows\PowerShell", "EnableScripts"),
        "firewall": {name: _profile(host, *keys) for name, keys in PROFILES.items()},
        "tls12_client": {
            "enabled": read(TLS_CLIENT, "Enabled"),
            "disabled_by_default": read(TLS_CLIENT, "DisabledByDefault"),
        },
        "code_integrity": _code_integrity(host),
        "fips": read(CONTROL + r"\Lsa\FipsAlgorithmPolicy", "Enabled"),
        "fdv_deny_write": read(
            r"HKLM\SYSTEM\CurrentControlSet\Policies\Microsoft\FVE", "FDVDenyWriteAccess"
        ),
    }


def _profile(host: Host, group: str, local: str) -> Section:
    """Read a firewall profile: the group policy's value wins over the local one."""
    read = host.machine.registry.data
    here = RULES.rpartition("\\")[0] + "\\" + local
    there = rf"{POLICIES}\WindowsFirewall\{group}"
    return {field: read(there, name, read(here, name)) for field, name in SETTINGS.items()}


def _code_integrity(host: Host) -> Section:
    try:
        (guard,) = host.call("Get-CimInstance", ClassName="Win32_DeviceGuard")
    except ERRORS as error:
        return {"kernel": None, "user": None, "services": [], "error": error.message}
    return {
        "kernel": guard["CodeIntegrityPolicyEnforcementStatus"],
        "user": guard["UsermodeCodeIntegrityPolicyEnforcementStatus"],
        "services": list(guard["SecurityServicesRunning"]),
        "error": "",
    }


def leftovers(host: Host) -> Section:
    """Read which traces of container and Kubernetes software lie on the disk."""
    disk, listed = host.disk, partial(_listed, "leftovers")
    cni = r"C:\etc\cni\net.d"
    return {
        "folders": [path for path in listed("folders") if disk.is_folder(path)],
        "programs": [path for path in listed("programs") if disk.is_file(path)],
        "kubeconfigs": [
            {"path": path, "server": _server(disk.read_text(path))}
            for path in listed("kubeconfigs")
            if disk.is_file(path)
        ],
        "cni_configs": [name for name in disk.names(cni) if disk.is_file(f"{cni}\\{name}")],
        "owned": disk.is_file(MANIFEST),
        "made": [row["key"][MADE[row["kind"]]] for row in host.manifest() if row["kind"] in MADE],
    }


def _server(kubeconfig: str) -> str:
    found = re.search(r"(?im)^\s*(?:- )?server:\s*[\"']?([^\"'\s]+)", kubeconfig)
    return found[1] if found else ""


def _text(data: object) -> str:
    return " ".join(map(str, data)) if isinstance(data, list) else str(data)


def _listed(section: str, name: str) -> list[str]:
    """Give a list as the section's script writes it, so that it is written once."""
    script = assets.node_script(f"facts/{section}")
    (listed,) = re.findall(rf"(?s)\${name} = @\((.*?)\)", script)
    return re.findall("'([^']+)'", listed)


PROFILES = {
    "domain": ("DomainProfile", "DomainProfile"),
    "private": ("PrivateProfile", "StandardProfile"),
    "public": ("PublicProfile", "PublicProfile"),
}
SETTINGS = {
    "enabled": "EnableFirewall",
    "block_all_inbound": "DoNotAllowExceptions",
    "local_rules": "AllowLocalPolicyMerge",
    "outbound_blocked": "DefaultOutboundAction",
}
SECTIONS: Mapping[str, Callable[[Host], Section]] = {
    "os": os,
    "hardware": hardware,
    "features": features,
    "services": services,
    "network": network,
    "disks": disks,
    "time": time,
    "policy": policy,
    "leftovers": leftovers,
    "updates": updates,
    "settings": settings,
    "platform": platform,
    "protection": protection,
    "links": links,
    "hns": hns,
    "ports": ports,
    "firewall": firewall,
    "names": names,
    "runtime": runtime,
    "proxy": proxy,
    "startup": startup,
    "connectivity": lambda host: connectivity(host, ()),
    "diagnosis": diagnosis,
    "ownership": ownership,
}
