"""The Host Compute Service of a simulated machine: its systems, its layers, and what it refuses.

It knows states, layers and images, and nothing of what runs in a container but `ver`.
Sources: learn.microsoft.com/virtualization/api/hcs/reference/apioverview (states);
winerror.h of the Windows SDK (codes); microsoft/hcsshim:internal/wclayer@7c9ff7f4 (layers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wincnode.lab.windows.features import HYPERV, Features
from wincnode.lab.windows.services import Services

ROOT = r"C:\ProgramData\wincnode\scratch"
SNAPSHOTS = r"C:\ProgramData\containerd\root\io.containerd.snapshotter.v1.windows\snapshots"
VOLUME = "\\\\?\\Volume{5f0e2f1c-7d0b-4a53-9a0e-2d1f6f1c2022}\\"
OWNER = "wincnode"
# As hcsshim asks and sees them: microsoft/hcsshim:internal/uvm/vsmb.go@7c9ff7f4
SHARES = "VirtualMachine/Devices/VirtualSmb/Shares"
GUEST_SHARES = "\\\\?\\VMSMB\\VSMB-{dcc079ae-60ba-4d07-847c-3493609c0870}\\"

INVALID_STATE = 0x80370105
NOT_INSTALLED = 0x80370102
MISMATCH = 0xC0370101
INVALID_JSON = 0x8037010D
NOT_CONFIGURED = 0x80370120
NO_SYSTEM = 0x8037010E
EXISTS = 0x8037010F
STOPPED = 0x80370110
NO_SERVICE = 0x80370114
NOT_FOUND = 0x80070490
NO_FILE = 0x80070002
NO_PATH = 0x80070003
INVALID_FUNCTION = 0x80070001
NOT_READY = 0x80070015
DENIED = 0x80070005
IN_USE = 0x80070020
INVALID_ARGUMENT = 0x80070057
NO_LOGON_RIGHT = 0x80070569
UNEXPECTED_EXIT = 0x80370106
# STATUS_NO_SUCH_PRIVILEGE: [MS-ERREF] 2.3.1
NO_SUCH_RIGHT = 0xC0000060
# NT SERVICE\ALL SERVICES and NT VIRTUAL MACHINE\Virtual Machines: [MS-DTYP] 2.4.2.4
ALL_SERVICES, MACHINES = "S-1-5-80-0", "S-1-5-83-0"
# What can be wrong with it, by name, and what that is.
FAULTS: Mapping[str, str] = {
    "hcs-refused": "application control lets no library be compiled",
    "hcs-no-hypervisor": "the hypervisor is not launched",
    "hcs-logon-right": "virtual machines may not log on as a service",
    "hcs-filter": "a filter driver of another maker lies over wcifs",
    "hcs-unexpected-exit": "containers end as they start",
    "hcs-stuck-layer": "a layer cannot be detached",
}


class HcsError(Exception):
    """What a call of the service ends with: an HRESULT, and words of Windows."""

    def __init__(self, code: int, text: str = "", events: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.events = events


@dataclass(kw_only=True, slots=True)
class Guest:
    """What a machine's guest is shown: folders by its paths, disks, and layers over a disk."""

    shares: dict[str, str] = field(default_factory=dict)
    disks: dict[str, str] = field(default_factory=dict)
    unions: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class System:
    """A compute system."""

    id: str
    owner: str
    type: str
    machine: bool
    image: str = ""
    state: str = "Created"
    layers: tuple[str, ...] = ()
    root: str = ""
    host: str = ""
    guest: Guest | None = None


@dataclass(kw_only=True, slots=True)
class Layer:
    """A writable layer; `files` are those of its volume and of its folder by their names."""

    parents: tuple[str, ...]
    attached: bool = False
    prepared: bool = False


