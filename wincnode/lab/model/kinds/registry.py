"""The kinds `registry_value` and `environment`."""

from __future__ import annotations

import re
import struct
from typing import Any

from wincnode.lab.model.failures import Failure
from wincnode.lab.model.host import Found, Host, Values
from wincnode.lab.windows.registry import Data, Value

ENVIRONMENT = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment"


def get_value(host: Host, key: Values, _want: Values) -> Found:
    """Give a value's type and its data as texts."""
    there = host.machine.registry.get(_path(key["path"]), key["name"])
    if there is None:
        return Found(values={"state": "absent"})
    data = there.data if isinstance(there.data, list) else [there.data]
    if there.kind == "DWord":
        data = list(struct.unpack("<I", struct.pack("<i", there.data)))
    texts = [str(part) for part in data]
    return Found(values={"state": "present", "type": there.kind, "value": texts})


def set_value(host: Host, key: Values, want: Values, _found: Found) -> None:
    """Write the value or remove it."""
    path = _path(key["path"])
    if want.get("state") == "absent":
        host.machine.registry.delete_value(path, key["name"])
        return
    texts = [str(part) for part in want.get("value", [""])]
    kind = want["type"]
    data: Data = texts[0] if texts else ""
    try:
        if kind == "DWord":
            (data,) = struct.unpack("<i", struct.pack("<I", int(texts[0])))
        elif kind == "QWord":
            data = int(texts[0])
    except (ValueError, struct.error):
        text = "Input string was not in a correct format."
        raise Failure(text, "InvalidCastFromStringToInteger") from None
    if kind == "MultiString":
        data = texts
    host.machine.registry.set(path, key["name"], Value(kind=kind, data=data))


def _path(path: str) -> str:
    hive, _, rest = path.partition("\\")
    names = [hive.rstrip(":").upper(), *(part for part in rest.split("\\") if part)]
    return "\\".join(names).replace("HKCR", r"HKLM\SOFTWARE\Classes", 1)


def get_environment(host: Host, key: Values, want: Values) -> Found:
    """Give a variable as it is stored, and which of the wanted entries it holds."""
    have = host.machine.registry.data(ENVIRONMENT, key["name"])
    values: dict[str, Any] = {"state": "absent"}
    if have is not None:
        values = {"state": "present", "value": _text(have)}
    there = _entries(_text(have).split(";"))
    if "entries" in want:
        values["entries"] = [row for row in want["entries"] if _entry(row) in there]
        values["missing"] = [row for row in want["entries"] if _entry(row) not in there]
    if "without" in want:
        values["without"] = [row for row in want["without"] if _entry(row) not in there]
    return Found(values=values)


def set_environment(host: Host, key: Values, want: Values, _found: Found) -> None:
    """Write a variable, add entries to it, take some out, or remove it."""
    registry, name = host.machine.registry, key["name"]
    if want.get("state") == "absent":
        registry.delete_value(ENVIRONMENT, name)
        return
    old = registry.get(ENVIRONMENT, name)
    text = _text(old.data if old else None)
    if "value" in want:
        text = _text(want["value"])
    if "value" not in want:
        rows = [row for row in text.split(";") if row]
        for entry in want.get("entries", ()):
            if entry and _entry(entry) not in _entries(rows):
                rows.append(entry)
        gone = _entries(want.get("without", []))
        text = ";".join(row for row in rows if _entry(row) not in gone)
    kind = old.kind if old else "String"
    if re.search(r"%\w+%", text):
        kind = "ExpandString"
    registry.set(ENVIRONMENT, name, Value(kind=kind, data=text))


def _text(data: object) -> str:
    """Give what PowerShell makes of a value as a text."""
    if isinstance(data, list):
        return " ".join(map(str, data))
    return "" if data is None else str(data)


def _entries(rows: list[str]) -> set[str]:
    return {_entry(row) for row in rows}


def _entry(text: str) -> str:
    return text.rstrip("\\").lower()
