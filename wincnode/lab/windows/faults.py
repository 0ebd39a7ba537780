"""What can be wrong with a simulated machine beyond what a profile says of it, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wincnode.lab.windows.machine import Machine
    from wincnode.lab.windows.services import Service

# Seconds after which a service that dies has done so; between a readiness probe and a long wait.
DIES_AFTER_S = 10.0
# What StartService gives where the account lacks the right to log on as a service:
# learn.microsoft.com/windows/win32/cimwin32prov/startservice-method-in-class-win32-service
LOGON_FAILURE = 15
# And what where the process does not report in time.
NO_ANSWER = 7


def _disk_full(machine: Machine) -> None:
    """Leave 1 MiB free on drive C; what the machine writes beyond that is refused."""
    machine.room_bytes = 1 << 20


def _service_held(machine: Machine) -> None:
    """Let somebody hold a handle on each service that is deleted, until the next boot."""
    machine.services.handles_held = True


def _service_logon(machine: Machine) -> None:
    """Let no service start that the profile did not have."""
    there = {row["Name"] for row in machine.services.rows()}
    machine.services.can_start.append(lambda service: 0 if service.name in there else LOGON_FAILURE)


def _service_silent(machine: Machine) -> None:
    """Let each service that the profile did not have end before it reports that it runs."""
    there = {row["Name"] for row in machine.services.rows()}
    machine.services.can_start.append(lambda service: 0 if service.name in there else NO_ANSWER)


def _service_dies(machine: Machine) -> None:
    """Let each service that the profile did not have end some seconds after its start."""
    there = {row["Name"] for row in machine.services.rows()}

    def lives(service: Service) -> float | None:
        return None if service.name in there else DIES_AFTER_S

    machine.services.lives = lives


def _not_back(machine: Machine) -> None:
    """Do not come back from a reboot."""
    machine.stays_down = True


def _boots_twice(machine: Machine) -> None:
    """Boot once more right after the first boot, as updates do."""
    machine.boots = 2


FAULTS: Mapping[str, Callable[[Machine], None]] = {
    "boots-twice": _boots_twice,
    "disk-full": _disk_full,
    "not-back": _not_back,
    "service-dies": _service_dies,
    "service-held": _service_held,
    "service-logon": _service_logon,
    "service-silent": _service_silent,
}