@dataclass(kw_only=True, slots=True)
class Compute:
    """The service.

    Args:
        images: gives the references that containerd holds, None where it does not run.
        faults: what is wrong, of FAULTS.
    """

    build: int
    features: Features
    services: Services
    images: Callable[[], tuple[str, ...] | None] = lambda: None
    faults: set[str] = field(default_factory=set)
    systems: dict[str, System] = field(default_factory=dict)
    layers: dict[str, Layer] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    files: dict[str, str] = field(default_factory=dict)
    grants: set[tuple[str, str]] = field(default_factory=set)
    _names: dict[str, str] = field(default_factory=dict)

    @property
    def hypervisor(self) -> bool:
        """Whether one runs that makes machines."""
        on = self.features.states().get(f"{HYPERV}-Online", self.features.states().get(HYPERV))
        return on == "Enabled" and "hcs-no-hypervisor" not in self.faults

    def answer(self) -> None:
        """Be there.

        Raises: HcsError: the service is not, or is disabled.
        """
        rows = [row for row in self.services.rows() if row["Name"].lower() == "vmcompute"]
        states = self.features.states()
        there = "Enabled" in {states.get("Containers"), states.get(HYPERV)}
        if not there or not rows or rows[0]["StartMode"] == "Disabled":
            raise HcsError(NO_SERVICE)

    def boot(self) -> None:
        """Lose what lives in memory: systems, and layers that are attached."""
        self.systems.clear()
        for layer in self.layers.values():
            layer.attached = layer.prepared = False

    def layers_of(self, image: str) -> tuple[str, ...]:
        """Give the folders of an image's layers, the top-most first.

        Raises: HcsError.
        """
        held = self.images()
        if held is None:
            raise HcsError(NO_FILE, "containerd does not answer")
        if image not in held:
            raise HcsError(NOT_FOUND, f"containerd has no image {image}")
        number = 2 * held.index(image) + 1
        parents = (f"{SNAPSHOTS}\\{number + 1}", f"{SNAPSHOTS}\\{number}")
        self._names |= dict.fromkeys(parents, image)
        return parents

    def create(self, id: str, document: Mapping[str, Any], *, v1: bool) -> System:
        """Make a system of a document.

        Raises: HcsError.
        """
        self.answer()
        if id in self.systems:
            raise HcsError(EXISTS)
        system = _v1(id, document) if v1 else _v2(id, document)
        if system.host:
            self._hosted(system)
        if system.machine and not self.hypervisor:
            text = f"Cannot create system '{id}' since Hyper-V is not installed on the host."
            raise HcsError(NOT_INSTALLED, "", (text,))
        system.image = self._names.get(system.layers[-1], "") if system.layers else ""
        self._refuse_image(system)
        self.systems[id] = system
        return system

    def _hosted(self, system: System) -> None:
        """See that a machine runs whose guest has laid a container's layers over each other."""
        host = self.systems.get(system.host)
        if host is None or host.guest is None or host.state != "Running":
            raise HcsError(NO_SYSTEM)
        if host.guest.unions.get(system.root) != system.layers:
            raise HcsError(NO_PATH)
        system.layers = tuple(host.guest.shares[path] for path in system.layers)

    def modify(self, system: System, request: Mapping[str, Any]) -> None:
        """Change what a machine's guest is shown.

        Raises: HcsError.
        """
        _in(system, "Created", "Running")
        guest, settings = system.guest, request.get("Settings", {})
        if guest is None:
            raise HcsError(NOT_CONFIGURED)
        if request.get("ResourcePath") == SHARES:
            guest.shares[GUEST_SHARES + settings["Name"]] = settings["Path"]
        elif "Scsi" in request.get("ResourcePath", ""):
            if (system.id, settings["Path"]) not in self.grants:
                raise HcsError(DENIED)
            shown = request["GuestRequest"]["Settings"]["ContainerPath"]
            guest.disks[shown] = settings["Path"]
        else:
            wanted = request["GuestRequest"]["Settings"]
            layers = tuple(row["Path"] for row in wanted["Layers"])
            if wanted["ContainerRootPath"] not in guest.disks or set(layers) - set(guest.shares):
                raise HcsError(NO_PATH)
            guest.unions[wanted["ContainerRootPath"]] = layers

    def _refuse_image(self, system: System) -> None:
        from wincnode.lab.programs.images import builds_of, fits

        builds = builds_of(system.image) if system.image else ()
        newer = builds and min(builds) > self.build
        if newer or not (system.machine or fits(system.image, self.build)):
            raise HcsError(MISMATCH)

    def find(self, id: str) -> System:
        """Give a system.

        Raises: HcsError: there is none.
        """
        self.answer()
        if id not in self.systems:
            raise HcsError(NO_SYSTEM)
        return self.systems[id]

    def start(self, system: System) -> None:
        """Boot it.

        Raises: HcsError.
        """
        _in(system, "Created")
        if system.machine and "hcs-logon-right" in self.faults:
            raise HcsError(NO_LOGON_RIGHT)
        if system.type == "Container" and "hcs-unexpected-exit" in self.faults:
            system.state = "Stopped"
            raise HcsError(UNEXPECTED_EXIT)
        system.state = "Running"

    def holders(self, right: str) -> list[str]:
        """Tell who holds a right of accounts.

        Raises: HcsError: there is no such right.
        """
        lacking = {MACHINES} if "hcs-logon-right" in self.faults else set()
        known = {
            "SeServiceLogonRight": [sid for sid in (ALL_SERVICES, MACHINES) if sid not in lacking],
            "SeDenyServiceLogonRight": [],
        }
        if right not in known:
            raise HcsError(NO_SUCH_RIGHT)
        return known[right]

    def terminate(self, system: System) -> None:
        """End it.

        Raises: HcsError: it has ended.
        """
        _in(system, "Created", "Running")
        system.state = "Stopped"
        for row in [row for row in self.systems.values() if row.host == system.id]:
            row.state = "Stopped"
            self.systems.pop(row.id, None)
        self.systems.pop(system.id, None)

    def ver(self, system: System) -> str:
        """Give what `cmd /c ver` says in it.

        Raises: HcsError: it does not run.
        """
        from wincnode.lab.programs.images import builds_of

        _in(system, "Running")
        builds = [row for row in builds_of(system.image) if row <= self.build]
        return f"\r\nMicrosoft Windows [Version 10.0.{max(builds, default=self.build)}.1]\r\n"

    def scratch(self, path: str, parents: tuple[str, ...]) -> None:
        """Make a writable layer over others.

        Raises: HcsError.
        """
        self.answer()
        for parent in parents:
            if parent not in self._names and f"{parent}\\blank.vhdx" not in self.files:
                raise HcsError(NO_PATH)
        self.layers[path] = Layer(parents=parents)

    def base(self, path: str) -> None:
        """Make a base layer of a folder.

        Raises: HcsError: it has no hives.
        """
        self.answer()
        hive = f"{path}\\Files\\Windows\\System32\\config\\SYSTEM"
        if hive not in self.files:
            raise HcsError(NO_FILE)
        self.files[f"{path}\\blank.vhdx"] = ""
        self.layers[path] = Layer(parents=())

    def activate(self, path: str) -> None:
        """Attach a layer.

        Raises: HcsError.
        """
        self._layer(path).attached = True

    def prepare(self, path: str) -> None:
        """Lay the filter over a layer.

        Raises: HcsError.
        """
        layer = self._layer(path, attached=True)
        if "hcs-filter" in self.faults:
            raise HcsError(INVALID_FUNCTION)
        layer.prepared = True
        for parent in layer.parents:
            for name, text in list(self.files.items()):
                if name.startswith(f"{parent}\\Files\\"):
                    self.files[VOLUME + name[len(parent) + 7 :]] = text

    def volume(self, path: str) -> str:
        """Give an attached layer's volume.

        Raises: HcsError.
        """
        self._layer(path, attached=True)
        return VOLUME

    def unprepare(self, path: str) -> None:
        """Take the filter off.

        Raises: HcsError.
        """
        self._layer(path).prepared = False

    def deactivate(self, path: str) -> None:
        """Detach a layer.

        Raises: HcsError.
        """
        layer = self._layer(path)
        if "hcs-stuck-layer" in self.faults:
            raise HcsError(IN_USE)
        layer.attached = False
        self.files = {name: text for name, text in self.files.items() if name[:3] != VOLUME[:3]}

    def destroy(self, path: str) -> None:
        """Remove a layer.

        Raises: HcsError: it is attached, or is not there.
        """
        if self._layer(path).attached:
            raise HcsError(IN_USE)
        del self.layers[path]
        self.forget(path)

    def forget(self, path: str) -> None:
        """Remove all files at and below a path."""
        below = f"{path}\\"
        self.files = {name: text for name, text in self.files.items() if below not in f"{name}\\"}

    def _layer(self, path: str, *, attached: bool = False) -> Layer:
        layer = self.layers.get(path)
        if layer is None:
            raise HcsError(NO_PATH)
        if attached and not layer.attached:
            raise HcsError(NOT_READY)
        return layer


