"""Values that quoting, encoding, expansion or cutting could spoil, and where each is to arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from wincnode import playbook
from wincnode.errors import ConfigError
from wincnode.inventory import parse
from wincnode.lab.windows.machine import Machine
from wincnode.rendering import to_yaml

LONG = 32 * 1024
# PowerShell takes each of the typographic ones for one of the first two.
# Source: github.com/PowerShell/PowerShell src/System.Management.Automation/engine/parser/CharTraits.cs
VALUES: Mapping[str, str] = {
    "dash": "-Force",
    "double": 'a"b""c',
    "single": "a'b",
    "typographic": "a\u2018b\u2019c\u201ad\u201be\u201cf\u201dg\u201eh",
    "backtick": "a`b``c",
    "expression": "$(exit)$HOME;@(1)&b",
    "lines": "a\nb\r\nc\rd",
    "separators": "a\u2028b\u2029c\u0085d",
    "long": "0123456789abcdef" * (LONG // 16),
}
ALL = frozenset(VALUES)
# What no name of a file may hold.
NO_FILE = frozenset({"double", "lines", "long"})
PATH = Path("/fleet/playbook.yaml")
INVENTORY = parse(
    "connection: {user: ada, password: {env: P}}\nnodes: {web-1: {}}\n", Path("/fleet/w.yaml")
)
Step: TypeAlias = "dict[str, Any]"


def nothing(_machine: Machine, _value: str, _at: str) -> None:
    """Leave the machine as it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One field of a kind: which values it refuses, and how a value that it takes is found.

    Args:
        field: `kind.field`.
        step: gives the fields of a step that holds the value; `at` keeps objects apart.
        refused: names of the values that the field refuses. most: the longest text that it takes.
        before: makes ready what the step needs. there: gives what arrived.
        outcome: how the step ends the first time.
    """

    field: str
    step: Callable[[str, str], Step]
    refused: frozenset[str] = ALL
    most: int = 0
    before: Callable[[Machine, str, str], None] = nothing
    there: Callable[[Machine, str, str], object] | None = None
    outcome: str = "changed"

    @property
    def kind(self) -> str:
        """Give the name of the kind."""
        return self.field.partition(".")[0]

    def case(self, name: str, at: str) -> Case:
        """Give one of the values in this field."""
        return Case(row=self, name=name, value=VALUES[name], at=at)

    def longest(self, more: int = 0) -> Case:
        """Give the longest text that the field takes, or a longer one."""
        return Case(row=self, name="most", value="x" * (self.most + more), at="long")

    def whole(self, at: str) -> Case:
        """Give all values that the field takes in one, as long as it may be."""
        taken = "".join(text for name, text in VALUES.items() if name not in self.refused)
        return Case(row=self, name="whole", value=taken.ljust(self.most, "x"), at=at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A value in a field."""

    row: Row
    name: str
    value: str
    at: str

    @property
    def step(self) -> str:
        """Give the step as a line of a playbook."""
        fields = to_yaml(self.row.step(self.value, self.at))
        return f"  - {{name: {self.at}, {self.row.kind}: {fields}}}"

    def make_ready(self, machine: Machine) -> None:
        """Bring a machine to where the step can be taken."""
        self.row.before(machine, self.value, self.at)

    def arrived(self, machine: Machine) -> object:
        """Give what a machine has of the value."""
        assert self.row.there
        return self.row.there(machine, self.value, self.at)


def playbook_of(found: Iterable[Case], served: str = "http://127.0.0.1:1") -> str:
    """Give a playbook with the steps of cases, one a line from the fourth on."""
    head = ["name: hostile", f"vars: {{served: '{served}'}}", "steps:"]
    return "\n".join([*head, *(case.step for case in found)]) + "\n"


def refusal(case: Case) -> str:
    """Give what is said of a case before any network; empty where it is taken."""
    try:
        read = playbook.parse(playbook_of([case]), PATH)
        playbook.render([read], INVENTORY.nodes[0], facts={}, inventory=INVENTORY)
    except ConfigError as error:
        return error.message
    return ""
