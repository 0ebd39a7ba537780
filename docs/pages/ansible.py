"""docs/ansible.md: what becomes of the variables of an inventory of Ansible."""

from __future__ import annotations

from pages.text import table, written
from wincnode.inventory.ansible.variables import CONNECTION, Variable
from wincnode.inventory.ansible.variables import TABLE as VARIABLES


def ansible_page() -> str:
    """Give docs/ansible.md: its text, then what becomes of each variable."""
    text = written("ansible")
    rows = [
        (f"`{row.name}`", ", ".join(row.of) or "none", _became(row), row.why) for row in VARIABLES
    ]
    head = ("variable", "read by", "becomes", "")
    return f"{text}\n## The variables\n{table(head, rows)}{ANSIBLE_END}"


ANSIBLE_END = """
Of several for one field the last of this table wins, as for Ansible.
Source: the options of the connection plugins winrm and psrp,
ansible/ansible:lib/ansible/plugins/connection@v2.19.14.
"""


def _became(row: Variable) -> str:
    if row.field:
        return "`address`" if row.field == "address" else f"`connection.{row.field}`"
    if row.only is None:
        return "what is a node" if row.name == CONNECTION else "nothing"
    allowed = ", ".join(f"`{word}`" for word in row.only)
    return f"refused, but for {allowed}" if allowed else "refused"
