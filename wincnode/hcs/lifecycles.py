"""The programs of the ladder: each makes one thing, looks at it, and gives back what it made.

Source of the order of calls: microsoft/hcsshim:internal/layers/wcow_mount.go,
internal/hcs/system.go, cmd/containerd-shim-runhcs-v1/task_hcs.go@7c9ff7f4. Limits are those of a
smoke test: hcsshim waits 4 minutes where a machine boots, and less would end slow nested ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from wincnode.hcs.calls import Action
from wincnode.hcs.compute_calls import (
    ProcessCreate,
    ProcessFinished,
    ServiceProperties,
    ServiceSystems,
    SystemCreate,
    SystemCreateV1,
    SystemModify,
    SystemOpen,
    SystemProperties,
    SystemShares,
    SystemStart,
    SystemTerminate,
)
from wincnode.hcs.documents.containers import (
    hosted_container,
    hyperv_container,
    process_container,
    version_process,
)
from wincnode.hcs.documents.fields import to_document
from wincnode.hcs.documents.machines import (
    add_scratch,
    add_share,
    combine,
    empty_machine,
    linux_machine,
    utility_machine,
)
from wincnode.hcs.documents.requests import (
    GUEST_SHARES,
    ModifyRequest,
    PropertyQuery,
    ServiceQuery,
    SystemQuery,
)
from wincnode.hcs.endings import with_ending
from wincnode.hcs.program import OWNER, Call, Program
from wincnode.hcs.references import Join, Layers, join, ref
from wincnode.hcs.rules import checked
from wincnode.hcs.storage_calls import (
    FileCopy,
    FileRead,
    FileWrite,
    FolderCreate,
    HiveEmpty,
    ImageLayers,
    LayerActivate,
    LayerBase,
    LayerPrepare,
    LayerScratch,
    LayerVolume,
    VmGrant,
)
from wincnode.hcs.verbs import Texts

Runtime = Literal["containerd", "docker"]

ASK_S = 60
CREATE_S = 60
START_S = 120
BOOT_S = 240
PROCESS_S = 60
LAYER_S = 120
QUICK_S = 30
# Ids are free texts; a GUID can be the name of a virtual machine's account, too.
# Source: microsoft/hcsshim:internal/vmcompute/vmcompute.go (GrantVmAccess)@7c9ff7f4
IDS = {
    "vm": "5f3a7d0e-2c8b-4a6f-9d21-6e1b0c9a4f01",
    "process": "5f3a7d0e-2c8b-4a6f-9d21-6e1b0c9a4f02",
    "hyperv": "5f3a7d0e-2c8b-4a6f-9d21-6e1b0c9a4f03",
    "lcow": "5f3a7d0e-2c8b-4a6f-9d21-6e1b0c9a4f04",
    "hosted": "5f3a7d0e-2c8b-4a6f-9d21-6e1b0c9a4f05",
    "utility": "5f3a7d0e-2c8b-4a6f-9d21-6e1b0c9a4f06",
}
# What a base layer has to have for ProcessBaseImage.
# Source: microsoft/hcsshim:internal/wclayer/converttobaselayer.go@7c9ff7f4
HIVES = ("DEFAULT", "SAM", "SECURITY", "SOFTWARE", "SYSTEM")
_CONFIG = "\\Files\\Windows\\System32\\config\\"
BELOW = "below.txt"
WRITTEN = "written.txt"
MARK = "wincnode"
# Where the guest of a utility VM shows the first disk that is added to it.
# Source: microsoft/hcsshim:internal/uvm/scsi/manager.go@7c9ff7f4
GUEST_MOUNT = "C:\\mounts\\scsi\\m0"
# A program of another owner than wincnode finds leftovers and leaves them.
LOOKER = "wincnode-look"


def service() -> Program:
    """List the compute systems of wincnode: the service answers, and lets this account ask."""
    query = to_document(SystemQuery(owners=(OWNER,)), 0xFFFF)
    return _program([_call("systems", ServiceSystems(query=query), ASK_S)])


def schema() -> Program:
    """Ask which documents the service understands."""
    query = to_document(ServiceQuery(property_types=("Basic",)), 0xFFFF)
    return _program([_call("basic", ServiceProperties(query=query), ASK_S)])


def storage() -> Program:
    """Make a base layer of nothing, lay a scratch over it, and look through the filter.

    It shows that disks attach and that no other filter driver is in the way, without an image.
    End to end this has been seen nowhere; each call is as in the source.
    Source: microsoft/hcsshim:internal/wclayer/converttobaselayer.go@7c9ff7f4
    """
    base = join(ref("folder.path"), "\\base")
    return _program(
        [
            _call("folder", FolderCreate(path="smoke-storage"), QUICK_S),
            *(
                _call(f"hive_{name.lower()}", HiveEmpty(path=join(base, _CONFIG, name)), QUICK_S)
                for name in HIVES
            ),
            _call("mark", FileWrite(path=join(base, "\\Files\\", BELOW), text=MARK), QUICK_S),
            _call("base", LayerBase(path=base), LAYER_S),
            *_mounted((base,)),
            _call("write", FileWrite(path=join(ref("mount.volume"), WRITTEN), text=MARK), QUICK_S),
            _call("read", FileRead(path=join(ref("mount.volume"), WRITTEN)), QUICK_S),
            _call("below", FileRead(path=join(ref("mount.volume"), BELOW)), QUICK_S),
        ]
    )


def machine(build: int) -> Program:
    """Switch a virtual machine on that has nothing to start: the hypervisor runs."""
    document = to_document(empty_machine(), build)
    return _program(
        [
            _call("box", SystemCreate(id=IDS["vm"], document=document), CREATE_S),
            _call("start", SystemStart(system=ref("box")), START_S),
            _call("state", _state(), ASK_S),
        ]
    )


def process_isolated(build: int, *, runtime: Runtime, image: str) -> Program:
    """Run `ver` in a container that shares the kernel, on layers of a runtime's image."""
    document = process_container(layers=Layers(of=ref("image.parents")), volume=ref("mount.volume"))
    box = SystemCreate(id=IDS["process"], document=to_document(document, build))
    return _program(
        [
            _call("image", ImageLayers(runtime=runtime, image=image), ASK_S),
            _call("folder", FolderCreate(path="smoke-process"), QUICK_S),
            *_mounted(ref("image.parents")),
            _call("box", box, CREATE_S),
            _call("start", SystemStart(system=ref("box")), START_S),
            *_ver(build),
        ]
    )


