"""Programs for both executors, each with how its machine is, and what is to come of it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import winps
from compute_double import Double

from wincnode import assets
from wincnode.hcs.local.executor import execute
from wincnode.hcs.local.machine import Machine
from wincnode.hcs.local.native import Native
from wincnode.node.kinds import wire
from wincnode.node.kinds.compute_programs import KIND

Call: TypeAlias = "dict[str, Any]"
Program: TypeAlias = "dict[str, Any]"
ROOT = r"C:\ProgramData\wincnode\scratch"
SCHEMA = {"Major": 2, "Minor": 1}
BASIC = {"PropertyTypes": ["Basic"]}
GONE = ["0x80370110", "0xC0370110", "0x8037010e"]
NO_LAYER = ["0x80070002", "0x80070003", "0x80070490"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """One program on a machine.

    Args:
        lines: of the double's control file, for this program alone. after: for its end, and for
            what the next one removes.
        status: how its calls end: the first that is not ok, and its code; empty where all are.
        alone: whether it cannot share a process with others.
    """

    id: str
    calls: Sequence[Call]
    ends: Sequence[Call] = ()
    lines: Sequence[str] = ()
    after: Sequence[str] = ()
    status: str = ""
    hresult: str = ""
    alone: bool = False


def call(id: str, do: str, limit_s: float = 5, /, **args: Any) -> Call:
    return {"id": id, "do": do, "limit_s": limit_s, "args": args}


def ref(name: str) -> dict[str, str]:
    return {"$ref": name}


def join(*parts: Any) -> dict[str, Any]:
    return {"$join": list(parts)}


def vm(owner: str = "wincnode", **changes: Any) -> dict[str, Any]:
    """The machine that needs no image (hcs-hns.md 3.5)."""
    body = {
        "StopOnReset": True,
        "Chipset": {"Uefi": {}},
        "ComputeTopology": {
            "Memory": {"SizeInMB": 256, "AllowOvercommit": True},
            "Processor": {"Count": 1},
        },
        "Devices": {},
    }
    return {
        "Owner": owner,
        "SchemaVersion": SCHEMA,
        "ShouldTerminateOnLastHandleClosed": True,
        "VirtualMachine": {**body, **changes},
    }


def container(layers: Any, volume: Any) -> dict[str, Any]:
    return {
        "Owner": "wincnode",
        "SchemaVersion": SCHEMA,
        "ShouldTerminateOnLastHandleClosed": True,
        "Container": {
            "GuestOs": {"HostName": "smoke1"},
            "Storage": {"Layers": {"$layers": layers}, "Path": volume},
        },
    }


def ended(name: str = "vm") -> list[Call]:
    """What ends a system and closes it."""
    return [
        {**call("end", "system.terminate", system=ref(name)), "accept": GONE},
        {**call("gone", "system.exited", system=ref(name)), "accept": GONE},
        call("close", "system.close", system=ref(name)),
    ]


SCRATCH = join(ref("folder.path"), "\\scratch")


def mounted(parents: Any) -> list[Call]:
    """A scratch layer, attached, with its volume (hcs-hns.md 4.2)."""
    return [
        call("folder", "folder.create", path="smoke-contract"),
        call("scratch", "layer.scratch", path=SCRATCH, parents=parents),
        call("activate", "layer.activate", path=SCRATCH),
        call("prepare", "layer.prepare", path=SCRATCH, parents=parents),
        call("mount", "layer.volume", path=SCRATCH),
    ]


def unmounted() -> list[Call]:
    """All of it undone, each step whatever came of the one before."""
    rows = [
        {
            **call("unprepare", "layer.unprepare", path=SCRATCH),
            "accept": NO_LAYER,
            "undoes": "prepare",
        },
        {
            **call("deactivate", "layer.deactivate", path=SCRATCH),
            "accept": NO_LAYER,
            "undoes": "activate",
        },
        {**call("destroy", "layer.destroy", path=SCRATCH), "accept": NO_LAYER, "undoes": "scratch"},
    ]
    return [*rows, call("remove", "folder.remove", path=ref("folder.path"))]


def process(id: str, line: str, **changes: Any) -> Call:
    wanted = {"CommandLine": line, "CreateStdOutPipe": True, "CreateStdErrPipe": True}
    return call(id, "process.create", system=ref("box"), parameters={**wanted, **changes})


def finished(id: str, of: str, limit: int = 1000, limit_s: float = 5) -> list[Call]:
    return [
        call(id, "process.finished", limit_s, process=ref(of), output_limit=limit),
        call(f"close_{of}", "process.close", process=ref(of)),
    ]


def machine(*more: Call, **document: Any) -> tuple[list[Call], list[Call]]:
    """A machine without image that runs, and what ends it."""
    calls = [
        call("vm", "system.create", id="w-vm", document=vm(**document)),
        call("start", "system.start", system=ref("vm")),
        *more,
    ]
    return calls, ended()


def box(layers: Sequence[str], *more: Call) -> tuple[list[Call], list[Call]]:
    """A container that runs, and what ends it and its scratch layer."""
    calls = [
        *mounted(list(layers)),
        call(
            "box",
            "system.create",
            id="w-box",
            document=container(list(layers), ref("mount.volume")),
        ),
        call("start", "system.start", system=ref("box")),
        *more,
    ]
    return calls, [*ended("box"), *unmounted()]


def scenario(id: str, parts: tuple[list[Call], list[Call]], **changes: Any) -> Scenario:
    return Scenario(id=id, calls=parts[0], ends=parts[1], **changes)


def numbered(scenarios: Sequence[Scenario]) -> tuple[list[Program], list[str]]:
    """Give the programs of scenarios, each a scene of its own, and the lines of all scenes."""
    programs = []
    lines = []
    for number, row in enumerate(scenarios):
        calls = [call("scene", "service.properties", query=BASIC), *row.calls]
        ends = [*row.ends, call("curtain", "service.properties", query=BASIC)]
        programs.append({"version": 1, "owner": "wincnode", "calls": calls, "finally": ends})
        lines += [f"scene {2 * number + 1}", *row.lines] if row.lines else []
        lines += [f"scene {2 * number + 2}", *row.after] if row.after else []
    return programs, lines


def local(double: Double, *, start: Any = None) -> Machine:
    """The machine as ctypes sees it."""
    os.environ.update(double.environment)
    return Machine(
        Native(double.paths), root=ROOT, build=double.build, drive=double.drive, start=start
    )


def by_ctypes(double: Double, programs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Run programs in this process."""
    return [plain(execute(program, local(double))) for program in programs]


