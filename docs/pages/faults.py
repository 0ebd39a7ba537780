"""docs/faults.md: what goes wrong with links and nodes, from the tests."""

from __future__ import annotations

import ast
from typing import Any

from pages.text import DOCS, table, written

FAULT_TESTS = DOCS.parent / "tests" / "faults"


def faults_page() -> str:
    """Give docs/faults.md: its text, then a row for each fault, as the tests say it."""
    text = written("faults")
    head = ("id", "fault", "what wincnode does", "error or check", "exit code", "rehearse", "test")
    rows = [
        (
            row["id"],
            row["what"],
            row["does"],
            f"`{row['error']}`" if row["error"] else "",
            str(row["exit_code"]),
            ", ".join(f"`{name}`" for name in row["rehearse"]),
            f"`{row['test']}`",
        )
        for row in fault_rows()
    ]
    return text + table(head, rows)


def fault_rows() -> list[dict[str, Any]]:
    """Read the decorators `fault` of the tests, without running them, in the order of the ids."""
    rows = []
    for path in sorted(FAULT_TESTS.glob("test_faults_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                rows += [
                    {**_fault_row(call), "test": node.name}
                    for call in node.decorator_list
                    if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "fault"
                ]
    return sorted(rows, key=lambda row: int(row["id"][1:]))


def _fault_row(call: ast.Call) -> dict[str, Any]:
    id, what = map(ast.literal_eval, call.args)
    given = {row.arg: ast.literal_eval(row.value) for row in call.keywords if row.arg}
    return {"id": id, "what": what, "error": "", "exit_code": 0, "rehearse": (), **given}
