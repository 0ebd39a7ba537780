"""A value in the registry."""

from __future__ import annotations

from wincnode.node.kinds import Field, Kind, presence

# Source of the types: learn.microsoft.com/dotnet/api/microsoft.win32.registryvaluekind
KIND = Kind(
    name="registry_value",
    doc="A value of a registry key, or no such value.",
    fields=(
        Field(
            name="path",
            type="text",
            role="key",
            required=True,
            pattern=r"(?i)(HKLM|HKU|HKCR):\\[^\\].*",
            form=r"a key such as HKLM:\SOFTWARE\wincnode",
            doc="The key; it is made where it is missing.",
        ),
        Field(name="name", type="text", role="key", required=True, doc="Name of the value."),
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
            doc="The value as a list of texts; one item but for MultiString, numbers in decimal.",
        ),
    ),
)
