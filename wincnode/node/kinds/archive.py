"""Files that are unpacked from an archive, and are still as it holds them."""

from __future__ import annotations

from wincnode.node.kinds import MOST_PATH, PATH, PATH_FORM, Field, Kind
from wincnode.node.kinds.download import SHA256, SHA256_FORM

KIND = Kind(
    name="archive",
    doc="Files of a folder that are as an archive holds them.",
    example=(
        r"{path: 'C:\k', files: [crictl.exe], source: '{{ item.path }}', "
        "sha256: '{{ item.sha256 }}'}"
    ),
    timeout_s=600,
    fields=(
        Field(
            name="path",
            type="text",
            role="key",
            required=True,
            pattern=PATH,
            form=PATH_FORM,
            doc="Full path of the folder; one that is missing is made for administrators only.",
        ),
        Field(
            name="files",
            type="texts",
            role="key",
            required=True,
            # Of tar.exe's words, one that begins with - is an option.
            pattern=rf"(?!.{{{MOST_PATH + 1}}})(?![/-])(?!(.*/)?\.\.(/|$))[A-Za-z0-9._/-]+",
            form="a list of the archive's own paths such as bin/ctr.exe, none beginning with -",
            doc="Files of the archive; each is written by its last name.",
        ),
        Field(
            name="sha256",
            type="text",
            role="want",
            required=True,
            pattern=SHA256,
            form=SHA256_FORM,
            doc="SHA-256 of the archive.",
        ),
        Field(
            name="source",
            type="text",
            role="want",
            compare="never",
            required=True,
            pattern=PATH,
            form=PATH_FORM,
            doc="Full path of the archive on the node, a .tar.gz or a .zip.",
        ),
    ),
)
