"""Reads JSON of Windows: each value has its type, or the error says where it has not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wincnode.errors import BadReply

# The schema knows numbers of up to 64 bits, with and without a sign.
LARGEST = 2**64


class Shape:
    """An object of JSON, with the path that leads to it."""

    def __init__(self, value: Any, path: str) -> None:
        if not isinstance(value, Mapping):
            raise _other(path, value, "an object")
        self.value: Mapping[str, Any] = value
        self.path = path

    def text(self, key: str, default: str | None = None) -> str:
        """Give a text.

        Raises: BadReply: it is none, or is not there and has no default.
        """
        found = self._found(key, default)
        if not isinstance(found, str):
            raise _other(self._at(key), found, "a text")
        return found

    def number(self, key: str, default: int | None = None) -> int:
        """Give a whole number.

        Raises: BadReply.
        """
        found = self._found(key, default)
        if isinstance(found, bool) or not isinstance(found, int) or abs(found) > LARGEST:
            raise _other(self._at(key), found, "a whole number")
        return found

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        """Give true or false.

        Raises: BadReply.
        """
        found = self._found(key, default)
        if not isinstance(found, bool):
            raise _other(self._at(key), found, "true or false")
        return found

    def rows(self, key: str) -> Iterator[Shape]:
        """Give a list of objects; where it is not there, none.

        Raises: BadReply.
        """
        found = self.value.get(key)
        if found is None:
            return
        if not isinstance(found, list):
            raise _other(self._at(key), found, "a list")
        for at, row in enumerate(found):
            yield Shape(row, f"{self._at(key)}[{at}]")

    def inner(self, key: str) -> Shape | None:
        """Give an object inside, None where it is not there.

        Raises: BadReply.
        """
        found = self.value.get(key)
        return None if found is None else Shape(found, self._at(key))

    def _found(self, key: str, default: Any) -> Any:
        found = self.value.get(key)
        if found is not None:
            return found
        if default is None:
            raise BadReply(f"{self._at(key)} is missing")
        return default

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}"


def _other(path: str, value: Any, wanted: str) -> BadReply:
    return BadReply(f"{path} is {_shown(value)}, not {wanted}")


def _shown(value: Any) -> str:
    return (
        "a larger number" if isinstance(value, int) and abs(value) > LARGEST else f"{value!r:.60}"
    )
