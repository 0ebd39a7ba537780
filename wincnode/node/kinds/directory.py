"""A folder that exists or does not, with its access rights."""

from __future__ import annotations

from wincnode.node.kinds import PATH, PATH_FORM, Field, Kind, presence

KIND = Kind(
    name="directory",
    doc="A folder that exists, or does not.",
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
