"""Get and Set of each step kind, as its script does them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from wincnode.lab.model.host import Found, Host, Values
from wincnode.lab.model.kinds import files, firewall, registry, services, waits

Get: TypeAlias = Callable[[Host, Values, Values], Found]
Set: TypeAlias = Callable[[Host, Values, Values, Found], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Functions:
    """What a kind's script defines: Get of (key, want), and Set of (key, want, found).

    A kind without Set only waits.
    """

    get: Get
    set: Set | None = None


KINDS: Mapping[str, Functions] = {
    "directory": Functions(get=files.get_directory, set=files.set_directory),
    "environment": Functions(get=registry.get_environment, set=registry.set_environment),
    "file": Functions(get=files.get_file, set=files.set_file),
    "firewall_rule": Functions(get=firewall.get, set=firewall.set),
    "registry_value": Functions(get=registry.get_value, set=registry.set_value),
    "service": Functions(get=services.get, set=services.set),
    "wait_for": Functions(get=waits.get),
}
