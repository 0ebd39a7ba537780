"""The exports as ctypes, platform.cs and network.cs declare them, held against the headers of the Windows SDK.

A declaration that differs by a width corrupts the stack of a node; no test on Linux would see it.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from wincnode import assets
from wincnode.hcs.local.rights import Attributes, Text
from wincnode.hcs.local.table import EXPORTS

# Name and parameters; each is its name, its width in bits (64 for what is as wide as a pointer), and
# whether the callee writes through it. The result stands first, without a name.
Signature: TypeAlias = "tuple[tuple[str, int, bool], ...]"
HANDLES = ("HCS_SYSTEM", "HCS_PROCESS", "HCS_OPERATION", "HCS_CALLBACK", "HANDLE")
FUNCTIONS = ("HCS_OPERATION_COMPLETION", "HCS_EVENT_CALLBACK")
TABLE = {"handle": 64, "text": 64, "pointer": 64, "size": 64, "i32": 32, "u32": 32, "void": 0}
SHARP = {
    "IntPtr": 64,
    "UIntPtr": 64,
    "string": 64,
    "Notification": 64,
    "int": 32,
    "uint": 32,
    "void": 0,
}


def sdk() -> dict[str, Signature]:
    """Read the SDK's declarations of what is called of computecore.dll."""
    return declared(lambda row, name: (row["dll"], name) in EXPORTS)


def declared(wanted: Callable[[Mapping[str, Any], str], bool]) -> dict[str, Signature]:
    """Read the SDK's declarations of the functions that are wanted."""
    beside = Path(__file__).parents[2] / "shared" / "winsdk" / "host-compute-api.json"
    path = Path(os.environ.get("WINCNODE_WINSDK", str(beside)))
    if not path.is_file():
        pytest.skip(f"no declarations of the Windows SDK at {path}; set WINCNODE_WINSDK")
    rows = json.loads(path.read_text())["functions"]
    return {
        name: (
            ("", 0 if row["returns"] == "void" else sdk_width(row["returns"]), False),
            *(
                (lower(item["name"]), sdk_width(item["type"]), "_Out" in item["sal"])
                for item in row["parameters"]
            ),
        )
        for name, row in rows.items()
        if wanted(row, name)
    }


def lower(name: str) -> str:
    """Give a name as .NET writes parameters; computenetwork.h begins them with a capital."""
    return name[0].lower() + name[1:]


def sdk_width(name: str) -> int:
    if name.endswith("*") or name in {*HANDLES, *FUNCTIONS, "PCWSTR", "UINT64", "REFGUID"}:
        return 64
    if re.fullmatch(r"P?HCN_(NETWORK|ENDPOINT|NAMESPACE)", name):
        return 64
    assert name in {"HRESULT", "DWORD"}, name
    return 32


def table() -> dict[tuple[str, str], Signature]:
    """Read the table of ctypes."""
    return {
        key: (
            ("", TABLE[row.result], False),
            *((item.name, TABLE[item.type], item.out) for item in row.parameters),
        )
        for key, row in EXPORTS.items()
    }


def sharp(*files: str) -> dict[tuple[str, str], Signature]:
    """Read the declarations of files of C#."""
    text = "".join(map(assets.node_script, files))
    dlls = re.split(r"private const string Dll = (\"\w+\.dll\");", text)
    found = {}
    for dll, part in zip(["", *dlls[1::2]], dlls[0::2], strict=True):
        for literal, result, name, words in re.findall(
            r"\[DllImport\((.+?), ExactSpelling = true, CharSet = CharSet\.Unicode[^]]*\)\]\s+"
            r"internal static extern (\w+) (\w+)\((.*)\);",
            part,
        ):
            own = dll if literal == "Dll" else literal
            found[own.strip('"'), name] = (
                ("", SHARP[result], False),
                *map(sharp_parameter, words.split(", ") if words else ()),
            )
    return found


def sharp_parameter(words: str) -> tuple[str, int, bool]:
    *kinds, name = words.split()
    out = kinds[0] in {"out", "[Out]"}
    # An array and what is given by reference are pointers; a ref is both in and out.
    pointer = kinds[0] in {"out", "ref"} or kinds[-1].endswith("[]")
    width = 64 if pointer else SHARP[kinds[-1]]
    return name.lstrip("@"), width, out or kinds == ["ref", "UIntPtr"]


def test_table_has_the_signatures_of_the_sdk() -> None:
    """Names, order, widths and directions: 0 differences."""
    real = sdk()
    ours = {name: row for (dll, name), row in table().items() if dll == "computecore.dll"}

    assert len(ours) >= 25
    assert {name: row for name, row in ours.items() if real[name] != row} == {}


def test_platform_has_the_signatures_of_the_sdk() -> None:
    """Names, order, widths and directions: 0 differences."""
    real = sdk()
    rows = sharp("calls.cs", "compute/exports.cs")
    ours = {name: row for (dll, name), row in rows.items() if dll == "computecore.dll"}

    assert len(ours) >= 25
    assert {name: row for name, row in ours.items() if real[name] != row} == {}


