"""The JSON Schemas of what wincnode prints as JSON, from the types that it is made of.

Within a version of a schema fields are only added, so that a reader passes over those it does not
know.
"""

from __future__ import annotations

from typing import Any, get_args

from wincnode.checks import Severity, Verdict
from wincnode.commands.facts import SCHEMA as FACTS
from wincnode.error_ids import load_error_ids
from wincnode.events import OUTCOMES
from wincnode.formats.jsonl import SCHEMA as LINE
from wincnode.inventory.fields import NODE_NAME
from wincnode.report import SCHEMA as REPORT
from wincnode.report import Status

DRAFT = "https://json-schema.org/draft/2020-12/schema"
TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}
NULL = {"type": "null"}


def report_schema() -> dict[str, Any]:
    """Give the schema of `-o json`."""
    nodes = {"type": "array", "items": _node(whole=True), "description": "In the inventory's order"}
    fields = {"command": TEXT, "exit_code": _exit_code(), "nodes": nodes}
    return _document("wincnode report", {"schema": {"const": REPORT}, **fields})


def line_schema() -> dict[str, Any]:
    """Give the schema of each line of `-o jsonl`."""
    statuses = {"type": "object", "propertyNames": _status(), "additionalProperties": COUNT}
    at = {"anyOf": [{"type": "string", "format": "date-time"}, NULL]}
    rows = [
        _line("run", {"schema": {"const": LINE}, "command": TEXT, "at": at}),
        _line("node", _node(whole=False)["properties"]),
        _line("finding", {"node": TEXT, **_finding()["properties"]}, ("docs",)),
        _line("step", {"node": TEXT, **_step()["properties"]}, ("kind", "title", "key")),
        _line("end", {"exit_code": _exit_code(), "statuses": statuses}),
    ]
    return {"$schema": DRAFT, "title": "wincnode report, a line", "oneOf": rows}


def facts_schema() -> dict[str, Any]:
    """Give the schema of `wincnode facts`, which `wincnode preflight --from` reads."""
    section = {"type": "object", "description": "As the node's script of this section gives it"}
    skew = {"type": ["number", "null"], "description": "The node's clock minus ours, in seconds"}
    node = _object(
        {
            "computer": TEXT,
            "skew_s": skew,
            "sections": {"type": "object", "additionalProperties": section},
            "unknown": {
                "type": "object",
                "additionalProperties": TEXT,
                "description": "Why a section could not be read",
            },
        },
        optional=("computer", "skew_s"),
    )
    nodes = {
        "type": "object",
        "propertyNames": {"pattern": NODE_NAME},
        "additionalProperties": node,
    }
    return _document("wincnode facts", {"schema": {"const": FACTS}, "nodes": nodes})


def _document(title: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"$schema": DRAFT, "title": title, **_object(fields)}


def _line(kind: str, fields: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    return _object({"type": {"const": kind}, **fields}, optional=optional)


def _object(fields: dict[str, Any], *, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    required = [name for name in fields if name not in optional]
    return {"type": "object", "properties": fields, "required": required}


def _node(*, whole: bool) -> dict[str, Any]:
    error = _object({"id": _error_id(), "message": TEXT, "remedy": TEXT})
    rows = {
        "findings": {"type": "array", "items": _finding(), "description": "Failures first"},
        "steps": {"type": "array", "items": _step()},
    }
    return _object(
        {
            "node": TEXT,
            "status": _status(),
            "computer": TEXT,
            "build": COUNT,
            "seconds": {"type": "number", "minimum": 0},
            "error": {"anyOf": [error, NULL]},
            **(rows if whole else {}),
            "notes": {"type": "array", "items": TEXT},
        }
    )


def _status() -> dict[str, Any]:
    return {"enum": list(get_args(Status))}


def _error_id() -> dict[str, Any]:
    return {"type": "string", "examples": sorted(load_error_ids())[:3]}


def _exit_code() -> dict[str, Any]:
    return {"enum": [0, 1, 2, 3, 4, 5, 6, 70, 130], "description": "As in docs/errors.md"}


def _finding() -> dict[str, Any]:
    return _object(
        {
            "check": {**TEXT, "description": "An id of docs/checks.md"},
            "title": TEXT,
            "target": {**TEXT, "description": "What was tried; empty as a rule"},
            "verdict": {"enum": [row.value for row in Verdict]},
            "severity": {"enum": [row.value for row in Severity]},
            "evidence": {**TEXT, "description": "What was seen on the node"},
            "remedy": TEXT,
            "because_of": {
                "type": "array",
                "items": TEXT,
                "description": "Failed checks that this one follows from",
            },
            "ignored": {"type": "boolean", "description": "By --ignore"},
            "docs": {**TEXT, "description": "Where the check is explained"},
        },
        optional=("docs",),
    )


def _step() -> dict[str, Any]:
    difference = _object({"field": TEXT, "have": {}, "want": {}})
    return _object(
        {
            "step": {**TEXT, "description": "Its id in the plan"},
            "kind": {**TEXT, "description": "A kind of docs/kinds.md"},
            "title": TEXT,
            "key": {"type": "object"},
            "outcome": {"enum": list(OUTCOMES)},
            "error": TEXT,
            "diff": {"type": "array", "items": difference},
        },
        optional=("kind", "title", "key"),
    )
