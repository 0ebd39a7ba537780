"""Adapters, addresses, routes, DNS servers and profiles of a simulated machine, as they change.

While HNS has an adapter under an external switch, what Windows does is done: the adapter's
settings go to the switch's virtual adapter, and come back when the switch goes.
Source: the address moves, microsoft/SDN#498; the route of a cloud's metadata is lost,
rancher/rke2:pkg/windows/utils.go, which notes it before and sets it again
"""

from __future__ import annotations

import ipaddress
import math
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from wincnode.lab.windows import firewall, net_rows
from wincnode.lab.windows.clock import Clock
from wincnode.lab.windows.net_rows import DEFAULT_ROUTES, METRIC, MTU, MULTICAST, Row
from wincnode.lab.windows.registry import Registry, Value

INTERFACES = r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces"
# What goes with an adapter's addresses.
MOVING = (
    *("NetIPAddress", "NetRoute", "NetIPInterface", "NetConnectionProfile"),
    "DnsClientServerAddress",
)
WINRM_PORTS = frozenset({5985, 5986})
# What an adapter has that DHCP does not answer (RFC 3927).
UNANSWERED: Mapping[str, Any] = {
    "IPAddress": "169.254.21.50",
    "PrefixLength": 16,
    "PrefixOrigin": "WellKnown",
}
# What can be wrong with the link once an external switch has an adapter, and what that is.
FAULTS: Mapping[str, str] = {
    "address-changed": "the node's address is another one",
    "address-lost": "DHCP gives the new adapter no address",
    "profile-public": "the network becomes a public one, and WinRM's rule does not hold in such",
    "static-lost": "Windows forgets addresses, gateways and DNS servers that were set by hand",
}


