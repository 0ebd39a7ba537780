"""Writes the pages that come from code: the checks, the inventory, the hashes of the scripts."""

from __future__ import annotations

import json
from pathlib import Path

from wincnode import assets, checks
from wincnode.inventory.schema import page as inventory_page
from wincnode.inventory.schema import schema

DOCS = Path(__file__).parent


def checks_page() -> str:
    """Give docs/checks.md: a section, and so an anchor, for each check."""
    parts = ["# Checks\n\nWritten by `make docs` from the checks themselves.\n"]
    parts += [
        f"\n## {check.id}\n\n{check.title} ({check.severity.value}).\n\n- proves: {check.proves}\n"
        f"- remedy: {check.remedy}\n- source: {check.source}\n"
        for check in checks.all_checks()
    ]
    return "".join(parts)


def security_page() -> str:
    """Give docs/security.md: what runs where, and the SHA-256 of every script."""
    rows = [
        f"| `{path.relative_to(assets.PACKAGE / 'node').as_posix()}` | "
        f"`{assets.sha256(path.read_text(encoding='ascii'))}` |\n"
        for path in sorted((assets.PACKAGE / "node").rglob("*.ps1"))
    ]
    text = (DOCS / "security.in.md").read_text(encoding="utf-8")
    return text + "\n| script | SHA-256 |\n|---|---|\n" + "".join(rows)


def schema_file() -> str:
    """Give docs/wincnode.schema.json, with which editors complete an inventory."""
    return json.dumps(schema(), indent=2) + "\n"


PAGES = {
    "checks.md": checks_page,
    "inventory.md": inventory_page,
    "security.md": security_page,
    "wincnode.schema.json": schema_file,
}


def main() -> None:
    """Write all generated pages."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
