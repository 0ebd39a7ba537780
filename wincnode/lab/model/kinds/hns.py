"""The kinds `hns_network` and `hns_facts`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from wincnode.lab.model import hns_networks
from wincnode.lab.model.compare import same
from wincnode.lab.model.compute import REFUSED
from wincnode.lab.model.failures import Failure
from wincnode.lab.model.host import Found, Host, Values
from wincnode.lab.windows.hns import EXTERNAL
from wincnode.lab.windows.hns_rules import NOT_REGISTERED, TOO_LONG, HnsError
from wincnode.lab.windows.hns_words import WORDS
from wincnode.node.kinds.hns_network import KIND

KEEPER = "wincnode"
DEFAULT = {"0.0.0.0/0", "::/0"}
LONGEST_WAIT_S, PAUSE_S = 45, 0.5
TOLD = (
    *("ID", "Name", "Owner", "Type", "Policies", "MacPool", "Dns", "Ipams", "Flags"),
    "SchemaVersion",
)
OF_ENDPOINTS = ("ID", "Name", "Owner", "HostComputeNetwork", "IpConfigurations")
COMPARE = {row.name: row.compare for row in KIND.fields}


def get(host: Host, key: Values, want: Values) -> Found:
    """Give a network as HNS tells it; another's that is not as wanted is left alone."""
    try:
        document = _named(host, key["name"])
    except Failure as failure:
        # Where one is to go, a service that is off proves nothing.
        if want.get("state") == "absent" or failure.id != f"0x{NOT_REGISTERED:08x}":
            raise
        document = None
    if document is None:
        return Found(values={"state": "absent"})
    values = _values(host, document, want)
    if not _own(host, document, key["name"]):
        wrong = ", ".join(
            name
            for name in sorted(want)
            if want[name] is not None and not same(values.get(name), want[name], COMPARE[name])
        )
        if wrong:
            raise Failure(
                f"hns.foreign: the network {key['name']} is not wincnode's and not as wanted"
                f" ({wrong}), so it is left alone.",
                "hns.foreign",
            )
    return Found(values=values)


def set(host: Host, key: Values, want: Values, _found: Found) -> None:
    """Make a network anew, or remove it; put back what was there where that fails."""
    hns = host.machine.hns
    old = _named(host, key["name"])
    if old:
        _call("HcnDeleteNetwork", hns_networks.remove, hns, str(old["ID"]))
    if want["state"] == "absent":
        return
    virtual = f"vEthernet ({want.get('adapter', '')})"
    moves = want["type"] in EXTERNAL and (
        not want.get("adapter") or any(_addresses(host, want["adapter"], virtual))
    )
    try:
        _call("HcnCreateNetwork", hns.create, "network", "", json.loads(want["document"]))
        if moves:
            _wait(host, key["name"], virtual)
    except Failure as failure:
        raise Failure(failure.message + _put_back(host, key["name"], old), failure.id) from failure


def _wait(host: Host, name: str, virtual: str) -> None:
    """Wait until the node has its address again.

    Raises: Failure.
    """
    clock, waited = host.machine.clock, 0.0
    while not _settled(host, name, virtual):
        if waited > LONGEST_WAIT_S:
            text = f"hns.no-address: the node has no address on the network {name}."
            raise Failure(text, "hns.no-address")
        clock.work(PAUSE_S, host.machine.gone)
        waited += PAUSE_S


def _put_back(host: Host, name: str, old: Mapping[str, Any] | None) -> str:
    """Put back what was there; gives what is to be said where that fails, too."""
    hns = host.machine.hns
    try:
        made = _named(host, name)
        if made:
            _call("HcnDeleteNetwork", hns_networks.remove, hns, str(made["ID"]))
        if old:
            _call("HcnCreateNetwork", hns_networks.create, hns, old)
    except Failure as failure:
        lost = "What may have been made could not be removed"
        if old:
            lost = "What was there could not be put back"
        return f" {lost}: {failure.message}"
    return ""


def get_facts(_host: Host, _key: Values, _want: Values) -> Found:
    """Give that nothing is to be changed."""
    return Found()


def run_facts(host: Host, _want: Values, tell: Callable[..., None]) -> None:
    """Tell what HNS has."""
    told: dict[str, Any] = {
        "version": None,
        **{name: [] for name in ("networks", "endpoints", "namespaces")},
        "owned": list(_made(host)),
        "error": "",
    }
    try:
        told["networks"] = [_plain(row, TOLD) for row in _all(host, "network")]
        told["endpoints"] = [_plain(row, OF_ENDPOINTS) for row in _all(host, "endpoint")]
        told["namespaces"] = [_plain(row, ("ID", "Type")) for row in _all(host, "namespace")]
        major, minor = host.machine.hns.version
        told["version"] = {"major": major, "minor": minor}
    except Failure as failure:
        told["error"] = failure.message
    tell("program_finished", program="hns", result=told)


