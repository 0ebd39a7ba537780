"""Ranges of ports of a simulated Windows, as netsh.exe shows and changes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# support.microsoft.com/kb/929851
DYNAMIC = (49152, 16384)
EXCLUDED_HEAD = (
    "\nProtocol {} Port Exclusion Ranges\n\nStart Port    End Port\n----------    --------\n"
)
EXCLUDED_FOOT = "\n* - Administered port exclusions.\n\n"
DYNAMIC_TEXT = (
    "\nProtocol {} Dynamic Port Range\n---------------------------------\n"
    "Start Port      : {}\nNumber of Ports : {}\n\n"
)
FAMILIES = {"ipv4", "ipv6"}
PROTOCOLS = {"tcp", "udp"}
WRONG = "The parameter is incorrect.\n\n"


@dataclass(kw_only=True)
class Ports:
    """What ports a machine gives at random, by version of IP and protocol, and what it keeps.

    `excluded` ranges were made by administrators, `reserved` ones by Windows itself.
    """

    dynamic: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    excluded: dict[tuple[str, str], set[tuple[int, int]]] = field(default_factory=dict)
    reserved: dict[tuple[str, str], set[tuple[int, int]]] = field(default_factory=dict)

    def rows(self, family: str, protocol: str) -> list[tuple[int, int, bool]]:
        """List ranges that are kept: first, last, and whether an administrator made it."""
        marked = [(row, True) for row in self.excluded.get((family, protocol), ())]
        marked += [(row, False) for row in self.reserved.get((family, protocol), ())]
        return [(start, start + count - 1, mine) for (start, count), mine in sorted(marked)]

    def netsh(self, words: Sequence[str]) -> tuple[int, str]:
        """Carry out a command for dynamic or excluded ports; gives exit code and output.

        Form of commands and output: github.com/docker/for-win/issues/3171 and
        github.com/Azure/AgentBaker staging/cse/windows/configfunc.ps1.
        """
        if len(words) < 5 or words[1] not in FAMILIES or words[4] not in PROTOCOLS:
            return 1, "The following command was not found.\n"
        match words:
            case ["interface", family, "show", "dynamicportrange", protocol]:
                start, count = self.dynamic.get((family, protocol), DYNAMIC)
                return 0, DYNAMIC_TEXT.format(protocol, start, count)
            case ["interface", family, "set", "dynamicportrange", protocol, start, count]:
                return self._set(family, protocol, int(start), int(count))
            case ["interface", family, "show", "excludedportrange", protocol]:
                rows = [
                    f"{first:10}  {last:10}{'     *' if mine else ''}\n"
                    for first, last, mine in self.rows(family, protocol)
                ]
                return 0, EXCLUDED_HEAD.format(protocol) + "".join(rows) + EXCLUDED_FOOT
            case ["interface", family, verb, "excludedportrange", protocol, start, count, _]:
                return self.exclude(verb, family, protocol, (int(start), int(count)))
        return 1, "The following command was not found.\n"

    def _set(self, family: str, protocol: str, start: int, count: int) -> tuple[int, str]:
        if start + count > 65536:
            return 1, WRONG
        self.dynamic[family, protocol] = (start, count)
        return 0, "Ok.\n\n"

    def exclude(
        self, verb: str, family: str, protocol: str, ports: tuple[int, int]
    ) -> tuple[int, str]:
        """Carry out `add` or `delete` for ports: the first one, and how many."""
        kept = self.excluded.setdefault((family, protocol), set())
        start, count = ports
        taken = any(start < other + size and other < start + count for other, size in kept)
        if verb == "delete" and ports in kept:
            kept.remove(ports)
        elif verb == "add" and not taken:
            kept.add(ports)
        else:
            return 1, WRONG
        return 0, "Ok.\n\n"


def ports_of(profile: Mapping[str, Mapping[str, Any]]) -> Ports:
    """Give the ports of a profile, for IPv4."""

    def ranges(name: str) -> dict[tuple[str, str], set[tuple[int, int]]]:
        rows = profile.get(name, {}).items()
        return {("ipv4", protocol): {(row[0], row[1]) for row in kept} for protocol, kept in rows}

    dynamic = profile.get("dynamic", {}).items()
    return Ports(
        dynamic={("ipv4", protocol): (row[0], row[1]) for protocol, row in dynamic},
        excluded=ranges("excluded"),
        reserved=ranges("reserved"),
    )