def _v1(id: str, document: Mapping[str, Any]) -> System:
    machine = document.get("HvPartition") is True
    if document.get("SystemType") != "Container" or ("HvRuntime" in document) != machine:
        raise HcsError(INVALID_JSON)
    return System(
        id=id,
        owner=str(document.get("Owner", "")),
        type="Container",
        machine=machine,
        layers=tuple(row["Path"] for row in document.get("Layers", ())),
    )


def _v2(id: str, document: Mapping[str, Any]) -> System:
    parts = {"Container", "VirtualMachine", "HostedSystem"} & document.keys()
    if len(parts) != 1 or document.get("SchemaVersion") != {"Major": 2, "Minor": 1}:
        raise HcsError(INVALID_JSON)
    hosted = document.get("HostedSystem", {})
    storage = document.get("Container", hosted.get("Container", {})).get("Storage", {})
    machine = document.get("VirtualMachine", {})
    return System(
        id=id,
        owner=str(document.get("Owner", "")),
        type="VirtualMachine" if "VirtualMachine" in document else "Container",
        machine="Container" not in document,
        layers=tuple(row["Path"] for row in storage.get("Layers", ())),
        root=storage.get("Path", ""),
        host=document.get("HostingSystemId", "") if hosted else "",
        guest=Guest() if "GuestConnection" in machine else None,
    )


def _in(system: System, *states: str) -> None:
    if system.state == "Stopped" and "Stopped" not in states:
        raise HcsError(STOPPED)
    if system.state not in states:
        raise HcsError(INVALID_STATE)