def _call(export: str, work: Callable[..., Any], *words: Any) -> Any:
    """Call HNS; what it refuses fails as networks.ps1 tells it.

    Raises: Failure.
    """
    try:
        return work(*words)
    except HnsError as error:
        late = error.code == TOO_LONG
        text = f"{export} took too long." if late else f"{export} gave 0x{error.code:08x}."
        words_of = WORDS.get(error.code, "")
        raise Failure(f"{text} {words_of}".strip(), f"0x{error.code:08x}") from error


def _all(host: Host, kind: str) -> Iterator[Mapping[str, Any]]:
    if "hcs-refused" in host.machine.compute.faults:
        raise Failure(f"hns.refused: {REFUSED}", "hns.refused")
    hns = host.machine.hns
    export = {"network": "HcnEnumerateNetworks", "endpoint": "HcnEnumerateEndpoints"}
    for id in _call(export.get(kind, "HcnEnumerateNamespaces"), hns.enumerate, kind):
        yield _call(f"HcnQuery{kind.title()}Properties", hns.query, kind, id)


def _named(host: Host, name: str) -> Mapping[str, Any] | None:
    rows = _all(host, "network")
    return next((row for row in list(rows) if row["Name"].lower() == name.lower()), None)


def _settled(host: Host, name: str, virtual: str) -> bool:
    document = _named(host, name) or {}
    return bool(_policy(document, "ProviderAddress", "ProviderAddress")) or any(
        _addresses(host, virtual)
    )


def _addresses(host: Host, *adapters: str) -> Iterator[str]:
    """Give what adapters have, but for what Windows gives itself."""
    names = [name.lower() for name in adapters]
    indexes = {
        row["InterfaceIndex"] for row in host.call("Get-NetAdapter") if row["Name"].lower() in names
    }
    for row in host.call("Get-NetIPAddress", AddressFamily=["IPv4"]):
        if row["InterfaceIndex"] in indexes and not row["IPAddress"].startswith("169.254."):
            yield row["IPAddress"]


def _values(host: Host, document: Mapping[str, Any], want: Values) -> Values:
    subnets = [row for ipam in document.get("Ipams") or () for row in ipam.get("Subnets") or ()]
    routes = [route for row in subnets for route in row.get("Routes") or ()]
    dns = document.get("Dns") or {}
    pool = document.get("MacPool") or {}
    virtual = f"vEthernet ({want.get('adapter', '')})".lower()
    adapter = _policy(document, "NetAdapterName", "NetworkAdapterName") or ""
    if not adapter and any(row["Name"].lower() == virtual for row in host.call("Get-NetAdapter")):
        adapter = want.get("adapter", "")
    return {
        "state": "present",
        "type": document.get("Type") or "NAT",
        "adapter": adapter,
        "prefixes": [row.get("IpAddressPrefix", "") for row in subnets],
        "gateways": [
            row.get("NextHop", "") for row in routes if row.get("DestinationPrefix") in DEFAULT
        ],
        "routes": [
            f"{row.get('DestinationPrefix', '')} {row.get('NextHop', '')}"
            for row in routes
            if row.get("DestinationPrefix") not in DEFAULT
        ],
        "vsids": list(_isolations(subnets, "VSID")),
        "vlans": list(_isolations(subnets, "VLAN")),
        "vxlan_port": _policy(document, "VxlanPort", "Port") or 0,
        "dns_servers": list(dns.get("ServerList") or ()),
        "dns_suffix": dns.get("Domain") or "",
        "dns_search": list(dns.get("Search") or ()),
        "mac_ranges": [
            f"{row['StartMacAddress']} {row['EndMacAddress']}" for row in pool.get("Ranges") or ()
        ],
    }


def _isolations(subnets: list[Mapping[str, Any]], type: str) -> Iterator[str]:
    for row in subnets:
        number = _policy(row, type, "IsolationId")
        if number is not None:
            yield str(number)


def _policy(of: Mapping[str, Any], type: str, name: str) -> Any:
    for row in of.get("Policies") or ():
        if row.get("Type", "").lower() == type.lower():
            return row.get("Settings", {}).get(name)
    return None


def _own(host: Host, document: Mapping[str, Any], name: str) -> bool:
    """Say whether a network is wincnode's: by its owner, or else by the manifest."""
    owner = document.get("Owner") or ""
    if owner:
        return bool(owner.lower() == KEEPER)
    return name.lower() in [made.lower() for made in _made(host)]


def _made(host: Host) -> Iterator[str]:
    """Give the names of networks that were not there before wincnode made them."""
    for row in host.manifest():
        if row["kind"] == KIND.name and row["before"].get("state") == "absent":
            yield row["key"]["name"]


def _plain(document: Mapping[str, Any], names: tuple[str, ...]) -> Values:
    return {name: value for name, value in document.items() if name in names}
