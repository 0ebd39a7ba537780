"""The few bodies that kubectl sends as protobuf, as it does for kinds that it has compiled in.

Source: kubernetes/apimachinery:pkg/runtime/generated.proto (Unknown); kubernetes/api:
authorization/v1, authentication/v1, policy/v1 and core/v1 generated.proto
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wincnode.lab.cluster.status import ApiError, Json

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"
# number -> name and what it holds: a text, or a message of these fields.
Fields = Mapping[int, tuple[str, Any]]
TEXT = None
_META: Fields = {1: ("name", TEXT), 2: ("generateName", TEXT), 3: ("namespace", TEXT)}
_ATTRIBUTES = ("namespace", "verb", "group", "version", "resource", "subresource", "name")
_RESOURCE: Fields = {number: (name, TEXT) for number, name in enumerate(_ATTRIBUTES, start=1)}
_PATH: Fields = {1: ("path", TEXT), 2: ("verb", TEXT)}
_ACCESS: Fields = {1: ("resourceAttributes", _RESOURCE), 2: ("nonResourceAttributes", _PATH)}
_KINDS: Mapping[str, Fields] = {
    "SelfSubjectAccessReview": {1: ("metadata", _META), 2: ("spec", _ACCESS)},
    "SelfSubjectReview": {1: ("metadata", _META)},
    "Eviction": {1: ("metadata", _META)},
    "Namespace": {1: ("metadata", _META)},
}
_TYPE: Fields = {1: ("apiVersion", TEXT), 2: ("kind", TEXT)}


def decoded(body: bytes) -> Json:
    """Read a body.

    Raises: ApiError: it is of a kind that the lab reads as JSON only.
    """
    rows = dict(_rows(body.removeprefix(MAGIC)))
    named = _message(rows.get(1, b""), _TYPE)
    fields = _KINDS.get(named.get("kind", ""))
    if fields is None:
        text = f"the lab reads {named.get('kind')} as application/json only"
        raise ApiError(415, "UnsupportedMediaType", text)
    return {**named, **_message(rows.get(2, b""), fields)}


def _message(data: bytes, fields: Fields) -> Json:
    found: Json = {}
    for number, value in _rows(data):
        if number in fields:
            name, below = fields[number]
            found[name] = value.decode() if below is TEXT else _message(value, below)
    return {name: value for name, value in found.items() if value}


def _rows(data: bytes) -> list[tuple[int, bytes]]:
    """Split a message into its fields of bytes; numbers are left out.

    Source: protobuf.dev/programming-guides/encoding
    """
    found, at = [], 0
    while at < len(data):
        tag, at = _varint(data, at)
        length, at = _varint(data, at)
        if tag & 7 == 2:
            found.append((tag >> 3, data[at : at + length]))
            at += length
        elif tag & 7:
            raise ApiError(400, "BadRequest", "the object provided is unrecognized")
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data):
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            break
    return value, at
