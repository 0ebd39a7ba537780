"""Native libraries that stand for a lab node's HCS and HNS, where somebody has built them.

The `powershell` engine calls them in place of Windows' own; without them it has none, and what
needs them is refused as on a node whose policy lets no library be loaded. The tests build them.
"""

from __future__ import annotations

from pathlib import Path

from wincnode.lab.windows.compute import HcsError
from wincnode.lab.windows.machine import Machine

# A fault of a lab node in words of the control file that tests/compute_double explains.
LINES = {
    "hcs-logon-right": "fault HcsStartComputeSystem 1 fail 0x80070569\n"
    "right SeServiceLogonRight S-1-5-80-0",
    "hcs-filter": "fault PrepareLayer * refuse 0x80070001",
    "hcs-unexpected-exit": "containers exit",
    "hcs-stuck-layer": "fault DeactivateLayer * refuse 0x80070020",
    "hns-refused": "fault HcnCreateNetwork * refuse 0x803b0006",
    "hns-hangs": "fault HcnCreateNetwork * hang 0",
    "hns-restarts": "fault HcnCreateNetwork * restart",
}


class ComputeDouble:
    """The libraries for one machine.

    Args: libraries: a folder with a folder for each build of Windows.
    """

    def __init__(self, libraries: Path, machine: Machine) -> None:
        self._machine = machine
        self._folder = machine.folder / "compute"
        self._folder.mkdir(exist_ok=True)
        builds = sorted(int(path.name) for path in libraries.iterdir() if path.name.isdecimal())
        fitting = [build for build in builds if build <= machine.profile.build]
        self._libraries = libraries / str(max(fitting, default=builds[0]))
        machine.on_down.append(self._down)

    def environment(self) -> dict[str, str]:
        """Give what a process on the machine needs, which has to be there before it starts."""
        machine = self._machine
        if "hcs-refused" in machine.compute.faults:
            return {}
        self._write()
        return {
            "HCS_DOUBLE": str(self._folder),
            "HCS_DOUBLE_C": str(machine.drive),
            "HNS_DOUBLE": str(machine.hns.file),
            **{
                f"WINPS_DLL_{path.stem.upper()}_DLL": str(path)
                for path in self._libraries.glob("*.so")
                if path.stem != "double"
            },
        }

    def _write(self) -> None:
        """Say how the machine is at this moment."""
        compute = self._machine.compute
        lines = [f"build {self._machine.profile.build}"]
        try:
            compute.answer()
        except HcsError:
            lines.append("service off")
        if not compute.hypervisor:
            lines.append("hypervisor off")
        faults = compute.faults | self._machine.hns.faults
        lines += [LINES[name] for name in sorted(faults & LINES.keys())]
        self._machine.hns.publish()
        (self._folder / "control").write_text("\n".join(lines) + "\n", encoding="ascii")

    def _down(self) -> None:
        """Lose what lives in memory: systems, and layers that are attached."""
        (self._folder / "state").unlink(missing_ok=True)