def steps(programs: Sequence[Mapping[str, Any]], timeout_s: float = 300) -> dict[str, Any]:
    """Give what a request holds that runs programs on a node."""
    rows = [
        {"id": f"p{number}", "needs": [], "program": program}
        for number, program in enumerate(programs)
    ]
    return {
        "mode": "apply",
        "kinds": {KIND.name: wire(KIND)},
        "scripts": {name: assets.node_script(name) for name in KIND.brings},
        "steps": [winps.step(KIND.name, {}, {"programs": rows}, timeout_s=timeout_s)],
    }


def by_platform(
    node: winps.Machine, double: Double, programs: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Run programs in one process of PowerShell."""
    node.engine.variables.update(double.environment)
    events = node.run(**steps(programs))
    assert winps.outcomes(events) == ["ok"], events[-2:]
    return [plain(event["result"]) for event in winps.of(events, "program_finished")]


def plain(result: dict[str, Any]) -> dict[str, Any]:
    """Leave out what only a clock says, and the words of other systems than Windows."""
    for row in (*result["calls"], *result["finally"]):
        assert isinstance(row.pop("ms"), int)
        # Python and .NET have words of their own for a file that is not there.
        if row.get("hresult") in {"0x80070002", "0x80070003"} and row["do"].startswith("file."):
            del row["message"]
    found: dict[str, Any] = json.loads(json.dumps(result, sort_keys=True))
    return found


def failed(result: Mapping[str, Any]) -> tuple[str, str]:
    """Give how the calls of a program ended: the first that is not ok, and its code."""
    for row in result["calls"]:
        if row["status"] != "ok":
            return row["status"], row["hresult"]
    return "", ""


def folder_of(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
