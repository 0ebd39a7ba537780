"""What Microsoft Defender Antivirus leaves alone."""

from __future__ import annotations

from wincnode.node.kinds import Field, Kind, presence

# Source of the types: learn.microsoft.com/powershell/module/defender/add-mppreference
KIND = Kind(
    name="defender_exclusion",
    doc="What Microsoft Defender Antivirus leaves alone; where it does not run, nothing is to do.",
    example=r"{type: process, value: 'C:\Program Files\containerd\bin\containerd.exe'}",
    timeout_s=120,
    fields=(
        Field(
            name="type",
            type="text",
            role="key",
            required=True,
            allowed=("path", "process", "extension"),
            doc="path: a file or folder. process: what a program opens, not the program itself.",
        ),
        Field(
            name="value",
            type="text",
            role="key",
            required=True,
            pattern=r"[^\x00-\x1f|]+",
            form="a path, a program or an extension",
            doc="The path, the program or the extension.",
        ),
        presence("Whether there is to be such an exclusion."),
    ),
)
