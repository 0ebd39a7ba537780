"""A file with given content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wincnode.node.kinds import PATH, PATH_FORM, Field, Kind, Problem, Value, presence


def _rule(values: Mapping[str, Value]) -> Iterator[Problem]:
    """A file that is to be there has a known content."""
    if values.get("state") == "present" and "content" not in values:
        yield "content", "missing; it takes text where state is present"


KIND = Kind(
    name="file",
    doc="A file with the given content, or no file.",
    rule=_rule,
    example=r"{path: C:\k\token, content: {secret: {env: JOIN_TOKEN}}}",
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
            secret=True,
            doc="The whole text, written as UTF-8 without a byte order mark.",
        ),
    ),
)
