"""A folder that exists or does not, with its access rights."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from wincnode.node.kinds import PATH, PATH_FORM, Field, Kind, Problem, Value, presence


def _rule(values: Mapping[str, Value]) -> Iterator[Problem]:
    """A folder goes with all that is in it, so a whole drive is never meant."""
    whole_drive = re.fullmatch(r"[A-Za-z]:[\\/.]*", str(values.get("path")))
    if values.get("state") == "absent" and whole_drive:
        yield "path", "is a whole drive; it takes a folder where state is absent"


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
        presence("A folder that is to be absent goes with all that is in it."),
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
