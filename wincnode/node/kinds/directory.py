"""A folder that exists or does not, with its access rights."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from wincnode.node.kinds import PATH, PATH_FORM, Field, Kind, Problem, Value


def _rule(values: Mapping[str, Value]) -> Iterator[Problem]:
    """A folder goes with all that is in it, so a whole drive is never meant."""
    whole_drive = re.fullmatch(r"[A-Za-z]:[\\/.]*", str(values.get("path")))
    state = values.get("state")
    if state in {"absent", "pruned"} and whole_drive:
        yield "path", f"is a whole drive; it takes a folder where state is {state}"


KIND = Kind(
    name="directory",
    doc="A folder that exists, or does not.",
    rule=_rule,
    example=r"{path: C:\k, sddl: 'D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)'}",
    fields=(
        Field(
            name="path",
            type="text",
            role="key",
            required=True,
            pattern=PATH,
            form=PATH_FORM,
            doc="Full path of the folder.",
        ),
        Field(
            name="state",
            type="text",
            role="want",
            default="present",
            allowed=("present", "absent", "pruned"),
            doc="An absent one goes with all that is in it, a pruned one only if it is empty.",
        ),
        Field(
            name="sddl",
            type="text",
            role="want",
            pattern=r"(O:.*)?(G:.*)?D:.*",
            form="an SDDL text such as D:P(A;OICI;FA;;;SY)",
            doc="Owner and access rights as SDDL; left alone where it is not given.",
        ),
    ),
)
