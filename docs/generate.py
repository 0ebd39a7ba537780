"""Writes the pages that come from code and data, such as checks, errors and step kinds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pages.ansible import ansible_page
from pages.artifacts import artifacts_page
from pages.checks import checks_page
from pages.cluster import cluster_page
from pages.codes import causes_page, codes_page, errors_page
from pages.compat import compat_page
from pages.faults import faults_page
from pages.hcs import hcs_page
from pages.kinds import kinds_page
from pages.network import network_page
from pages.security import security_page
from pages.text import DOCS

from wincnode.formats.schema import facts_schema, line_schema, report_schema
from wincnode.inventory.schema import page as inventory_page
from wincnode.inventory.schema import schema


def _dumped(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=2) + "\n"


PAGES = {
    "ansible.md": ansible_page,
    "artifacts.md": artifacts_page,
    "causes.md": causes_page,
    "checks.md": checks_page,
    "cluster.md": cluster_page,
    "codes.md": codes_page,
    "compat.md": compat_page,
    "errors.md": errors_page,
    "hcs.md": hcs_page,
    "faults.md": faults_page,
    "facts.schema.json": lambda: _dumped(facts_schema()),
    "inventory.md": inventory_page,
    "network.md": network_page,
    "kinds.md": kinds_page,
    "report-line.schema.json": lambda: _dumped(line_schema()),
    "report.schema.json": lambda: _dumped(report_schema()),
    "security.md": security_page,
    "wincnode.schema.json": lambda: _dumped(schema()),
}


def main() -> None:
    """Write all generated pages."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
