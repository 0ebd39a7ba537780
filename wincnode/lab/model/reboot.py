"""Starts the machine anew, as reboot.ps1 does it."""

from __future__ import annotations

from wincnode.lab.model.failures import Failure
from wincnode.lab.model.host import Host
from wincnode.lab.model.runner import TASKS, unregister
from wincnode.lab.windows import programs
from wincnode.lab.windows.machine import SYSTEM32

SHUTDOWN = SYSTEM32 + r"\shutdown.exe"
WORDS = ("/r", "/f", "/t", "5", "/d", "p:2:4", "/c", "wincnode")


def reboot(host: Host, run: str) -> str:
    """Reboot within seconds; gives what the launcher says of it.

    Raises: Failure: the program ended with another code.
    """
    code = programs.run(host.machine, SHUTDOWN, WORDS).code
    if code == programs.ACCESS_DENIED:
        _by_task(host, f"wincnode-{run}")
        unregister(host, run)
        return "The node reboots, by a task of SYSTEM."
    if code:
        raise Failure(f"shutdown.exe ended with {code}.")
    return "The node reboots."


def _by_task(host: Host, name: str) -> None:
    action = {"Execute": SHUTDOWN, "Argument": " ".join(WORDS)}
    host.call("Register-ScheduledTask", TaskPath=TASKS, TaskName=name, Action=action)
    host.call("Start-ScheduledTask", TaskPath=TASKS, TaskName=name)
