"""A variable of the machine's environment."""

from __future__ import annotations

from wincnode.node.kinds import Field, Kind, presence

KIND = Kind(
    name="environment",
    doc="A variable of the machine's environment, or one entry of a list such as Path.",
    fields=(
        Field(
            name="name",
            type="text",
            role="key",
            required=True,
            pattern=r"[^=\x00]+",
            form="a name without `=`",
            doc="Name of the variable.",
        ),
        Field(
            name="value",
            type="text",
            role="want",
            doc="The whole value; running services see it after their restart.",
        ),
        Field(
            name="entries",
            type="texts",
            role="want",
            compare="set",
            doc="Entries that a `;` list such as Path must hold; others in it stay.",
        ),
        presence("Whether there is to be such a variable."),
    ),
)
