"""A variable of the machine's environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wincnode.node.kinds import Field, Kind, Problem, Value, presence


def _rule(values: Mapping[str, Value]) -> Iterator[Problem]:
    """A variable is set as a whole or entry by entry, and removed as a whole alone."""
    state = values.get("state")
    if state == "absent" and "entries" in values:
        yield "entries", "the whole variable is removed where state is absent; leave entries out"
    if state == "present":
        if "value" in values and "entries" in values:
            yield "entries", "given beside value; it takes one of value, entries"
        if "value" not in values and "entries" not in values:
            yield "value", "missing; it takes one of value, entries where state is present"


KIND = Kind(
    name="environment",
    doc="A variable of the machine's environment, or one entry of a list such as Path.",
    rule=_rule,
    example=r"{name: Path, entries: ['C:\k', 'C:\Program Files\containerd\bin']}",
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
            secret=True,
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
