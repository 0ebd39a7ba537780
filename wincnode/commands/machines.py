"""Which machines stand behind the names of one command: no two names may share one."""

from __future__ import annotations

import threading

from wincnode.errors import ConfigError
from wincnode.events import printable
from wincnode.facts import Facts

# What tells machines apart: MachineGuid, and the UUID of the firmware.
Identity = tuple[str, str]


class Machines:
    """Remembers which node has which machine; threads of many nodes share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._nodes: dict[tuple[str, str], str] = {}

    def claim(self, node: str, machine: Identity | None) -> None:
        """Take a machine for a node; one that does not tell which it is, is not judged.

        Raises: ConfigError: another node has it.
        """
        if machine is None:
            return
        with self._lock:
            other = self._nodes.setdefault(machine, node)
        if other != node:
            raise ConfigError(
                f"{node}: is the same machine as {other} {shown(machine)}",
                remedy="Keep one of the two names in the inventory; nothing was changed under this"
                " one.",
                id="config.same-machine",
            )


def identity(machine_id: str, facts: Facts) -> Identity | None:
    """Give what tells a machine apart from others; None where it does not tell all of it.

    Clones that were never generalised share Windows' MachineGuid, and firmware may give no UUID of
    its own, so both count.
    Source: learn.microsoft.com/windows-hardware/manufacture/desktop/
    sysprep--generalize--a-windows-installation

    Args: machine_id: MachineGuid, as the node's first event tells it.
    """
    uuid = facts.sections.get("os", {}).get("uuid")
    if not (machine_id and uuid and isinstance(uuid, str)):
        return None
    return printable(machine_id).lower(), printable(uuid).lower()


def shown(machine: Identity) -> str:
    """Give what tells a machine apart, for a message."""
    return f"(MachineGuid {machine[0]}, UUID {machine[1]})"
