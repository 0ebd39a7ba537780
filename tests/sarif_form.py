"""The rules of SARIF 2.1.0 for what wincnode writes, as a small check of our own.

Source: docs.oasis-open.org/sarif/sarif/v2.1.0 (sections 3.13 to 3.58); test_formats_schemas holds
logs to the published schema itself where it is.
"""

from __future__ import annotations

from typing import Any

import jsonschema

TEXT = {"type": "string"}
MESSAGE = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string", "minLength": 1}},
    "additionalProperties": False,
}
# RFC 3986: what may stand in a reference.
URI = {"type": "string", "pattern": r"^[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*$"}


def _closed(required: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": required.split(),
        "properties": properties,
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


LEVEL = {"enum": ["none", "note", "warning", "error"]}
RULE = _closed(
    "id",
    id=TEXT,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=MESSAGE,
    defaultConfiguration=_closed("", level=LEVEL),
    properties=_closed("", tags={**_list(TEXT), "uniqueItems": True}),
)
LOCATION = _closed(
    "",
    physicalLocation=_closed(
        "artifactLocation",
        artifactLocation=_closed("uri", uri=URI),
        region=_closed("startLine", startLine={"type": "integer", "minimum": 1}),
    ),
    logicalLocations=_list(_closed("", name=TEXT, kind=TEXT, fullyQualifiedName=TEXT)),
)
RESULT = _closed(
    "message ruleId",
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=MESSAGE,
    locations=_list(LOCATION),
    partialFingerprints={"type": "object", "additionalProperties": TEXT},
    suppressions=_list(
        _closed("kind", kind={"enum": ["inSource", "external"]}, justification=TEXT)
    ),
)
RUN = _closed(
    "tool",
    tool=_closed(
        "driver",
        driver=_closed("name", name=TEXT, version=TEXT, semanticVersion=TEXT, rules=_list(RULE)),
    ),
    automationDetails=_closed("", id=TEXT),
    invocations=_list(
        _closed(
            "executionSuccessful",
            executionSuccessful={"type": "boolean"},
            exitCode={"type": "integer"},
            endTimeUtc={"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
        )
    ),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results=_list(RESULT),
)
LOG = _closed(
    "version runs",
    **{"$schema": URI},
    version={"const": "2.1.0"},
    runs={**_list(RUN), "minItems": 1},
)
VALIDATOR = jsonschema.Draft202012Validator(LOG)


def check(log: Any) -> None:
    """Hold a log to the rules; raises jsonschema.ValidationError or AssertionError otherwise."""
    VALIDATOR.validate(log)
    for run in log["runs"]:
        rules = run["tool"]["driver"]["rules"]
        assert len({rule["id"] for rule in rules}) == len(rules)
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
