"""Writes the pages that come from code: checks, errors, step kinds, inventory, script hashes."""

from __future__ import annotations

import json
from pathlib import Path

from wincnode import assets, checks
from wincnode.error_ids import load_error_ids
from wincnode.inventory.schema import page as inventory_page
from wincnode.inventory.schema import schema
from wincnode.node.kinds import Field, Kind, Value, all_kinds, form

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


EXIT_CODES = """\
| exit code | meaning |
|---|---|
| 0 | as wanted |
| 1 | a node failed, or a run was cancelled |
| 2 | usage or configuration; no network was touched |
| 3 | changes are pending (`--plan --exit-code`) |
| 4 | unreachable, or not let in |
| 5 | blocked by preflight |
| 6 | another run holds the node |
| 70 | a bug of ours; the log file is named |
| 130 | interrupted |

Several at once: 130, then 1, 5, 4, 6, 3.
"""


def errors_page() -> str:
    """Give docs/errors.md: the exit codes, and a section for each error id."""
    parts = [f"# Errors\n\n{EXIT_CODES}"]
    for error in load_error_ids().values():
        source = f"- source: {error.source}\n" if error.source else ""
        parts.append(
            f"\n## {error.id}\n\n{error.title} (exit code {error.exit_code}).\n\n"
            f"- meaning: {error.meaning}\n- remedy: {error.remedy}\n{source}"
        )
    return "".join(parts)


def kinds_page() -> str:
    """Give docs/kinds.md: every step kind with its fields."""
    return "# Step kinds\n\n" + KINDS_INTRO + "".join(map(_kind, all_kinds().values()))


KINDS_INTRO = """\
A step of a playbook names one kind and the state that it wants.
`key` fields say which object is meant; a field that is left out and has no default stays as it is.
Every step also takes `name`, `when` (a condition on `facts`, `node` and `vars`) and `timeout_s`.
A text field may be a secret: `{secret: {env: NAME}}`, or file, prompt and command alike.
"""


def _kind(kind: Kind) -> str:
    rows = [
        f"\n## {kind.name}\n\n{kind.doc} Time limit: {kind.timeout_s} s.\n",
        *([f"\n```yaml\n- {kind.name}: {kind.example}\n```\n"] if kind.example else []),
        f"\n{(kind.rule.__doc__ or '').splitlines()[0]}\n" if kind.rule else "",
        "\n| field | role | value | default | meaning |\n|---|---|---|---|---|\n",
        *map(_kind_field, kind.fields),
    ]
    return "".join(rows)


def _kind_field(row: Field) -> str:
    default = "required" if row.required else _cell(row.default)
    value = form(row).replace("|", "\\|")
    listed = "a list, each " * (row.type == "texts" and bool(row.allowed))
    return f"| `{row.name}` | {row.role} | {listed}{value} | {default} | {row.doc} |\n"


def _cell(default: Value) -> str:
    if default is None:
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


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
    "errors.md": errors_page,
    "inventory.md": inventory_page,
    "kinds.md": kinds_page,
    "security.md": security_page,
    "wincnode.schema.json": schema_file,
}


def main() -> None:
    """Write all generated pages."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
