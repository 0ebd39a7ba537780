"""A variable of the machine's environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wincnode.node.kinds import MOST_VARIABLE, Field, Kind, Problem, Value, presence

ENTRY = rf"[^;\x00-\x1f]{{1,{MOST_VARIABLE // 2}}}"
ENTRY_FORM = "a list of texts on one line, without `;`"


def _rule(values: Mapping[str, Value]) -> Iterator[Problem]:
    """A variable has a length, is set as a whole or by entries, and removed as a whole."""
    state = values.get("state")
    variable = f"{values.get('name')}={values.get('value')}"
    if isinstance(values.get("value"), str) and len(variable) > MOST_VARIABLE:
        yield "value", f"has {len(variable)} characters with its name; it takes {MOST_VARIABLE}"
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
            # learn.microsoft.com/dotnet/api/system.environment.setenvironmentvariable
            pattern=r"[^=\x00-\x1f]{1,254}",
            form="a name of at most 254 characters without `=`",
            doc="Name of the variable.",
        ),
        Field(
            name="value",
            type="text",
            role="want",
            secret=True,
            pattern=r"[^\x00]*",
            form="text without NUL",
            doc="The whole value; running services see it after their restart.",
        ),
        Field(
            name="entries",
            type="texts",
            role="want",
            compare="set",
            pattern=ENTRY,
            form=ENTRY_FORM,
            doc="Entries that a `;` list such as Path must hold; others in it stay.",
        ),
        Field(
            name="without",
            type="texts",
            role="want",
            compare="set",
            pattern=ENTRY,
            form=ENTRY_FORM,
            doc="Entries that the list must not hold.",
        ),
        presence("Whether there is to be such a variable."),
    ),
)
