"""One simulated Windows machine: what its disk, registry, services and networks hold."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path, PureWindowsPath
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from wincnode.lab.windows import naming, pagefile, programs, triggers
from wincnode.lab.windows.clock import Clock
from wincnode.lab.windows.compute import Compute
from wincnode.lab.windows.features import Features
from wincnode.lab.windows.hns import Hns
from wincnode.lab.windows.network import Network
from wincnode.lab.windows.ports import ports_of
from wincnode.lab.windows.profiles import Profile
from wincnode.lab.windows.registry import Data, Kind, Registry, Value
from wincnode.lab.windows.services import Services
from wincnode.lab.windows.triggers import Trigger

CURRENT_VERSION = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
CONTROL = r"HKLM\SYSTEM\CurrentControlSet\Control"
# github.com/kubernetes/kubernetes pkg/kubelet/winstats/perfcounter_nodestats_windows.go
PREFETCH = CONTROL + r"\Session Manager\Memory Management\PrefetchParameters"
HARDWARE = r"HKLM\SYSTEM\HardwareConfig"
SYSTEM32 = r"C:\Windows\System32"


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A registered scheduled task: what it starts, in which folder, and its XML if it came so."""

    path: str
    name: str
    execute: str
    argument: str
    folder: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    definition: str = ""
    triggers: tuple[Trigger, ...] = ()


