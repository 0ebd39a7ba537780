"""Roles and features of Windows Server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wincnode.node.kinds import Field, Kind, Problem, Value, presence

NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"


def _rule(values: Mapping[str, Value]) -> Iterator[Problem]:
    """What goes, goes alone: the features beside it and the payload belong to an install."""
    if values.get("state") == "absent":
        for field in ("with", "source"):
            if field in values:
                yield field, "given where state is absent; it takes part in an install alone"


# Source of the names: learn.microsoft.com/powershell/module/servermanager/get-windowsfeature
KIND = Kind(
    name="windows_feature",
    doc="Roles and features of Windows Server, by their names in Server Manager.",
    rule=_rule,
    example="{name: Containers, with: [Hyper-V, Hyper-V-PowerShell]}",
    timeout_s=1800,
    fields=(
        Field(
            name="name",
            type="text",
            role="key",
            required=True,
            pattern=NAME,
            form="a name such as Containers, as Get-WindowsFeature shows it",
            doc="Name of the feature; a client of Windows has none, so use optional_feature there.",
        ),
        presence("Whether it is installed; a reboot may have to end either."),
        Field(
            name="with",
            type="texts",
            role="want",
            compare="set",
            pattern=NAME,
            form="a list of names such as Hyper-V-PowerShell",
            doc="Features that are installed together with it, so that one reboot ends them all.",
        ),
        Field(
            name="source",
            type="text",
            role="want",
            doc="Where Windows finds the files of a feature whose payload was removed.",
        ),
    ),
)
