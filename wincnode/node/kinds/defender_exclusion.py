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
            # It is the name of a value in the registry: at most 16,383 characters, by
            # learn.microsoft.com/windows/win32/sysinfo/registry-element-size-limits. A path has
            # no such characters: learn.microsoft.com/windows/win32/fileio/naming-a-file
            pattern=r"[^\x00-\x1f|\"<>]{1,16383}",
            form="a path, a program or an extension of at most 16383 characters",
            doc="The path, the program or the extension.",
        ),
        presence("Whether there is to be such an exclusion."),
    ),
)
