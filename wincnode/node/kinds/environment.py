"""A variable of the machine's environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wincnode.node.kinds import Field, Kind, Problem, Value, presence


def _rule(values: Mapping[str, Value]) -> Iterator[Problem]:
    """A variable is set as a whole or entry by entry, and removed as a whole alone."""
    state = values.get("state")
    lists = [name for name in ("entries", "without") if name in values]
    for name in lists:
        if state == "absent":
            yield name, f"the whole variable is removed where state is absent; leave {name} out"
        elif "value" in values:
            yield name, f"given beside value; it takes one of value, {name}"
    if state == "present" and "value" not in values and not lists:
        yield "value", "missing; it takes one of value, entries, without where state is present"


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
        Field(
            name="without",
            type="texts",
            role="want",
            compare="set",
            doc="Entries that the list must not hold.",
        ),
        presence("Whether there is to be such a variable."),
    ),
)
