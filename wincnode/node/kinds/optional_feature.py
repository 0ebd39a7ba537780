"""Optional features of Windows, as DISM knows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wincnode.node.kinds import Field, Kind, Problem, Value
from wincnode.node.kinds.windows_feature import NAME, SOURCE, SOURCE_FORM


def _rule(values: Mapping[str, Value]) -> Iterator[Problem]:
    """What is switched off goes alone: the other fields belong to a feature that is on."""
    if values.get("state") == "disabled":
        for field in ("with", "without", "source"):
            if field in values:
                yield field, "given where state is disabled; it goes with enabled alone"


# Source of the names: learn.microsoft.com/powershell/module/dism/get-windowsoptionalfeature
KIND = Kind(
    name="optional_feature",
    doc="Optional features of Windows, server or client, by their names in DISM.",
    rule=_rule,
    example="{name: Microsoft-Hyper-V, without: [Microsoft-Hyper-V-Online]}",
    timeout_s=1800,
    fields=(
        Field(
            name="name",
            type="text",
            role="key",
            required=True,
            pattern=NAME,
            form="a name such as Microsoft-Hyper-V, as Get-WindowsOptionalFeature shows it",
            doc="Name of the feature.",
        ),
        Field(
            name="state",
            type="text",
            role="want",
            default="enabled",
            allowed=("enabled", "disabled"),
            doc="Whether it is on, with all that it needs; a reboot may have to end either.",
        ),
        Field(
            name="with",
            type="texts",
            role="want",
            compare="set",
            pattern=NAME,
            form="a list of names such as Containers",
            doc="Features that are switched on together with it, so that one reboot ends them all.",
        ),
        Field(
            name="without",
            type="texts",
            role="want",
            compare="set",
            pattern=NAME,
            form="a list of names such as Microsoft-Hyper-V-Online",
            doc="Parts of it that are switched off again before the reboot.",
        ),
        Field(
            name="source",
            type="text",
            role="want",
            pattern=SOURCE,
            form=SOURCE_FORM,
            doc="Where Windows finds the files of a feature whose payload was removed.",
        ),
    ),
)