def test_network_has_the_signatures_of_the_sdk() -> None:
    """Networks, endpoints and namespaces, seven exports each: 0 differences."""
    rows = sharp("network.cs")
    ours = {name: row for (dll, name), row in rows.items() if dll == "computenetwork.dll"}
    real = declared(lambda row, name: row["dll"] == "computenetwork.dll" and name in ours)

    assert len(ours) == 21
    assert {name: row for name, row in ours.items() if real[name] != row} == {}
    # microsoft/hcsshim:internal/hns/hns.go@7c9ff7f4
    assert rows["vmcompute.dll", "HNSCall"] == (
        ("", 32, False),
        *((name, 64, False) for name in ("method", "path", "object")),
        ("response", 64, True),
    )


# Source: learn.microsoft.com/windows/win32/api/ntsecapi, learn.microsoft.com/windows/win32/api/sddl
LSA: Mapping[str, Signature] = {
    "LsaOpenPolicy": (
        ("", 32, False),
        ("systemName", 64, False),
        ("objectAttributes", 64, False),
        ("desiredAccess", 32, False),
        ("policyHandle", 64, True),
    ),
    "LsaEnumerateAccountsWithUserRight": (
        ("", 32, False),
        ("policyHandle", 64, False),
        ("userRight", 64, False),
        ("buffer", 64, True),
        ("countReturned", 64, True),
    ),
    "LsaFreeMemory": (("", 32, False), ("buffer", 64, False)),
    "LsaClose": (("", 32, False), ("objectHandle", 64, False)),
    "ConvertSidToStringSidW": (("", 32, False), ("sid", 64, False), ("stringSid", 64, True)),
}
HEADER = Path("/usr/x86_64-w64-mingw32/include/ntsecapi.h")
LSA_WIDTHS = {"NTSTATUS": 32, "ACCESS_MASK": 32, "LSA_HANDLE": 64, "PVOID": 64}


def test_lsa_is_declared_as_documented() -> None:
    """By both: names, order, widths, directions; structures as a Windows of 64 bits has them."""
    here = {name: row for (_, name), row in table().items() if name in LSA}
    there = {name: row for (_, name), row in sharp("compute/exports.cs").items() if name in LSA}

    assert here == there == LSA
    # Two counts and padding, an address; a number and padding before an address, twice.
    assert (ctypes.sizeof(Text), Text.buffer.offset) == (16, 8)
    assert (ctypes.sizeof(Attributes), Attributes.attributes.offset) == (48, 24)


def test_lsa_is_declared_as_in_a_header() -> None:
    """mingw-w64 has the functions of ntsecapi.h in a header of its own."""
    if not HEADER.is_file():
        pytest.skip(f"no {HEADER}")
    found = {}
    for result, name, words in re.findall(
        r"(NTSTATUS) NTAPI (Lsa\w+)\(([^)]*)\);", HEADER.read_text(encoding="utf-8")
    ):
        if name in LSA:
            parts = (re.split(r"(?<=[ *])(?=\w+$)", word) for word in words.split(","))
            found[name] = (
                ("", LSA_WIDTHS[result]),
                *((lower(last), lsa_width(type.strip())) for type, last in parts),
            )

    real = {name: row for name, row in LSA.items() if name.startswith("Lsa")}
    assert found == {name: tuple((one[0], one[1]) for one in row) for name, row in real.items()}


def lsa_width(type: str) -> int:
    """Give a type's width; what begins with P, or ends with a star, is a pointer."""
    return LSA_WIDTHS.get(type) or (64 if type.startswith("P") or type.endswith("*") else 0)


def test_both_declare_the_same() -> None:
    """What the SDK has no header for is told once by hcsshim, and written twice."""
    first = {key: row for key, row in table().items() if key[1] not in PYTHON_ONLY}
    second = sharp("calls.cs", "compute/exports.cs")

    assert set(first) == set(second)
    assert {
        key: (first[key], second[key]) for key in first if plain(first[key]) != plain(second[key])
    } == {}


# .NET makes folders with rights by itself.
PYTHON_ONLY = {
    "CreateDirectoryW",
    "ConvertStringSecurityDescriptorToSecurityDescriptorW",
    "GetNamedSecurityInfoW",
}


def plain(row: Signature) -> Signature:
    """Leave out the direction of what goes both ways, or is a buffer that C# gives as an address."""
    both = {"overlapped", "buffer", "info"}
    return tuple((name, width, out and name not in both) for name, width, out in row)


def test_sources_of_the_double_export_what_is_called() -> None:
    """The double has each export that is called, so that no call is left untried."""
    text = (Path(__file__).parent / "compute_double" / "exports.c").read_text()
    names = set(
        re.findall(r"^(?:CORE|VM|NET)\(\w+, (\w+),|^FORWARD\(\w+, \w+, (\w+),", text, re.MULTILINE)
    )

    called = {name for _, name in (*EXPORTS, *sharp("network.cs"))}
    assert {name for pair in names for name in pair if name} == called
