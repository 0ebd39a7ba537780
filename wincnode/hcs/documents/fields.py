"""How a field of a document is written, and since which build Windows knows it.

Windows refuses a document with a field that it does not know (HCS_E_INVALID_JSON), so that such a
field is never written.
Source: learn.microsoft.com/virtualization/api/hcs/schemareference (the version of each field, and
the map of versions to builds); microsoft/hcsshim#2714 (a field of 2.9 that Server 2022 refuses)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, fields, is_dataclass
from types import MappingProxyType
from typing import Any

from wincnode.hcs.references import Join, Layers, Ref

FIRST_BUILD = 17763
# Schema version: the first build that has it.
BUILDS: Mapping[str, int] = MappingProxyType(
    {
        "1.0": FIRST_BUILD,
        "2.0": FIRST_BUILD,
        "2.1": FIRST_BUILD,
        "2.2": 18362,
        "2.3": 19041,
        "2.4": 20348,
        "2.5": 20348,
        "2.6": 22000,
    }
)
REFERENCE = "learn.microsoft.com/virtualization/api/hcs/schemareference"


def wire(name: str, since: str, *, build: int = 0, source: str = "") -> Any:
    """Describe one field, which is left out unless it has a value.

    Args:
        name: as Windows spells it. since: the schema's version that has it first.
        build: the first build that has it, where that is another than the schema's.
        source: where this stands, other than at its struct in the schema's reference.
    """
    metadata = {"name": name, "build": build or BUILDS[since], "source": source}
    return field(default=None, metadata=metadata)


def to_document(value: Any, build: int) -> Any:
    """Give a document's object, without what a build does not know; references stay."""
    if isinstance(value, Ref | Join | Layers):
        return value
    if is_dataclass(value):
        return {
            row.metadata["name"]: to_document(item, build)
            for row in fields(value)
            if (item := getattr(value, row.name)) is not None and row.metadata["build"] <= build
        }
    if isinstance(value, Mapping):
        return {key: to_document(item, build) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_document(item, build) for item in value]
    return value


def known(value: Any, path: str = "") -> Iterator[tuple[str, int, str]]:
    """Give each field that a document has: its path, its first build, its source."""
    if is_dataclass(value) and not isinstance(value, Ref | Join | Layers):
        for row in fields(value):
            item = getattr(value, row.name)
            if item is None:
                continue
            here = f"{path}.{row.metadata['name']}".lstrip(".")
            struct = getattr(type(value), "struct", type(value).__name__)
            yield here, row.metadata["build"], row.metadata["source"] or f"{REFERENCE}#{struct}"
            yield from known(item, here)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from known(item, f"{path}[{key}]")
    elif isinstance(value, tuple):
        for at, item in enumerate(value):
            yield from known(item, f"{path}[{at}]")
