"""A file with given content."""

from __future__ import annotations

from wincnode.node.kinds import PATH, PATH_FORM, Field, Kind, presence

KIND = Kind(
    name="file",
    doc="A file with the given content, or no file.",
    fields=(
        Field(
            name="path",
            type="text",
            role="key",
            required=True,
            pattern=PATH,
            form=PATH_FORM,
            doc="Full path of the file; its folder must exist.",
        ),
        presence("Whether there is to be a file."),
        Field(
            name="content",
            type="text",
            role="want",
            doc="The whole text, written as UTF-8 without a byte order mark.",
        ),
    ),
)
