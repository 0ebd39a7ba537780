"""Values of a program that are known only while it runs: results of earlier calls."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from wincnode.errors import WincnodeError

REF = "$ref"
JOIN = "$join"
LAYERS = "$layers"
LAYERS_V1 = "$layers_v1"
_NAME = r"[a-z][a-z0-9_]*"
CALL_ID = re.compile(_NAME)
_WRITTEN = re.compile(rf"({_NAME})(?:\.({_NAME}))?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ref:
    """The result of a call, or one field of it."""

    call: str
    field: str = ""

    def __str__(self) -> str:
        return f"{self.call}.{self.field}" if self.field else self.call


@dataclass(frozen=True, kw_only=True, slots=True)
class Join:
    """One text made of texts and of results that are texts."""

    parts: tuple[str | Ref, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Layers:
    """Folders of layers, as documents list them: `[{"Id": NameToGuid(name), "Path": folder}]`.

    Args: v1: whether it is a document of schema 1, which spells it `ID`.
    Source: microsoft/hcsshim:internal/hcs/schema1/schema1.go (Layer)@7c9ff7f4
    """

    of: Ref
    v1: bool = False


Text: TypeAlias = "str | Ref | Join"
# A JSON object, with references anywhere in it.
Document: TypeAlias = Mapping[str, Any]


def ref(written: str) -> Ref:
    """Read `call` or `call.field`.

    Raises: WincnodeError: it is neither.
    """
    found = _WRITTEN.fullmatch(written)
    if found is None:
        raise WincnodeError(f"{written!r:.80} is no reference: it takes call or call.field")
    return Ref(call=found[1], field=found[2] or "")


def join(*parts: str | Ref | Join) -> Join:
    """Put texts together; what is joined already is taken apart."""
    flat: list[str | Ref] = []
    for part in parts:
        for piece in part.parts if isinstance(part, Join) else (part,):
            if isinstance(piece, str) and flat and isinstance(flat[-1], str):
                flat[-1] += piece
            else:
                flat.append(piece)
    return Join(parts=tuple(flat))


def encode(value: Any) -> Any:
    """Give a value as JSON has it."""
    match value:
        case Ref():
            return {REF: str(value)}
        case Join(parts=parts):
            return {JOIN: [encode(part) for part in parts]}
        case Layers(of=of, v1=v1):
            return {LAYERS_V1 if v1 else LAYERS: encode(of)}
        case Mapping():
            return {key: encode(item) for key, item in value.items()}
        case list() | tuple():
            return [encode(item) for item in value]
        case _:
            return value


def decode(value: Any) -> Any:
    """Read a value of JSON.

    Raises: WincnodeError: a key begins with $ and is no reference.
    """
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    special = [key for key in value if key.startswith("$")]
    if not special:
        return {key: decode(item) for key, item in value.items()}
    key, item = special[0], value[special[0]]
    match key, decode(item) if isinstance(item, dict | list) else item:
        case _ if len(value) > 1:
            raise WincnodeError(f"{key} stands beside other keys")
        case "$ref", str(written):
            return ref(written)
        case "$join", [*parts] if parts and all(isinstance(part, str | Ref) for part in parts):
            return Join(parts=tuple(parts))
        case "$layers" | "$layers_v1", Ref() as of:
            return Layers(of=of, v1=key == LAYERS_V1)
        case _:
            raise WincnodeError(f"{key} is no reference, or takes another value")


def references(value: Any) -> Iterator[tuple[Ref, str]]:
    """Give each reference in a value with what it has to be: value, text or texts."""
    match value:
        case Ref():
            yield value, "value"
        case Join(parts=parts):
            yield from ((part, "text") for part in parts if isinstance(part, Ref))
        case Layers(of=of):
            yield of, "texts"
        case Mapping():
            for item in value.values():
                yield from references(item)
        case list() | tuple():
            for item in value:
                yield from references(item)
