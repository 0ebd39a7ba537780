"""Carries programs of the Host Compute Service out on a machine's model, as platform.cs does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import NAMESPACE_DNS, uuid5

from wincnode.lab.windows.compute import (
    IN_USE,
    INVALID_ARGUMENT,
    NO_FILE,
    NOT_FOUND,
    OWNER,
    ROOT,
    VOLUME,
    Compute,
    HcsError,
    System,
)

Row: TypeAlias = dict[str, Any]
Args: TypeAlias = Mapping[str, Any]
# HCS_E and ERROR_VMCOMPUTE are one code in two spellings: winerror.h of the Windows SDK.
_TWIN = {0x8037: 0xC037, 0xC037: 0x8037}
# Why a node may call neither HCS nor HNS.
REFUSED = "Add-Type: the library was blocked by application control"


@dataclass(kw_only=True, slots=True)
class Executor:
    """Carries out one program.

    Args: results: of its calls by their ids; handles are systems, or (system, pid).
    """

    compute: Compute
    results: dict[str, Any] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)
    _pid: int = 4100

    def run(self, program: Mapping[str, Any]) -> Row:
        """Make the calls, then those of `finally`; gives the result document."""
        if "hcs-refused" in self.compute.faults:
            rows = [_row(call, "skipped") for call in (*program["calls"], *program["finally"])]
            number = len(program["calls"])
            return {
                "version": 1,
                "leftovers": [],
                "calls": rows[:number],
                "finally": rows[number:],
                "refused": REFUSED,
            }
        leftovers = self._leftovers() if program["owner"] == OWNER else []
        calls: list[Row] = []
        for call in program["calls"]:
            broken = any(row["status"] != "ok" for row in calls)
            calls.append(_row(call, "skipped") if broken else self._made(call))
            self.status[call["id"]] = calls[-1]["status"]
        ending = [self._ended(call) for call in program["finally"]]
        return {"version": 1, "leftovers": leftovers, "calls": calls, "finally": ending}

    def _leftovers(self) -> list[Row]:
        rows: list[Row] = []
        for system in [row for row in self.compute.systems.values() if row.owner == OWNER]:
            self.compute.systems.pop(system.id)
            rows.append({"kind": "system", "id": system.id, "removed": True, "error": ""})
        for folder in sorted(self.compute.folders):
            row = {"kind": "scratch", "id": folder, "removed": True, "error": ""}
            try:
                self.remove(folder)
            except HcsError as error:
                row |= {"removed": False, "error": f"0x{error.code:08x}"}
            rows.append(row)
        return rows

    def _ended(self, call: Mapping[str, Any]) -> Row:
        """Make a call of `finally`, unless what it undoes was never begun."""
        names = {name.partition(".")[0] for name in _names(call["args"])}
        undone = self.status.get(call.get("undoes", ""), "ok")
        if undone == "skipped" or any(self.status.get(name) != "ok" for name in names):
            return _row(call, "skipped")
        row = self._made(call)
        accepted = {_twins(int(code, 16)) for code in call.get("accept", ())}
        if row["status"] == "failed" and _twins(int(row["hresult"], 16)) in accepted:
            return _row(call, "ok")
        return row

    def _made(self, call: Mapping[str, Any]) -> Row:
        try:
            result = _VERBS[call["do"]](self, self._resolved(call["args"]))
        except HcsError as error:
            row = _row(call, "failed")
            row |= {"hresult": f"0x{error.code:08x}", "message": error.text}
            if error.events:
                signed = error.code - 0x100000000
                events = [{"Message": text} for text in error.events]
                row["error"] = {"Error": signed, "ErrorMessage": "", "ErrorEvents": events}
            return row
        self.results[call["id"]] = result
        return {**_row(call, "ok"), "ms": 12, "result": _shown(result)}

    def _resolved(self, value: Any) -> Any:  # noqa: PLR0911 - one return for each form
        match value:
            case {"$ref": written}:
                return self._value(written)
            case {"$join": parts}:
                return "".join(self._resolved(part) for part in parts)
            case {"$layers": of}:
                return [{"Id": _guid(path), "Path": path} for path in self._resolved(of)]
            case {"$layers_v1": of}:
                return [{"ID": _guid(path), "Path": path} for path in self._resolved(of)]
            case dict():
                return {key: self._resolved(item) for key, item in value.items()}
            case list():
                return [self._resolved(item) for item in value]
        return value

    def _value(self, written: str) -> Any:
        call, _, name = written.partition(".")
        result = self.results[call]
        if not name:
            return result
        if isinstance(result, System):
            return result.id
        if name not in result:
            raise HcsError(NOT_FOUND, f"{written}: the result has no such field")
        return result[name]

    def remove(self, path: str) -> None:
        layers = [name for name in self.compute.layers if name.startswith(f"{path}\\")]
        if any(self.compute.layers[name].attached for name in layers):
            raise HcsError(IN_USE)
        self.compute.folders.discard(path)
        self.compute.forget(path)
        for name in layers:
            del self.compute.layers[name]

    def service(self, args: Args) -> Any:
        self.compute.answer()
        if args["query"].get("PropertyTypes") != ["Basic"]:
            raise HcsError(INVALID_ARGUMENT)
        newest = {17763: 1, 20348: 5}.get(self.compute.build, 7)
        versions = [{"Major": 1, "Minor": 0}, {"Major": 2, "Minor": newest}]
        return {"Properties": [{"SupportedSchemaVersions": versions}]}

    def systems(self, args: Args) -> Any:
        self.compute.answer()
        owners = args["query"].get("Owners")
        rows = self.compute.systems.values()
        return [_properties(row) for row in rows if not owners or row.owner in owners]

    def process(self, args: Args) -> Any:
        said = self.compute.ver(args["system"])
        self._pid += 4
        return {"pid": self._pid, "said": said}

    def create_folder(self, args: Args) -> Any:
        path = f"{ROOT}\\{args['path']}"
        if path in self.compute.folders:
            raise HcsError(IN_USE, f"{args['path']} stays of an earlier program")
        self.compute.folders.add(path)
        return {"path": path}

    def write(self, args: Args) -> None:
        if not args["path"].startswith((ROOT, VOLUME)):
            raise HcsError(INVALID_ARGUMENT)
        self.compute.files[args["path"]] = args.get("text", "")

    def read(self, args: Args) -> Any:
        if args["path"] not in self.compute.files:
            raise HcsError(NO_FILE)
        return {"text": self.compute.files[args["path"]]}

    def copy(self, args: Args) -> None:
        if not args["target"].startswith(ROOT):
            raise HcsError(INVALID_ARGUMENT)
        self.compute.files[args["target"]] = ""

    def shares(self, args: Args) -> Any:
        layers = []
        for number, path in enumerate(args["folders"]):
            named = {**args["request"]["Settings"], "Name": f"s{number}", "Path": path}
            self.compute.modify(args["system"], {**args["request"], "Settings": named})
            layers.append({"Id": _guid(path), "Path": f"{args['guest']}s{number}"})
        return {"layers": layers}

    def grant(self, args: Args) -> None:
        self.compute.answer()
        self.compute.grants.add((args["vm"], args["path"]))

    def revoke(self, args: Args) -> None:
        self.compute.grants.discard((args["vm"], args["path"]))

    def image(self, args: Args) -> Any:
        parents = self.compute.layers_of(args["image"])
        more = {"utility_vm": f"{parents[-1]}\\UtilityVM"} if args.get("utility_vm") else {}
        return {"parents": list(parents), "base": parents[-1], **more}


def _done(args: Args) -> Any:
    return {"exit_code": 0, "stdout": args["process"]["said"], "stderr": "", "truncated": False}


def _exited(args: Args) -> Any:
    if args["system"].state == "Created":
        raise HcsError(0x80370118)
    return {"Status": 0, "ExitType": "ForcedExit"}


_VERBS: Mapping[str, Callable[[Executor, Args], Any]] = {
    "service.properties": Executor.service,
    "service.systems": Executor.systems,
    "system.create": lambda me, args: me.compute.create(args["id"], args["document"], v1=False),
    "system.create_v1": lambda me, args: me.compute.create(args["id"], args["document"], v1=True),
    "system.open": lambda me, args: me.compute.find(args["id"]),
    "system.start": lambda me, args: me.compute.start(args["system"]),
    "system.terminate": lambda me, args: me.compute.terminate(args["system"]),
    "system.modify": lambda me, args: me.compute.modify(args["system"], args["request"]),
    "system.shares": Executor.shares,
    "system.properties": lambda _me, args: _properties(args["system"]),
    "system.exited": lambda _me, args: _exited(args),
    "system.close": lambda me, args: _closed(me, args["system"]),
    "process.create": Executor.process,
    "process.finished": lambda _me, args: _done(args),
    "process.close": lambda _me, _args: None,
    "vm.grant": Executor.grant,
    "vm.revoke": Executor.revoke,
    "layer.scratch": lambda me, args: me.compute.scratch(args["path"], tuple(args["parents"])),
    "layer.activate": lambda me, args: me.compute.activate(args["path"]),
    "layer.prepare": lambda me, args: me.compute.prepare(args["path"]),
    "layer.volume": lambda me, args: {"volume": me.compute.volume(args["path"])},
    "layer.unprepare": lambda me, args: me.compute.unprepare(args["path"]),
    "layer.deactivate": lambda me, args: me.compute.deactivate(args["path"]),
    "layer.destroy": lambda me, args: me.compute.destroy(args["path"]),
    "layer.base": lambda me, args: me.compute.base(args["path"]),
    "hive.empty": Executor.write,
    "folder.create": Executor.create_folder,
    "folder.remove": lambda me, args: me.remove(args["path"]),
    "file.copy": Executor.copy,
    "file.write": Executor.write,
    "file.read": Executor.read,
    "image.layers": Executor.image,
    "right.holders": lambda me, args: {"sids": me.compute.holders(args["right"])},
}


def _closed(me: Executor, system: System) -> None:
    """Close a handle; a system of wincnode's ends with the last one."""
    if system.owner == OWNER:
        me.compute.systems.pop(system.id, None)


def _properties(system: System) -> Row:
    return {
        "Id": system.id,
        "SystemType": system.type,
        "Owner": system.owner,
        "RuntimeOsType": "Windows",
        "State": system.state,
    }


def _shown(result: Any) -> Any:
    if isinstance(result, System):
        return {"handle": True, "id": result.id}
    if isinstance(result, dict) and "said" in result:
        return {"handle": True, "pid": result["pid"]}
    return result


def _row(call: Mapping[str, Any], status: str) -> Row:
    return {"id": call["id"], "do": call["do"], "status": status, "ms": 0, "message": ""}


def _names(value: Any) -> list[str]:
    match value:
        case {"$ref": written}:
            return [written]
        case dict():
            return [name for item in value.values() for name in _names(item)]
        case list():
            return [name for item in value for name in _names(item)]
    return []


def _twins(code: int) -> int:
    return min(code, (_TWIN[code >> 16] << 16) | (code & 0xFFFF)) if code >> 16 in _TWIN else code


def _guid(path: str) -> str:
    return str(uuid5(NAMESPACE_DNS, path.rpartition("\\")[2]))
