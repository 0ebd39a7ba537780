"""Cmdlets that read and change adapters, addresses, routes, DNS servers and profiles."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from wincnode.lab.windows.net_rows import METRIC, Row
from wincnode.lab.windows.network import Network

Bound: TypeAlias = Mapping[str, Any]
# Each with the parameters that choose among its rows.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "NetAdapter": ("Name", "InterfaceIndex"),
    "NetIPAddress": ("AddressFamily", "InterfaceIndex", "IPAddress"),
    "NetRoute": ("AddressFamily", "InterfaceIndex", "DestinationPrefix", "NextHop"),
    "NetIPInterface": ("AddressFamily", "InterfaceIndex"),
    "NetConnectionProfile": ("InterfaceIndex",),
    "NetTCPConnection": ("State", "LocalPort"),
    "NetUDPEndpoint": (),
    "DnsClientServerAddress": ("AddressFamily", "InterfaceIndex"),
}
# learn.microsoft.com/windows/win32/fwp/wmi/dnsclientcimprov/msft-dnsclientserveraddress
FAMILIES = {"IPv4": "2", "IPv6": "23"}


class NetworkError(Exception):
    """What a cmdlet reports: its message, FullyQualifiedErrorId and category.

    Args: rows: what it gives all the same.
    """

    def __init__(self, message: str, id: str, category: str, rows: Sequence[Row] = ()) -> None:
        super().__init__(message)
        self.rows = list(rows)
        self.message = message
        self.id = id
        self.category = category


def answer(cmdlet: str, network: Network, bound: Bound) -> list[Row]:
    """Carry a cmdlet out.

    Raises: NetworkError.
    """
    network.sync()
    verb, _, what = cmdlet.partition("-")
    if verb == "Get":
        rows = [dict(row) for row in _chosen(network, what, bound)]
        if what == "NetRoute" and bound.get("PolicyStore") == "PersistentStore":
            rows = [row for row in rows if _persists(network, row)]
        if what == "NetTCPConnection":
            _all_found(rows, bound)
        return rows
    return CHANGES[cmdlet](network, bound)


def _chosen(network: Network, what: str, bound: Bound) -> list[Row]:
    choice = {name: _texts(bound[name]) for name in CHOICES[what] if bound.get(name) is not None}
    if what == "DnsClientServerAddress" and "AddressFamily" in choice:
        choice["AddressFamily"] = [FAMILIES.get(row, row) for row in choice["AddressFamily"]]
    return [
        row
        for row in network.get(what)
        if all(str(row.get(name)) in wanted for name, wanted in choice.items())
    ]


def _all_found(rows: list[Row], bound: Bound) -> None:
    """Complain of each state that was asked for alone, and that no connection is in.

    Source: github.com/PowerShell/PowerShell src/Microsoft.PowerShell.Commands.Management/
    cimSupport/cmdletization/cim/clientSideQuery.cs (GetNotFoundErrors_IfThisIsTheOnlyFilter)
    """
    asked = [] if bound.get("LocalPort") else _texts(bound.get("State"))
    for state in asked:
        if not any(row["State"] == state for row in rows):
            raise NetworkError(
                f"No MSFT_NetTCPConnection objects found with property 'State' equal to '{state}'."
                "  Verify the value of the property and retry.",
                "CmdletizationQuery_NotFound_State,Get-NetTCPConnection",
                "ObjectNotFound",
                rows,
            )


def _persists(network: Network, row: Row) -> bool:
    """Tell whether a route is one that was set to stay: no lease brings it."""
    leased = any(
        link["Dhcp"] == "Enabled" and link["InterfaceIndex"] == row["InterfaceIndex"]
        for link in network.get("NetIPInterface")
    )
    way_out = row["DestinationPrefix"] in {"0.0.0.0/0", "::/0"}
    default = row.get("Protocol") == "NetMgmt" and not (leased and way_out)
    return bool(row.get("Persistent", default))


def _new_address(network: Network, bound: Bound) -> list[Row]:
    index = _index(network, bound, "New-NetIPAddress")
    if _chosen(network, "NetIPAddress", {"IPAddress": bound["IPAddress"]}):
        raise _exists("MSFT_NetIPAddress", "New-NetIPAddress")
    version = ipaddress.ip_address(str(bound["IPAddress"])).version
    row: Row = {
        "AddressFamily": f"IPv{version}",
        "InterfaceIndex": index,
        "InterfaceAlias": network.alias(index),
        "IPAddress": str(bound["IPAddress"]),
        "PrefixLength": int(bound["PrefixLength"]),
        "PrefixOrigin": "Manual",
    }
    # An address that is set by hand ends DHCP: the page of New-NetIPAddress.
    for link in _chosen(network, "NetIPInterface", {"InterfaceIndex": index}):
        if link["AddressFamily"] == row["AddressFamily"]:
            link["Dhcp"] = "Disabled"
    network.add("NetIPAddress", row)
    return [row]


def _remove_address(network: Network, bound: Bound) -> list[Row]:
    gone = _chosen(network, "NetIPAddress", bound)
    if not gone:
        raise _missing("MSFT_NetIPAddress", "Remove-NetIPAddress")
    network.forget("NetIPAddress", lambda row: row not in gone)
    for row in gone:
        network.route_locally(row["InterfaceIndex"])
    return []


def _new_route(network: Network, bound: Bound) -> list[Row]:
    index = _index(network, bound, "New-NetRoute")
    key = {"DestinationPrefix": bound["DestinationPrefix"], "InterfaceIndex": index}
    hop = str(bound.get("NextHop", "0.0.0.0"))
    if _chosen(network, "NetRoute", {**key, "NextHop": hop}):
        raise _exists("MSFT_NetRoute", "New-NetRoute")
    row: Row = {
        **key,
        "AddressFamily": "IPv6" if ":" in str(bound["DestinationPrefix"]) else "IPv4",
        "InterfaceAlias": network.alias(index),
        "NextHop": hop,
        "RouteMetric": int(bound.get("RouteMetric", 256)),
        "Protocol": "NetMgmt",
        "Persistent": bound.get("PolicyStore") != "ActiveStore",
    }
    network.add("NetRoute", row)
    return [row]


def _remove_route(network: Network, bound: Bound) -> list[Row]:
    gone = _chosen(network, "NetRoute", bound)
    if not gone:
        raise _missing("MSFT_NetRoute", "Remove-NetRoute")
    network.forget("NetRoute", lambda row: row not in gone)
    return []


def _set_dns(network: Network, bound: Bound) -> list[Row]:
    index = _index(network, bound, "Set-DnsClientServerAddress")
    reset = bool(bound.get("ResetServerAddresses"))
    network.set_dns(index, [] if reset else _texts(bound.get("ServerAddresses")))
    return []


def _set_interface(network: Network, bound: Bound) -> list[Row]:
    rows = _chosen(network, "NetIPInterface", bound)
    if not rows:
        raise _missing("MSFT_NetIPInterface", "Set-NetIPInterface")
    for row in rows:
        for name, field in (
            *(("Dhcp", "Dhcp"), ("AutomaticMetric", "AutomaticMetric")),
            *(("InterfaceMetric", "InterfaceMetric"), ("NlMtuBytes", "NlMtu")),
        ):
            if name in bound:
                row[field] = bound[name]
        if "InterfaceMetric" in bound:
            row["AutomaticMetric"] = "Disabled"
        elif bound.get("AutomaticMetric") == "Enabled":
            row["InterfaceMetric"] = METRIC
    return []


def _set_profile(network: Network, bound: Bound) -> list[Row]:
    rows = _chosen(network, "NetConnectionProfile", bound)
    if not rows:
        raise _missing("MSFT_NetConnectionProfile", "Set-NetConnectionProfile")
    wanted = str(bound["NetworkCategory"])
    if any("Was" in row for row in rows) or wanted == "DomainAuthenticated":
        raise NetworkError(
            "Unable to set NetworkCategory due to one of the following possible reasons: not "
            "running PowerShell elevated; the NetworkCategory cannot be changed from "
            "'DomainAuthenticated'; user initiated changes to NetworkCategory are being prevented "
            "due to the Group Policy setting 'Network List Manager Policies'.",
            "MI RESULT 2,Set-NetConnectionProfile",
            "PermissionDenied",
        )
    for row in rows:
        row["NetworkCategory"] = wanted
    return []


def _index(network: Network, bound: Bound, cmdlet: str) -> int:
    index = bound["InterfaceIndex"]
    index = int(index[0] if isinstance(index, list) else index)
    if not network.alias(index):
        raise _missing("MSFT_NetIPInterface", cmdlet)
    return index


def _exists(what: str, cmdlet: str) -> NetworkError:
    # ERROR_OBJECT_ALREADY_EXISTS, [MS-ERREF] 2.2
    return NetworkError(
        f"Instance {what} already exists", f"Windows System Error 5010,{cmdlet}", "InvalidArgument"
    )


def _missing(what: str, cmdlet: str) -> NetworkError:
    return NetworkError(
        f"No {what} objects found", f"CmdletizationQuery_NotFound,{cmdlet}", "ObjectNotFound"
    )


def _texts(value: object) -> list[str]:
    rows = value if isinstance(value, list) else [] if value is None else [value]
    return [str(row) for row in rows]


CHANGES: Mapping[str, Callable[[Network, Bound], list[Row]]] = {
    "New-NetIPAddress": _new_address,
    "Remove-NetIPAddress": _remove_address,
    "New-NetRoute": _new_route,
    "Remove-NetRoute": _remove_route,
    "Set-DnsClientServerAddress": _set_dns,
    "Set-NetIPInterface": _set_interface,
    "Set-NetConnectionProfile": _set_profile,
}
CMDLETS = (*(f"Get-{what}" for what in CHOICES), *CHANGES)
