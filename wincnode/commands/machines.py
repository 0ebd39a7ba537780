"""Which machines stand behind the names of one command: no two names may share one."""

from __future__ import annotations

import threading

from wincnode.errors import ConfigError


class Machines:
    """Remembers which node has which machine; threads of many nodes share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._nodes: dict[tuple[str, str], str] = {}

    def claim(self, node: str, *, machine_id: str, uuid: str) -> None:
        """Take a machine for a node, before anything is changed under that name.

        Clones that were never generalised share Windows' MachineGuid, and firmware may give no UUID
        of its own, so both count; a machine that tells none of them is not judged.
        Source: learn.microsoft.com/windows-hardware/manufacture/desktop/
        sysprep--generalize--a-windows-installation

        Args: machine_id: MachineGuid of Windows. uuid: of the firmware.
        Raises: ConfigError: another node has it.
        """
        if not (machine_id and uuid):
            return
        with self._lock:
            other = self._nodes.setdefault((machine_id.lower(), uuid.lower()), node)
        if other != node:
            raise ConfigError(
                f"{node}: is the same machine as {other} (MachineGuid {machine_id}, UUID {uuid})",
                remedy="Keep one of the two names in the inventory; nothing was changed under this"
                " one.",
                id="config.same-machine",
            )
