"""Roles and features of Windows Server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wincnode.node.kinds import MOST_PATH, PATH, Field, Kind, Problem, Value, presence

# No feature of Windows has a longer name.
NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}"

# A folder, a share, or an image in a file:
# learn.microsoft.com/powershell/module/servermanager/install-windowsfeature
SOURCE = (
    rf"((?i:wim:)?{PATH}(:[0-9]{{1,3}})?"
    rf"|(?!.{{{MOST_PATH + 1}}})\\\\[^<>:\"|?*\\/\x00-\x1f]+\\[^<>:\"|?*\x00-\x1f]+)"
)
SOURCE_FORM = r"a folder such as D:\sources\sxs, \\server\share\sxs or wim:D:\install.wim:2"


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
            pattern=SOURCE,
            form=SOURCE_FORM,
            doc="Where Windows finds the files of a feature whose payload was removed.",
        ),
    ),
)
