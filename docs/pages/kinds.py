"""docs/kinds.md: the kinds of steps."""

from __future__ import annotations

from pages.text import cell
from wincnode.node.kinds import Field, Kind, all_kinds, form


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
    default = "required" if row.required else cell(row.default)
    value = form(row).replace("|", "\\|")
    listed = "a list, each " * (row.type == "texts" and bool(row.allowed))
    return f"| `{row.name}` | {row.role} | {listed}{value} | {default} | {row.doc} |\n"