def hyperv_isolated(build: int, *, runtime: Runtime, image: str) -> Program:
    """Run `ver` in a container with a machine of its own.

    In schema 1 Windows makes the utility VM of the image, boots it and connects to it: it takes
    one call where schema 2 takes one for each layer, and is what Docker does on every build.
    Source: moby/moby:daemon/internal/libcontainerd/local/local_windows.go@b985e231
    """
    scratch = _scratch()
    document = hyperv_container(
        name=IDS["hyperv"],
        layers=Layers(of=ref("image.parents"), v1=True),
        scratch=scratch,
        utility_vm=ref("image.utility_vm"),
    )
    box = SystemCreateV1(id=IDS["hyperv"], document=to_document(document, build))
    layers = ImageLayers(runtime=runtime, image=image, utility_vm=True)
    return _program(
        [
            _call("image", layers, ASK_S),
            _call("folder", FolderCreate(path="smoke-hyperv"), QUICK_S),
            _call("scratch", LayerScratch(path=scratch, parents=ref("image.parents")), LAYER_S),
            _call("box", box, CREATE_S),
            _call("start", SystemStart(system=ref("box")), BOOT_S),
            *_ver(build),
        ]
    )


def hosted(build: int, *, runtime: Runtime, image: str) -> Program:
    """Run `ver` in a container within a utility VM, each step of it by itself, as containerd does.

    The machine boots from the image, its guest is shown each layer and a disk, lays them over each
    other, and starts a container on them.
    Source: microsoft/hcsshim:internal/uvm/create_wcow.go, internal/layers/wcow_mount.go,
    internal/hcsoci/create.go@7c9ff7f4; the service's own bridge to the guest as @v0.8.6
    """
    scratch, vm = _scratch(), IDS["utility"]
    # The two disks of the machine: the one that it boots from, which is no layer and so has another
    # name than hcsshim gives it, and the container's.
    system_disk = join(ref("folder.path"), "\\vm\\system.vhdx")
    disk = join(scratch, "\\sandbox.vhdx")
    template = join(ref("image.utility_vm"), "\\SystemTemplate.vhdx")
    machine_of = utility_machine(files=join(ref("image.utility_vm"), "\\Files"), disk=system_disk)
    box = hosted_container(machine=vm, layers=ref("shares.layers"), root=GUEST_MOUNT)
    layers = ImageLayers(runtime=runtime, image=image, utility_vm=True)
    return _program(
        [
            _call("image", layers, ASK_S),
            _call("folder", FolderCreate(path="smoke-hosted"), QUICK_S),
            _call("scratch", LayerScratch(path=scratch, parents=ref("image.parents")), LAYER_S),
            _call("copy", FileCopy(source=template, target=system_disk), LAYER_S),
            _call("system_disk", VmGrant(vm=vm, path=system_disk), QUICK_S),
            _call("disk", VmGrant(vm=vm, path=disk), QUICK_S),
            _call("vm", SystemCreate(id=vm, document=to_document(machine_of, build)), CREATE_S),
            _call("boot", SystemStart(system=ref("vm")), BOOT_S),
            _call("shares", _shares(build), ASK_S),
            _call("mount", _modify(add_scratch(disk, lun=1, guest_path=GUEST_MOUNT), build), ASK_S),
            _call("union", _modify(combine(GUEST_MOUNT, ref("shares.layers")), build), ASK_S),
            _call(
                "box", SystemCreate(id=IDS["hosted"], document=to_document(box, build)), CREATE_S
            ),
            _call("start", SystemStart(system=ref("box")), START_S),
            *_ver(build),
        ]
    )