class Network:
    """What `Get-Net...` tells, by cmdlet without `Get-`; it reads like a mapping of rows.

    Args: bound: gives the virtual adapter that has taken over, by each physical one.
    `faults` are of FAULTS. `lost_s`: how long the link is lost once an external switch has an
    adapter. `on_move` hears that a link has changed, from any thread.
    """

    def __init__(
        self,
        rows: Mapping[str, Sequence[Mapping[str, Any]]],
        *,
        registry: Registry,
        clock: Clock,
        bound: Callable[[], Mapping[str, str]],
    ) -> None:
        self.faults: set[str] = set()
        self.lost_s = 0.0
        self.on_move: list[Callable[[], None]] = []
        self.registry = registry
        self._clock = clock
        self._bound = bound
        self._there: Mapping[str, str] = {}
        self._moved_at = -math.inf
        self._mutex = threading.RLock()
        self._rows: dict[str, list[Row]] = {
            name: [dict(row) for row in some] for name, some in rows.items()
        }
        self._complete()
        self._home = self.addresses()

    def suffer(self, faults: Collection[str], *, lost_s: float = 0.0) -> None:
        """Let go wrong what is named, once an adapter is put under a switch."""
        self.faults |= set(faults)
        self.lost_s = lost_s
        if "profile-public" in faults:
            # As the rules that Windows brings for WinRM, but for the one of the public profile.
            for name, value in self.registry.values(firewall.RULES).items():
                if "WinRM" in name or "WINRM" in name:
                    text = str(value.data).replace(
                        "|LPort=", "|Profile=Domain|Profile=Private|LPort="
                    )
                    self.registry.set(firewall.RULES, name, Value(kind="String", data=text))

    def get(self, name: str, default: Sequence[Any] = ()) -> list[Row]:
        """Give rows as they are now; changing one changes the machine."""
        self.sync()
        return self._rows.get(name, list(default))

    def __getitem__(self, name: str) -> list[Row]:
        self.sync()
        return self._rows[name]

    def __setitem__(self, name: str, rows: list[Row]) -> None:
        with self._mutex:
            self._rows[name] = rows
            self._complete()
            self._home = self.addresses()

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def addresses(self) -> frozenset[str]:
        """Give the IPv4 addresses by which others reach the machine."""
        rows = self._rows.get("NetIPAddress", [])
        there = {row["InterfaceIndex"] for row in self._rows.get("NetAdapter", [])}
        return frozenset(
            str(row["IPAddress"])
            for row in rows
            if row.get("AddressFamily") == "IPv4" and row["InterfaceIndex"] in there
        )

    def physical(self) -> dict[str, str]:
        """Give the IPv4 address of each physical adapter that is up; the default route's is first.

        One under a switch has the address of its virtual adapter.
        """
        with self._mutex:
            first = [
                row["InterfaceIndex"]
                for row in self._rows.get("NetRoute", [])
                if row["DestinationPrefix"] in DEFAULT_ROUTES
            ]
            rows = [
                (row["Name"], self._index(self._there.get(row["Name"], row["Name"])))
                for row in self._rows.get("NetAdapter", [])
                if net_rows.takes_a_switch(row) and row.get("InterfaceOperationalStatus") == 1
            ]
            rows.sort(key=lambda row: row[1] not in first)
            return {name: next(self._addresses_of(index), "") for name, index in rows}

    def to_come(self) -> dict[str, str]:
        """Give the address that each of those will have under a new switch."""
        with self._mutex:
            gone = {
                str(row["IPAddress"])
                for row in self._rows.get("NetIPAddress", [])
                if "address-lost" in self.faults and row.get("PrefixOrigin") == "Dhcp"
            }
        return {name: "" if row in gone else row for name, row in self.physical().items()}

    def sync(self) -> None:
        """Let what HNS has changed take effect."""
        now = dict(self._bound())
        with self._mutex:
            before, self._there = self._there, now
            for name in before.keys() - now.keys():
                self._leave(name, before[name])
            for name in now.keys() - before.keys():
                self._enter(name, now[name])
        if before != now:
            for hear in self.on_move:
                hear()

    def lets_in(self, client: str, port: int) -> bool:
        """Tell whether a client's packets reach WinRM and its answers come back."""
        self.sync()
        with self._mutex:
            away = self._there and self._clock.seconds() - self._moved_at < self.lost_s
            # Where a client would ask for another address, the node's name leads it there.
            moved = "address-changed" in self.faults and bool(self.addresses())
            if away or not (moved or self._home <= self.addresses()):
                return False
            if "profile-public" not in self.faults or self.category() != "Public":
                return True
            # A lab's WinRM listens on a port of the host instead of its own.
            ports = {port, *WINRM_PORTS}
            rows = self.registry.values(firewall.RULES).values()
            texts = [str(row.data) for row in rows]
            return any(firewall.allows(text, "Public", client, ports) for text in texts)

    @property
    def elsewhere(self) -> bool:
        """Whether the node has another address than it began with."""
        with self._mutex:
            return "address-changed" in self.faults and bool(self._there)

    def category(self) -> str:
        """Give the category of the network that the default route leads to, else of any."""
        rows = self._rows.get("NetConnectionProfile", [])
        ways = [
            row["InterfaceIndex"]
            for row in self._rows.get("NetRoute", [])
            if row["DestinationPrefix"] in DEFAULT_ROUTES
        ]
        rows = [row for row in rows if row["InterfaceIndex"] in ways] or rows
        return str(rows[0]["NetworkCategory"]) if rows else ""

    def forget(self, what: str, keep: Callable[[Row], bool]) -> None:
        """Remove the rows that are not to be kept."""
        self._rows[what] = [row for row in self._rows.get(what, []) if keep(row)]

    def add(self, what: str, row: Row) -> None:
        """Add a row; of an address its routes are added too."""
        self._rows.setdefault(what, []).append(row)
        if what == "NetIPAddress":
            self.route_locally(row["InterfaceIndex"])

    def alias(self, index: int) -> str:
        """Give an adapter's name, "" where it has none."""
        rows = self._rows.get("NetAdapter", [])
        return next((str(row["Name"]) for row in rows if row["InterfaceIndex"] == index), "")

    def route_locally(self, index: int) -> None:
        """Make the routes that Windows makes for an adapter's addresses."""
        mine = [row for row in self._rows["NetIPAddress"] if row["InterfaceIndex"] == index]
        multicast = [
            row
            for row in self._rows.get("NetRoute", [])
            if row["InterfaceIndex"] == index and row["DestinationPrefix"] == MULTICAST
        ]
        self.forget(
            "NetRoute",
            lambda row: row["InterfaceIndex"] != index or row.get("Protocol") != "Local",
        )
        wanted = [
            prefix
            for row in mine
            if row["AddressFamily"] == "IPv4"
            for prefix in net_rows.prefixes_of(row)
        ]
        rows = [net_rows.local_route(index, prefix) for prefix in dict.fromkeys(wanted)] + multicast
        self._rows.setdefault("NetRoute", []).extend(rows)

    def static_dns(self, index: int) -> list[str]:
        """Give the DNS servers that were set by hand for an adapter."""
        text = str(self.registry.data(self._key(index), "NameServer", ""))
        return [part for part in text.split(",") if part]

    def set_dns(self, index: int, servers: Sequence[str]) -> None:
        """Set an adapter's DNS servers by hand; none lets DHCP name them."""
        value = Value(kind="String", data=",".join(servers))
        self.registry.set(self._key(index), "NameServer", value)
        for row in self._rows["DnsClientServerAddress"]:
            if row["InterfaceIndex"] == index and row["AddressFamily"] == 2:
                row["ServerAddresses"] = list(servers) or net_rows.dhcp_dns(self._rows, index)

    def _enter(self, name: str, virtual: str) -> None:
        """Put an adapter under a switch: a virtual one takes its place."""
        rows = self._rows["NetAdapter"]
        physical = next(row for row in rows if row["Name"] == name)
        index = 1 + max(row["InterfaceIndex"] for row in rows)
        rows.append(
            {
                **physical,
                "Name": virtual,
                "InterfaceIndex": index,
                "InterfaceGuid": net_rows.guid(virtual),
                "InterfaceDescription": "Hyper-V Virtual Ethernet Adapter",
                "HardwareInterface": False,
            }
        )
        self._hand_over(physical["InterfaceIndex"], index)
        if "profile-public" in self.faults:
            for row in self._rows.get("NetConnectionProfile", []):
                if row["InterfaceIndex"] == index:
                    row |= {"NetworkCategory": "Public", "Was": row["NetworkCategory"]}
        self._moved_at = self._clock.seconds()

    def _leave(self, name: str, virtual: str) -> None:
        """Take an adapter from under its switch."""
        index = self._index(virtual)
        self._hand_over(index, self._index(name))
        for row in self._rows.get("NetConnectionProfile", []):
            row["NetworkCategory"] = row.pop("Was", row["NetworkCategory"])
        self.forget("NetAdapter", lambda row: row["Name"] != virtual)

    def _hand_over(self, old: int, new: int) -> None:
        """Let an adapter have what another had, as far as Windows takes it along."""
        manual = [
            row
            for row in self._rows["NetIPAddress"]
            if row["InterfaceIndex"] == old and row.get("PrefixOrigin") == "Manual"
        ]
        forgets = "static-lost" in self.faults
        dns = [] if forgets else self.static_dns(old)
        lost = manual if forgets else []
        self.forget("NetIPAddress", lambda row: row not in lost)
        # Of the routes that were set only the way out comes along.
        ways = (*(() if lost else DEFAULT_ROUTES), MULTICAST)
        self.forget(
            "NetRoute",
            lambda row: row["InterfaceIndex"] != old or row["DestinationPrefix"] in ways,
        )
        self.registry.set(self._key(old), "NameServer", Value(kind="String", data=""))
        for what in MOVING:
            for row in self._rows.get(what, []):
                if row["InterfaceIndex"] == old:
                    row.update({"InterfaceIndex": new, "InterfaceAlias": self.alias(new)})
        self._begin_anew(new, dhcp=bool(lost))
        self.set_dns(new, dns)
        if "address-changed" in self.faults:
            self._renumber(new)
        if "address-lost" in self.faults:
            self._lease(new)
        self.route_locally(new)

    def _begin_anew(self, index: int, *, dhcp: bool) -> None:
        """Give an adapter the metric and the MTU of a new one."""
        for row in self._rows.get("NetIPInterface", []):
            if row["InterfaceIndex"] == index:
                row.update({"InterfaceMetric": METRIC, "AutomaticMetric": "Enabled", "NlMtu": MTU})
                if dhcp and row["AddressFamily"] == "IPv4":
                    row["Dhcp"] = "Enabled"

    def _renumber(self, index: int) -> None:
        """Let DHCP give the virtual adapter another address, and the physical one its own."""
        for row in self._rows["NetIPAddress"]:
            if row["InterfaceIndex"] == index and row.get("PrefixOrigin") == "Dhcp":
                there = str(ipaddress.ip_address(row["IPAddress"]) + 50)
                was = row.pop("Was", "")
                row.update(
                    {"IPAddress": was} if was else {"IPAddress": there, "Was": row["IPAddress"]}
                )

    def _lease(self, index: int) -> None:
        """Let DHCP not answer the virtual adapter, and give the physical one its own address."""
        for row in self._rows["NetIPAddress"]:
            if row["InterfaceIndex"] != index or row.get("AddressFamily") != "IPv4":
                continue
            if "Lease" in row:
                row.update(row.pop("Lease"))
            elif row.get("PrefixOrigin") == "Dhcp":
                row.update({"Lease": {name: row[name] for name in UNANSWERED}, **UNANSWERED})

    def _index(self, name: str) -> int:
        rows = self._rows.get("NetAdapter", [])
        return next((int(row["InterfaceIndex"]) for row in rows if row["Name"] == name), 0)

    def _addresses_of(self, index: int) -> Iterator[str]:
        for row in self._rows.get("NetIPAddress", []):
            if row["InterfaceIndex"] == index and row.get("AddressFamily") == "IPv4":
                yield str(row["IPAddress"])

    def _key(self, index: int) -> str:
        return rf"{INTERFACES}\{net_rows.guid(self.alias(index))}"

    def _complete(self) -> None:
        net_rows.complete(self._rows, static_dns=self.static_dns)
