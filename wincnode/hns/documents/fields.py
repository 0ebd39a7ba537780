"""How a field of an HCN document is written, and since which build Windows knows it.

Source: the version of each field, and the map of versions to releases, which names 2.6, 2.11 and
2.14 alone: a version between two of them is taken to have come with the later one
(MicrosoftDocs/Virtualization-Documentation:virtualization/api/hcn/HNS_Schema.md@045f5d53).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from wincnode.hcs.documents.fields import FIRST_BUILD, wire

SCHEMA = "MicrosoftDocs/Virtualization-Documentation:virtualization/api/hcn/HNS_Schema.md@045f5d53"
HCSSHIM = "microsoft/hcsshim:hcn/{}@7c9ff7f4"
# Schema version: the first build that has it.
BUILDS: Mapping[str, int] = MappingProxyType(
    {
        "2.0": FIRST_BUILD,
        "2.4": 19041,
        "2.7": 20348,
        "2.9": 20348,
        "2.10": 20348,
        "2.14": 22000,
    }
)


def hcn(name: str, since: str = "2.0", *, struct: str = "", source: str = "") -> Any:
    """Describe one field, which is left out unless it has a value.

    Args:
        name: as Windows spells it. since: the version of the HCN schema that has it first.
        struct: where it stands in the schema. source: where this stands, other than there.
    """
    return wire(name, since, build=BUILDS[since], source=source or f"{SCHEMA}#{struct}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A version of the schema."""

    struct: ClassVar[str] = "Version"
    major: int | None = hcn("Major", struct="Version")
    minor: int | None = hcn("Minor", struct="Version")


# What every document is stamped with, on every build: microsoft/hcsshim:hcn/hcn.go@7c9ff7f4
STAMP = Version(major=2, minor=0)
