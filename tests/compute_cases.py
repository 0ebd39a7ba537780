"""The contract of the executors, as scenarios over the double."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from compute_scenarios import (
    BASIC,
    SCHEMA,
    Call,
    Scenario,
    box,
    call,
    container,
    ended,
    finished,
    join,
    machine,
    mounted,
    process,
    ref,
    scenario,
    unmounted,
    vm,
)

CONFIG = r"\base\Files\Windows\System32\config"
HIVES = ("DEFAULT", "SAM", "SECURITY", "SOFTWARE", "SYSTEM")
# What Windows answers at a start: each row of hcs-hns.md 6.1 to 6.3 that a call may end with.
CODES = (
    *(f"0x8037{low:04x}" for low in (*range(0x100, 0x103), *range(0x105, 0x118), *range(0x119, 0x122), *range(0x300, 0x30A), 0x310)),
    *(f"0xc037{low:04x}" for low in (*range(0x001, 0x031), *range(0x100, 0x103), *range(0x104, 0x114), 0x200, 0x400, 0x401)),
    *(f"0x8007{low:04x}" for low in (0x1, 0x2, 0x3, 0x5, 0x6, 0xD, 0xE, 0x13, 0x15, 0x20, 0x32, 0x57, 0x70, 0x7F, 0xAA, 0x3EE, 0x42B, 0x48F, 0x490, 0x522, 0x569, 0x570, 0x5AA, 0x5AF, 0x6BA, 0x6BE, 0x6BF)),
    "0x80004001",
)  # fmt: skip
LAYER_CODES = ("0x80070001", "0x80070013", "0x80070020", "0x80070070", "0x800705b4", "0x80370112")


def scenarios(layers: Sequence[str]) -> list[Scenario]:
    """Give the cases that both executors answer alike; no fault among them lasts long."""
    utility = f"{layers[-1]}\\UtilityVM"
    return [
        scenario("machine", machine(call("basic", "system.properties", system=ref("vm"), query={}), call("stats", "system.properties", system=ref("vm"), query={"PropertyTypes": ["Statistics"]}), call("more", "system.modify", system=ref("vm"), request={"ResourcePath": "VirtualMachine/ComputeTopology/Memory/SizeInMB", "RequestType": "Update", "Settings": 512}), call("list", "service.systems", query={"Owners": ["wincnode"]}))),
        scenario("container", box(layers, process("ver", "cmd /c ver"), *finished("said", "ver"), process("bad", "cmd /c exit 3"), *finished("three", "bad"), call("down", "system.shutdown", system=ref("box")), call("exit", "system.exited", system=ref("box")))),
        scenario("flood", box(layers, process("flood", "double flood 300000 200000"), *finished("said", "flood", limit=10))),
        scenario("wait", box(layers, process("wait", "double wait"), call("kill", "process.terminate", process=ref("wait")), *finished("said", "wait"), call("again", "system.open", id="w-box"))),
        scenario("late process", box(layers, process("wait", "double wait"), *finished("said", "wait", limit_s=0.3)), status="timeout", hresult="0x800705b4"),
        scenario("schema 1", ([*mounted(list(layers))[:2], call("box", "system.create_v1", id="w-v1", document=xenon(layers, utility)), call("start", "system.start", system=ref("box")), process("ver", "cmd /c ver"), *finished("said", "ver")], [*ended("box"), *unmounted()]), lines=["delay_ms 5"]),
        scenario("hosted", hosted(layers, process("ver", "cmd /c ver"), *finished("said", "ver"))),
        scenario("share of nothing", hosted([*layers, r"C:\ProgramData\nowhere"]), status="failed", hresult="0x80070003"),
        scenario("other lun", hosted(layers, attach={"guest_lun": 2}), status="failed", hresult="0x80070490"),
        scenario("other controller", hosted(layers, attach={"controller": "1"}), status="failed", hresult="0x80370120"),
        scenario("disk of another", hosted(layers, vm_of_disk="other"), status="failed", hresult="0x80070005"),
        scenario("no union", hosted(layers, without="union"), status="failed", hresult="0x80070003"),
        scenario("no disk", hosted(layers, without="mount"), status="failed", hresult="0x80070003"),
        scenario("shares of no machine", box(layers, shares(layers, "box")), status="failed", hresult="0x80370120"),
        scenario("shares of no list", machine(call("shares", "system.shares", system=ref("vm"), folders="x", request={"Settings": {}}, guest="g")), status="failed", hresult="0x80070057"),
        scenario("shares of no request", machine(call("shares", "system.shares", system=ref("vm"), folders=[], request={}, guest="g")), status="failed", hresult="0x80070057"),
        scenario("files", files(layers)),
        scenario("probe", probe()),
        scenario("boot disk", boot_disk(utility)),
        scenario("quirk of 2022", box(layers, process("ver", "cmd /c ver"), *finished("said", "ver")), lines=["quirk process_info"]),
        scenario("no hypervisor", machine(), lines=["hypervisor off"], status="failed", hresult="0x80370102"),
        scenario("no service", machine(), lines=["service off"], status="failed", hresult="0x80370114"),
        scenario("other build", box(layers), lines=["fault HcsCreateComputeSystem 1 fail 0x80370101 The image is of another build."], status="failed", hresult="0x80370101"),
        scenario("unknown field", machine(VirtualBattery={}), status="failed", hresult="0x8037010d"),
        scenario("id in use", ([call("vm", "system.create", id="w-vm", document=vm()), call("other", "system.create", id="w-vm", document=vm())], ended()), status="failed", hresult="0x8037010f"),
        scenario("unknown id", ([call("open", "system.open", id="nobody")], []), status="failed", hresult="0x8037010e"),
        scenario("no image files", box([r"C:\ProgramData\nowhere"]), status="failed", hresult="0x80070003"),
        scenario("hanging start", machine_late(), lines=["fault HcsStartComputeSystem 1 hang 0"], status="timeout", hresult="0x80370118"),
        scenario("hanging create", ([call("vm", "system.create", 0.3, id="w-vm", document=vm())], ended()), lines=["fault HcsCreateComputeSystem 1 hang 0"], status="timeout", hresult="0x80370118"),
        scenario("hanging layer", box_late(layers), lines=["fault PrepareLayer 1 hang 600"], status="timeout", hresult="0x800705b4"),
        scenario("late disk", box(layers), lines=["fault PrepareLayer 1 refuse 0x80070015", "fault PrepareLayer 2 refuse 0x8007048f"]),
        scenario("never a disk", box(layers), lines=["fault ActivateLayer * refuse 0x80070015"], status="failed", hresult="0x80070015"),
        scenario("service restarts", machine(call("state", "system.properties", system=ref("vm"), query={})), lines=["fault HcsGetComputeSystemProperties 1 disconnect"], status="failed", hresult="0x8037011e"),
        scenario("system crashes", box(layers, process("ver", "cmd /c ver")), lines=["fault HcsCreateProcess 1 exit"], status="failed", hresult="0x80370110"),
        scenario("stuck layer", box(layers), lines=["fault DeactivateLayer 1 refuse 0x80070020"]),
        scenario("layer that stays", box(layers), lines=["fault DeactivateLayer * refuse 0x80070020"], after=["fault DeactivateLayer * refuse 0x80070020"]),
        scenario("found it there", box(layers), status="failed", hresult="0x80070020"),
        scenario("found it free", box(layers)),
        scenario("outside", ([call("out", "folder.create", path=r"C:\Windows\x")], []), status="failed", hresult="0x80070005"),
        scenario("upwards", ([call("out", "file.write", path=r"a\..\..\x", text="")], []), status="failed", hresult="0x80070005"),
        scenario("no such field", ([call("folder", "folder.create", path="a"), call("x", "file.read", path=ref("folder.volume"))], [call("remove", "folder.remove", path=ref("folder.path"))]), status="failed", hresult="0x80070490"),
        scenario("no handle", ([call("x", "system.start", system="w-vm")], []), status="failed", hresult="0x80070057"),
        scenario("no such verb", ([call("x", "system.freeze")], []), status="failed", hresult="0x80070057"),
        scenario("never an exit", ([call("vm", "system.create", id="w-vm", document=vm()), call("start", "system.start", system=ref("vm")), call("exit", "system.exited", 0.3, system=ref("vm"))], ended()), status="timeout", hresult="0x800705b4"),
        scenario("joined handle", ([call("folder", "folder.create", path=join("a", ["b"]))], []), status="failed", hresult="0x80070057"),
        scenario("field of a document", machine(call("basic", "system.properties", system=ref("vm"), query={}), call("note", "file.write", path=r"a\note.txt", text=ref("basic.State")), call("back", "file.read", path=r"a\note.txt"), call("remove", "folder.remove", path="a"))),
        scenario("no such file", ([call("folder", "folder.create", path="a"), call("x", "file.read", path=join(ref("folder.path"), "\\x"))], [call("remove", "folder.remove", path=ref("folder.path"))]), status="failed", hresult="0x80070002"),
        scenario("upwards on a volume", ([*mounted(list(layers)), call("x", "file.read", path=join(ref("mount.volume"), "..\\x"))], unmounted()), status="failed", hresult="0x80070005"),
        scenario("no runtime", ([call("x", "image.layers", runtime="containerd", image="x")], []), status="failed", hresult="0x80070002"),
        scenario("right held", rights()),
        scenario("right lacking", rights(), lines=["right SeServiceLogonRight S-1-5-80-0 S-1-5-21-4294967295-0-7-1104 S-1-1-0", "right SeDenyServiceLogonRight S-1-5-83-0"]),
        scenario("right of nobody", rights(), lines=["right SeServiceLogonRight"]),
        scenario("right refused", rights(), lines=["fault LsaOpenPolicy 1 refuse 0xc0000022"], status="failed", hresult="0xc0000022"),
        scenario("right not listed", rights(), lines=["fault LsaEnumerateAccountsWithUserRight 2 refuse 0xc0000022"], status="failed", hresult="0xc0000022"),
        scenario("no such right", rights("SeFlyRight"), status="failed", hresult="0xc0000060"),
        scenario("hanging right", rights(limit_s=0.2), lines=["fault LsaOpenPolicy 1 hang 600"], status="timeout", hresult="0x800705b4"),
        scenario("no query", ([call("list", "service.systems", query=None)], [])),
        scenario("left running", ([call("vm", "system.create", id="w-vm", document={**vm(), "ShouldTerminateOnLastHandleClosed": False}), call("start", "system.start", system=ref("vm"))], [])),
        scenario("found running", ([], [])),
        scenario("left hosted", hosted(layers, ends_with_us=False)),
        scenario("found hosted", ([], [])),
        scenario("left open", ([call("vm", "system.create", id="w-vm", document=vm()), call("start", "system.start", system=ref("vm"))], [])),
        scenario("left attached", (mounted(list(layers)), [])),
        scenario("found attached", ([], [])),
    ]  # fmt: skip


def xenon(layers: Sequence[str], utility: str) -> dict[str, object]:
    """The document of schema 1 whose machine HCS builds by itself (hcs-hns.md 3.4)."""
    return {
        "SystemType": "Container",
        "Name": "w-v1",
        "Owner": "wincnode",
        "IgnoreFlushesDuringBoot": True,
        "LayerFolderPath": join(ref("folder.path"), "\\scratch"),
        "Layers": {"$layers_v1": list(layers)},
        "HostName": "smoke1",
        "HvPartition": True,
        "HvRuntime": {"ImagePath": utility},
        "TerminateOnLastHandleClosed": True,
    }


SHARES = "VirtualMachine/Devices/VirtualSmb/Shares"
GUEST = "\\\\?\\VMSMB\\VSMB-{dcc079ae-60ba-4d07-847c-3493609c0870}\\"
MOUNT = r"C:\mounts\scsi\m0"


def shares(layers: Sequence[str], of: str = "vm") -> Call:
    request = {
        "ResourcePath": SHARES,
        "RequestType": "Add",
        "Settings": {"Options": {"ReadOnly": True, "ShareRead": True}},
    }
    return call(
        "shares",
        "system.shares",
        system=ref(of),
        folders=list(layers),
        request=request,
        guest=GUEST,
    )


def hosted(
    layers: Sequence[str],
    *more: Call,
    attach: Mapping[str, Any] = MappingProxyType({}),
    vm_of_disk: str = "w-vm",
    without: str = "",
    ends_with_us: bool = True,
) -> tuple[list[Call], list[Call]]:
    """A container in a utility VM, step by step (hcs-hns.md 3.6)."""
    utility = f"{layers[2]}\\UtilityVM"
    disk = join(ref("folder.path"), "\\scratch\\sandbox.vhdx")
    boot = join(ref("folder.path"), "\\vm\\system.vhdx")
    document = vm(
        Chipset={"Uefi": {"BootThis": {"DevicePath": "\\EFI\\Microsoft\\Boot\\bootmgfw.efi", "DeviceType": "VmbFs"}}},
        GuestConnection={},
        Devices={
            "Scsi": {"0": {"Attachments": {"0": {"Path": boot, "Type": "VirtualDisk"}}}},
            "VirtualSmb": {"DirectFileMappingInMB": 1024, "Shares": [{"Name": "os", "Path": f"{utility}\\Files", "Options": {"ReadOnly": True}}]},
        },
    )  # fmt: skip
    document["ShouldTerminateOnLastHandleClosed"] = ends_with_us
    added = {
        "ResourcePath": f"VirtualMachine/Devices/Scsi/{attach.get('controller', '0')}/Attachments/1",
        "RequestType": "Add",
        "Settings": {"Path": disk, "Type": "VirtualDisk"},
        "GuestRequest": {"RequestType": "Add", "ResourceType": "MappedVirtualDisk", "Settings": {"ContainerPath": MOUNT, "Lun": attach.get("guest_lun", 1)}},
    }  # fmt: skip
    laid = {
        "GuestRequest": {"RequestType": "Add", "ResourceType": "CombinedLayers", "Settings": {"ContainerRootPath": MOUNT, "Layers": ref("shares.layers")}}
    }  # fmt: skip
    body = {
        "Owner": "wincnode",
        "SchemaVersion": SCHEMA,
        "ShouldTerminateOnLastHandleClosed": ends_with_us,
        "HostingSystemId": "w-vm",
        "HostedSystem": {"SchemaVersion": SCHEMA, "Container": {"Storage": {"Layers": ref("shares.layers"), "Path": MOUNT}}},
    }  # fmt: skip
    calls = [
        *mounted(list(layers[:3]))[:2],
        call("copy", "file.copy", source=f"{utility}\\SystemTemplate.vhdx", target=boot),
        call("grant_boot", "vm.grant", vm="w-vm", path=boot),
        call("grant_disk", "vm.grant", vm=vm_of_disk, path=disk),
        call("vm", "system.create", id="w-vm", document=document),
        call("boot", "system.start", system=ref("vm")),
        shares(layers),
        call("mount", "system.modify", system=ref("vm"), request=added),
        call("union", "system.modify", system=ref("vm"), request=laid),
        call("box", "system.create", id="w-box", document=body),
        call("start", "system.start", system=ref("box")),
        *more,
    ]
    ends = [
        *(renamed(row, "box") for row in ended("box")),
        *ended("vm"),
        call("revoke_disk", "vm.revoke", vm=vm_of_disk, path=disk),
        call("revoke_boot", "vm.revoke", vm="w-vm", path=boot),
        *unmounted()[-2:],
    ]
    return [row for row in calls if row["id"] != without], ends if ends_with_us else []


def rights(
    name: str = "SeServiceLogonRight", *, limit_s: float = 5
) -> tuple[list[Call], list[Call]]:
    """Who may log on as a service, and who may not."""
    return [
        call("allowed", "right.holders", limit_s, right=name),
        call("denied", "right.holders", right="SeDenyServiceLogonRight"),
    ], []


def renamed(row: Call, prefix: str) -> Call:
    return {**row, "id": f"{prefix}_{row['id']}"}


def files(layers: Sequence[str]) -> tuple[list[Call], list[Call]]:
    """Files on a volume, seen through the filter, and below the scratch root."""
    volume = ref("mount.volume")
    return [
        *mounted(list(layers)),
        call("write", "file.write", path=join(volume, "a.txt"), text="h\u00e4 \U0001f600"),
        call("back", "file.read", path=join(volume, "a.txt"), limit=100),
        call("through", "file.read", path=join(volume, "2.txt"), limit=4),
        call("note", "file.write", path=join(ref("folder.path"), "\\deep\\note.txt"), text="x"),
        call("copy", "file.copy", source=join(ref("folder.path"), "\\deep\\note.txt"), target=join(ref("folder.path"), "\\copy.txt")),
        call("copied", "file.read", path=join(ref("folder.path"), "\\copy.txt")),
        call("guid", "layer.id", path=layers[0]),
    ], unmounted()  # fmt: skip


def probe() -> tuple[list[Call], list[Call]]:
    """A base layer of empty hives, and a scratch layer on it (hcs-hns.md 4.3)."""
    base = join(ref("folder.path"), "\\base")
    return [
        call("folder", "folder.create", path="smoke-contract"),
        *(call(f"hive{n}", "hive.empty", path=join(ref("folder.path"), f"{CONFIG}\\{name}")) for n, name in enumerate(HIVES)),
        call("base", "layer.base", path=base),
        call("scratch", "layer.scratch", path=join(ref("folder.path"), "\\scratch"), parents=[base]),
    ], [
        call("destroy", "layer.destroy", path=join(ref("folder.path"), "\\scratch")),
        call("destroy_base", "layer.destroy", path=base),
        call("remove", "folder.remove", path=ref("folder.path")),
    ]  # fmt: skip


def boot_disk(utility: str) -> tuple[list[Call], list[Call]]:
    """A machine with a disk that it must be let open."""
    disk = join(ref("folder.path"), "\\vm\\sandbox.vhdx")
    devices = {"Scsi": {"0": {"Attachments": {"0": {"Path": disk, "Type": "VirtualDisk"}}}}}
    return [
        call("folder", "folder.create", path="smoke-contract"),
        call("copy", "file.copy", source=f"{utility}\\SystemTemplate.vhdx", target=disk),
        call("grant", "vm.grant", vm="w-vm", path=disk),
        call("vm", "system.create", id="w-vm", document=vm(Devices=devices, GuestConnection={})),
        call("start", "system.start", system=ref("vm")),
    ], [
        *ended(),
        call("revoke", "vm.revoke", vm="w-vm", path=disk),
        call("remove", "folder.remove", path=ref("folder.path")),
    ]  # fmt: skip


def machine_late() -> tuple[list[Call], list[Call]]:
    calls, ends = machine()
    return [calls[0], call("start", "system.start", 0.3, system=ref("vm"))], ends


def box_late(layers: Sequence[str]) -> tuple[list[Call], list[Call]]:
    calls = mounted(list(layers))
    calls[3] = {**calls[3], "limit_s": 0.2}
    return calls, unmounted()


def refusals(layers: Sequence[str]) -> list[Scenario]:
    """Give a case for each code that Windows may answer with."""
    started = [
        scenario(
            f"start {code}",
            machine(),
            lines=[f"fault HcsStartComputeSystem 1 fail {code} As planted."],
            status="timeout" if code.endswith("705b4") else "failed",
            hresult=code,
        )
        for code in CODES
    ]
    layered = [
        scenario(
            f"layer {code}",
            box(layers),
            lines=[f"fault PrepareLayer 1 refuse {code}"],
            status="timeout" if code.endswith("705b4") else "failed",
            hresult=code,
        )
        for code in LAYER_CODES
    ]
    return started + layered


__all__ = ["BASIC", "container", "refusals", "scenarios"]
