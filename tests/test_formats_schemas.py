"""JUnit and SARIF held to the published schemas, where they are; they are none of our files.

`WINCNODE_SCHEMAS` names a folder with `junit-10.xsd` of Jenkins' xunit plugin (MIT) and
`sarif-schema-2.1.0.json`, that of OASIS or of schemastore; `.ci/run` takes them out of packages.
Without it, tests/junit_form.py and sarif_form.py hold both to their rules.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import reports
import xmlschema

from wincnode.formats import render
from wincnode.report import Report

MADE = [reports.preflight, reports.applied, reports.planned, reports.empty]


def schema(name: str) -> Path:
    """Give a schema's file, or skip the test."""
    folder = os.environ.get("WINCNODE_SCHEMAS", "")
    if not folder:
        if os.environ.get("WINCNODE_REQUIRE_SCHEMAS"):
            pytest.fail("WINCNODE_SCHEMAS is not set, which WINCNODE_REQUIRE_SCHEMAS asks for")
        pytest.skip("WINCNODE_SCHEMAS names no folder with published schemas")
    return Path(folder) / name


def every() -> list[Report]:
    """Give reports of each kind, a fleet, and hostile ones."""
    hostile = [reports.hostile(reports.thrown(seed), nodes=4) for seed in range(15)]
    return [*(make() for make in MADE), reports.fleet(2), *hostile]


def test_sarif_is_valid() -> None:
    """By the schema of OASIS, with its formats of addresses and dates."""
    rules = json.loads(schema("sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
    kind: Any = jsonschema.validators.validator_for(rules)
    validator = kind(rules, format_checker=kind.FORMAT_CHECKER)

    for report in every():
        validator.validate(json.loads(render("sarif", report)))


def test_junit_is_valid() -> None:
    """By the schema of Jenkins' xunit plugin."""
    rules = xmlschema.XMLSchema(schema("junit-10.xsd"))

    for report in every():
        rules.validate(render("junit", report))