def _shares(build: int) -> Action:
    return SystemShares(
        system=ref("vm"),
        folders=ref("image.parents"),
        request=to_document(add_share("", ""), build),
        guest=GUEST_SHARES,
    )


def _modify(request: ModifyRequest, build: int) -> Action:
    return SystemModify(system=ref("vm"), request=to_document(request, build))


def linux(build: int, *, kernel: str, rootfs: str) -> Program:
    """Boot a Linux utility VM whose guest service answers; the start waits for that.

    Source: microsoft/hcsshim:internal/uvm/create_lcow.go@v0.8.6
    """
    document = to_document(linux_machine(kernel=kernel, rootfs=rootfs, build=build), build)
    vm = IDS["lcow"]
    return _program(
        [
            _call("kernel", VmGrant(vm=vm, path=kernel), QUICK_S),
            _call("rootfs", VmGrant(vm=vm, path=rootfs), QUICK_S),
            _call("box", SystemCreate(id=vm, document=document), CREATE_S),
            _call("start", SystemStart(system=ref("box")), BOOT_S),
            _call("state", _state(), ASK_S),
        ]
    )


def listing() -> Program:
    """List all compute systems, those of others as well."""
    return _program([_call("systems", ServiceSystems(query={}), ASK_S)], owner=LOOKER)


def removal(system: str) -> Program:
    """End one compute system; whose it is, its caller has seen."""
    return _program(
        [
            _call("box", SystemOpen(id=system), ASK_S),
            _call("state", _state(), ASK_S),
            _call("end", SystemTerminate(system=ref("box")), ASK_S),
        ],
        owner=LOOKER,
    )


def _state() -> Action:
    return SystemProperties(system=ref("box"), query=to_document(PropertyQuery(), 0xFFFF))


def _scratch() -> Join:
    return join(ref("folder.path"), "\\scratch")


def _mounted(parents: Texts) -> Iterator[Call]:
    """Make a scratch and attach it, in a folder that an earlier call made."""
    scratch = _scratch()
    yield _call("scratch", LayerScratch(path=scratch, parents=parents), LAYER_S)
    yield _call("disk", LayerActivate(path=scratch), LAYER_S)
    yield _call("filter", LayerPrepare(path=scratch, parents=parents), LAYER_S)
    yield _call("mount", LayerVolume(path=scratch), QUICK_S)


def _ver(build: int) -> Iterator[Call]:
    parameters = to_document(version_process(), build)
    yield _call("run", ProcessCreate(system=ref("box"), parameters=parameters), PROCESS_S)
    yield _call("done", ProcessFinished(process=ref("run")), PROCESS_S)


def _call(id: str, action: Action, limit_s: int) -> Call:
    return Call(id=id, action=action, limit_s=limit_s)


def _program(calls: list[Call], owner: str = OWNER) -> Program:
    return checked(with_ending(calls, owner))