class Machine:
    """A machine in a folder of its own: `c` is its drive C, `registry.json` its registry.

    Args: folder: an empty folder.
    Whatever runs the machine sets `start_task`, and hears by `on_down` and `on_up` of a reboot.
    """

    def __init__(
        self, profile: Profile, folder: Path, *, computer: str, clock: Clock | None = None
    ) -> None:
        self.profile = profile
        self.folder = folder
        self.computer = computer
        self.clock = clock or Clock()
        self.drive = folder / "c"
        self.registry = Registry(folder / "registry.json")
        self.services = Services(self.registry, self.clock, profile.durations)
        self.features = Features(profile.features)
        self.ports = ports_of(profile.ports)
        self.compute = Compute(build=profile.build, features=self.features, services=self.services)
        self.network = Network(
            profile.network, registry=self.registry, clock=self.clock, bound=self._bound
        )
        self.hns = Hns(
            folder / "hns.json",
            build=profile.build,
            services=self.services,
            adapters=self.network.to_come,
        )
        self.cim = {name: list(rows) for name, rows in profile.cim.items()}
        self.denied = set(profile.denied)
        self.programs = dict(programs.WINDOWS)
        # Ports of its loopback that lie elsewhere on the host's, which lab machines share.
        self.loopback: dict[int, int] = {}
        self.tasks: dict[str, Task] = {}
        self.started: list[Task] = []
        self.calls: list[str] = []
        self.start_task: Callable[[Task], None] = lambda _task: None
        self.on_down: list[Callable[[], None]] = []
        self.on_up: list[Callable[[], None]] = []
        self.mutex = threading.RLock()
        self.gone = threading.Event()
        self.up = threading.Event()
        self.up.set()
        # Whether it was told to reboot, and has not come back yet.
        self.rebooting = False
        # What faults change: bytes that drive C still takes (None is what its disk says), whether a
        # reboot ends with a machine that is off, how often a reboot boots, and the record of a
        # journal at which the power goes (None is never).
        self.room_bytes: int | None = None
        # Seconds that its clock is ahead of ours; the `model` engine alone tells time by it.
        self.clock_off_s = 0.0
        self.stays_down = False
        self.boots = 1
        self.power_lost_at: int | None = None
        self._records = 0
        self._install()

    @property
    def is_client(self) -> bool:
        """Whether it is no Windows Server."""
        return bool(self.cim["Win32_OperatingSystem"][0]["ProductType"] == 1)

    @property
    def booted(self) -> datetime:
        """When it last started."""
        moment: datetime = self.cim["Win32_OperatingSystem"][0]["LastBootUpTime"]
        return moment

    @property
    def boot(self) -> str:
        """What identifies the boot: it changes with each, and never by a change of the clock."""
        return str(self.registry.data(PREFETCH, "BootId", ""))

    def path(self, windows: str) -> Path:
        """Find a full Windows path on the disk, without regard to case, there or not."""
        at = self.drive
        for part in PureWindowsPath(windows).parts[1:]:
            at /= next((name for name in _names(at) if name.lower() == part.lower()), part)
        return at

    def shut_down(self, after_s: float) -> None:
        """Reboot after so many seconds, whoever waits; a further order changes nothing."""

        def work() -> None:
            self.clock.wait(after_s, self.gone)
            if not self.gone.is_set():
                self.reboot()
            self.rebooting = False

        with self.mutex:
            if self.rebooting:
                return
            self.rebooting = True
        threading.Thread(target=work, daemon=True).start()

    def reboot(self) -> None:
        """Start anew: processes end, services start by their modes, a new name comes to be."""
        self.up.clear()
        for end in self.on_down:
            end()
        self._come_back()

    def _come_back(self) -> None:
        if self.stays_down:
            return
        for _ in range(self.boots):
            self.clock.work(self.profile.durations.get("boot", 0.0), self.gone)
            self._boot()
        if not self.gone.is_set():
            for begin in self.on_up:
                begin()
            self.up.set()
            triggers.at_startup(self)

    def run_task(self, task: Task) -> None:
        """Start what a scheduled task starts."""
        self.started.append(task)
        program = PureWindowsPath(task.execute).stem.lower()
        if program == "powershell":
            self.start_task(task)
        else:
            programs.answer(self, program, "", task.argument.split(), system=True)

    def _bound(self) -> Mapping[str, str]:
        return self.hns.bound()

    def loses_power(self) -> bool:
        """Count a journal's record that is being written; says whether the power goes with it.

        The machine boots again, and no power is lost a second time.
        """
        with self.mutex:
            self._records += 1
            if self._records != self.power_lost_at:
                return False
        # The network goes first: nobody hears of what ends now.
        for end in reversed(self.on_down):
            end()
        threading.Thread(target=self._come_back, daemon=True).start()
        return True

    def _boot(self) -> None:
        with self.mutex:
            self.services.boot()
            boot = int(self.registry.data(PREFETCH, "BootId", 0)) + 1
            self.registry.set(PREFETCH, "BootId", Value(kind="DWord", data=boot))
            self.computer = naming.boot(self.registry, before=self.computer)
            self.features.boot()
            self.compute.boot()
            self.hns.boot()
            self.cim["Win32_PageFileUsage"] = pagefile.booted(self.registry)
            self.registry.delete_value(CONTROL + r"\Session Manager", "PendingFileRenameOperations")
            system = dict(self.cim["Win32_OperatingSystem"][0])
            system["LastBootUpTime"] = datetime.now(UTC).replace(microsecond=0)
            self.cim["Win32_OperatingSystem"] = [system]

    def _install(self) -> None:
        for folder in (SYSTEM32, r"C:\Program Files", r"C:\ProgramData", r"C:\Windows\Temp"):
            self.path(folder).mkdir(parents=True, exist_ok=True)
        for path, text in self.profile.files.items():
            file = self.path(path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        for name in programs.WINDOWS:
            self._program(f"{SYSTEM32}\\{name}.exe", name)
        for path, (name, version) in self.profile.programs.items():
            self._program(path, name, version)
        rows = {
            key: {name: _value(data) for name, data in values.items()}
            for key, values in self.profile.registry.items()
        }
        names = {"ComputerName": Value(kind="String", data=self.computer)}
        rows.setdefault(naming.NAMES + r"\ActiveComputerName", names)
        rows.setdefault(naming.NAMES + r"\ComputerName", names)
        host = Value(kind="String", data=self.computer.lower())
        rows.setdefault(naming.TCPIP, {"Hostname": host, "NV Hostname": host})
        # Machines of one name are one machine, as long as a test needs it.
        uuid = f"{{{uuid5(NAMESPACE_DNS, self.computer.lower())}}}"
        rows.setdefault(HARDWARE, {"LastConfig": Value(kind="String", data=uuid)})
        rows.setdefault(PREFETCH, {"BootId": Value(kind="DWord", data=1)})
        self.registry.write(rows)
        self.services.load(self.profile.services)
        self.hns.load(self.profile.network.get("HnsNetwork", ()))
        for event in self.profile.events:
            at = datetime.now(UTC) - timedelta(days=event["days_ago"])
            self.services.log.write(event["id"], *event["values"], at=at)

    def _program(self, path: str, name: str, version: str = "") -> None:
        program = self.path(path)
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(programs.script(name, version), encoding="utf-8")
        program.chmod(0o755)

    def has_module(self, name: str) -> bool:
        """Say whether it has a PowerShell module: some come with features, or with servers alone.

        Source: learn.microsoft.com/powershell/module/servermanager; of hyper-v and
        hostnetworkingservice the installation guides of both features.
        """
        match name:
            case "ServerManager":
                return not self.is_client
            case "Hyper-V":
                return "Installed" in self.features.roles().get("Hyper-V-PowerShell", "")
            case "HostNetworkingService":
                return any(row["Name"].lower() == "hns" for row in self.services.rows())
        return True


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as rows:  # a walk over the disk would make thousands of Paths
            return [row.name for row in rows]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _value(data: Any) -> Value:
    """Give a profile's value its registry type."""
    kinds: dict[type, Kind] = {int: "DWord", list: "MultiString", str: "String"}
    if isinstance(data, dict):
        return Value(kind=data["kind"], data=data["data"])
    plain: Data = data
    return Value(kind=kinds[type(data)], data=plain)
