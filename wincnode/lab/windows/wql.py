"""The part of WQL that filters of Get-CimInstance use: comparisons for equality, AND and OR.

Source of the grammar: learn.microsoft.com/windows/win32/wmisdk/where-clause.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TERM = re.compile(r"\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(-?\d+)|(TRUE|FALSE))\s*", re.IGNORECASE)
_JOIN = re.compile(r"(AND|OR)\b", re.IGNORECASE)


class QueryError(ValueError):
    """The filter is none that this model, or Windows, understands."""


def matches(text: str, row: Mapping[str, Any]) -> bool:
    """Say whether an instance fits a filter; AND binds closer than OR.

    Raises: QueryError.
    """
    groups: list[list[bool]] = [[]]
    at = 0
    while True:
        term = _TERM.match(text, at)
        if term is None:
            raise QueryError(text)
        groups[-1].append(_equal(row.get(term[1]), term))
        at = term.end()
        if at == len(text):
            return any(all(group) for group in groups)
        join = _JOIN.match(text, at)
        if join is None:
            raise QueryError(text)
        if join[1].upper() == "OR":
            groups.append([])
        at = join.end()


def _equal(have: Any, term: re.Match[str]) -> bool:
    _, text, number, flag = term.groups()
    if text is not None:
        return isinstance(have, str) and have.lower() == re.sub(r"\\(.)", r"\1", text).lower()
    if number is not None:
        return bool(have == int(number))
    return bool(have) == (flag.upper() == "TRUE")
