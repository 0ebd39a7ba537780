"""A folder that exists or does not, with its access rights."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from wincnode.node.kinds import PATH, PATH_FORM, Field, Kind, Problem, Value

# Owner, group and access list, without conditions.
# Source: learn.microsoft.com/windows/win32/secauthz/security-descriptor-string-format, ace-strings
_SID = r"([A-Z]{2}|S-1(-[0-9]{1,10}|-0x[0-9a-fA-F]{1,12}){1,16})"
_RIGHTS = r"([A-Z]{2}){0,16}|0x[0-9a-fA-F]{1,8}|[0-9]{1,10}"
_GUID = "[0-9a-fA-F-]{0,36}"
_ACE = rf"\((A|D|OA|OD);([A-Z]{{2}}){{0,8}};({_RIGHTS});{_GUID};{_GUID};{_SID}\)"
SDDL = rf"(O:{_SID})?(G:{_SID})?D:(P|AI|AR|NO_ACCESS_CONTROL)*({_ACE})*"


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
            pattern=SDDL,
            form="an SDDL text such as D:P(A;OICI;FA;;;SY)",
            doc="Owner and access rights as SDDL; left alone where it is not given.",
        ),
    ),
)
