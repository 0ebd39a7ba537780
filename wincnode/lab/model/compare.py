"""Whether what is there is what is wanted, by the rule of a field."""

from __future__ import annotations

from typing import Any


def same(have: Any, want: Any, how: str) -> bool:
    """Compare by the rule of a field; what is not there equals nothing."""
    if how == "never":
        return True
    if have is None:
        return False
    match how:
        case "text":
            return _low(have) == _low(want)
        case "path":
            return _path(have) == _path(want)
        case "set":
            return _set(have) == _set(want)
    return _equal(have, want)


def _equal(have: Any, want: Any) -> bool:
    match have, want:
        case dict(), dict():
            return have.keys() == want.keys() and all(_equal(have[k], want[k]) for k in want)
        case list(), list():
            return len(have) == len(want) and all(map(_equal, have, want))
    # True is no number.
    return isinstance(have, bool) == isinstance(want, bool) and bool(have == want)


def _low(value: Any) -> str:
    return str(value).upper()


def _path(value: Any) -> str:
    return _low(value).replace("/", "\\").rstrip("\\")


def _set(value: Any) -> set[str]:
    return {_low(item) for item in (value if isinstance(value, list) else [value])}
