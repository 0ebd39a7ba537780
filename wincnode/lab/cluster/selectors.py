"""Selectors of lists and watches, by fields and by labels.

Source: kubernetes.io/docs/concepts/overview/working-with-objects/labels, .../field-selectors
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from wincnode.lab.cluster.status import Json, bad_request

Fits: TypeAlias = Callable[[Json], bool]
_TERM = re.compile(r"([^\s=!,()]+)\s*(==|=|!=|\s+in\s*|\s+notin\s*)\s*(\([^)]*\)|[^,]*)$")


def selector(fields: str, labels: str) -> Fits:
    """Give what tells whether an object is selected.

    Raises: ApiError: a selector that nobody understands.
    """
    tests = [_field(term) for term in fields.split(",") if term]
    tests += [_label(term) for term in _split(labels)]
    return lambda row: all(test(row) for test in tests)


def selected_by(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Say whether labels fit an object's own selector."""
    if any(labels.get(name) != value for name, value in selector.get("matchLabels", {}).items()):
        return False
    return all(_expressed(row, labels) for row in selector.get("matchExpressions", ()))


def _expressed(row: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(row["key"])
    match row["operator"]:
        case "In":
            return value in row["values"]
        case "NotIn":
            return value not in row["values"]
        case "Exists":
            return value is not None
    return value is None


def _field(term: str) -> Fits:
    found = re.fullmatch(r"([A-Za-z.]+)(==|=|!=)(.*)", term)
    if found is None:
        raise bad_request(f"invalid field selector: {term}")
    path, sign, value = found.groups()
    wanted = sign != "!="
    return lambda row: (_value(row, path) == value) is wanted


def _value(object: Any, path: str) -> str:
    for name in path.split("."):
        object = object.get(name) if isinstance(object, dict) else None
    return "" if object is None else str(object)


def _label(term: str) -> Fits:
    term = term.strip()
    if found := _TERM.fullmatch(term):
        name, sign, text = (part.strip() for part in found.groups())
        values = [row.strip() for row in text.strip("()").split(",")]
        wanted = sign in {"=", "==", "in"}
        return lambda row: (_labels(row).get(name) in values) is wanted
    if term.startswith("!"):
        return lambda row: term[1:] not in _labels(row)
    if " " in term:
        raise bad_request(f"unable to parse requirement: {term}")
    return lambda row: term in _labels(row)


def _labels(row: Json) -> dict[str, str]:
    labels: dict[str, str] = row.get("metadata", {}).get("labels") or {}
    return labels


def _split(text: str) -> list[str]:
    """Split at commas that stand in no bracket."""
    return [term for term in re.split(r",(?![^()]*\))", text) if term.strip()]
