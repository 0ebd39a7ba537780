"""A value in the registry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from wincnode.node.kinds import Field, Kind, Problem, Value, presence

# DWord is read as an unsigned number, QWord as a signed one, as .NET's RegistryKey gives it.
LARGEST = MappingProxyType({"DWord": 2**32 - 1, "QWord": 2**63 - 1})
SINGLE = ("String", "ExpandString", *LARGEST)


def _rule(values: Mapping[str, Value]) -> Iterator[Problem]:
    """A value that is to be there is given, in the form that its type takes."""
    kind, value = str(values.get("type")), values.get("value")
    if values.get("state") != "present":
        return
    if not isinstance(value, list):
        yield "value", "missing; it takes a list of texts where state is present"
    elif kind in SINGLE and len(value) != 1:
        yield "value", f"has {len(value)} items; type {kind} takes one, MultiString any number"
    elif kind in LARGEST and not _is_number(str(value[0]), LARGEST[kind]):
        yield "value", f"is {value!r:.80}; type {kind} takes a number from 0 to {LARGEST[kind]}"


def _is_number(text: str, largest: int) -> bool:
    return bool(re.fullmatch("0|[1-9][0-9]{0,18}", text)) and int(text) <= largest


# Source of the types: learn.microsoft.com/dotnet/api/microsoft.win32.registryvaluekind
KIND = Kind(
    name="registry_value",
    doc="A value of a registry key, or no such value.",
    rule=_rule,
    example=r"{path: HKLM:\SOFTWARE\wincnode, name: Level, type: DWord, value: ['1']}",
    fields=(
        Field(
            name="path",
            type="text",
            role="key",
            required=True,
            # 255 characters of a key's name, 512 keys below each other, 16,383 of a value's name:
            # learn.microsoft.com/windows/win32/sysinfo/registry-element-size-limits
            pattern=r"(?i:HKLM|HKU|HKCR):(\\[^\\\x00-\x1f]{1,255}){1,511}",
            form=r"a key such as HKLM:\SOFTWARE\wincnode, each name of at most 255 characters",
            doc="The key; it is made where it is missing.",
        ),
        Field(
            name="name",
            type="text",
            role="key",
            required=True,
            pattern=r"[^\x00]{0,16383}",
            form="a name of at most 16383 characters",
            doc="Name of the value.",
        ),
        presence("Whether there is to be such a value."),
        Field(
            name="type",
            type="text",
            role="want",
            default="String",
            allowed=("String", "ExpandString", "DWord", "QWord", "MultiString"),
            doc="Type of the value.",
        ),
        Field(
            name="value",
            type="texts",
            role="want",
            secret=True,
            pattern=r"[^\x00]*",
            form="a list of texts without NUL",
            doc="The value as a list of texts; one item but for MultiString, numbers in decimal.",
        ),
    ),
)
