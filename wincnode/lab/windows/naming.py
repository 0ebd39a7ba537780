"""The name of a simulated machine: what it has now, and what it gets with the next boot.

Source of the values: github.com/reactos/reactos
modules/rostests/apitests/kernel32/SetComputerNameExW.c
"""

from __future__ import annotations

from wincnode.lab.windows.registry import Registry, Value

NAMES = r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName"
TCPIP = r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters"
ACCESS_DENIED = 5  # ERROR_ACCESS_DENIED, [MS-ERREF] 2.2
NETBIOS_CHARACTERS = 15  # learn.microsoft.com/windows/win32/sysinfo/computer-names


def rename(registry: Registry, name: str, *, domain_member: bool) -> int:
    """Give the machine another name, as Win32_ComputerSystem.Rename; gives its return value."""
    if domain_member:
        return ACCESS_DENIED
    short = name[:NETBIOS_CHARACTERS].upper()
    registry.write(
        {
            NAMES + r"\ComputerName": {"ComputerName": Value(kind="String", data=short)},
            TCPIP: {"NV Hostname": Value(kind="String", data=name)},
        }
    )
    return 0


def boot(registry: Registry, *, before: str) -> str:
    """Let the name that was set hold; gives it.

    Args: before: the name where none is set.
    """
    name = str(registry.data(NAMES + r"\ComputerName", "ComputerName", before))
    host = registry.data(TCPIP, "NV Hostname", registry.data(TCPIP, "Hostname", name.lower()))
    registry.write(
        {
            NAMES + r"\ActiveComputerName": {"ComputerName": Value(kind="String", data=name)},
            TCPIP: {"Hostname": Value(kind="String", data=host)},
        }
    )
    return name
