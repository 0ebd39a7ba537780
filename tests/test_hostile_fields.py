"""What a hostile value in a step is refused for, before any network; tests/acceptance applies the rest."""

from __future__ import annotations

import pytest
from hostile import VALUES, Row, refusal
from hostile_fields import JOINS, ROWS

from wincnode.node.kinds import Kind, all_kinds, misfit

EVERY = (*ROWS, *JOINS)


def test_every_field_of_every_kind_has_a_row() -> None:
    """A kind or a field that is added needs a statement; words, numbers and flags are closed."""
    fields = {
        f"{kind.name}.{field.name}"
        for kind in all_kinds().values()
        for field in kind.fields
        if field.type in {"text", "texts"} and not field.allowed
    }

    assert {row.field for row in EVERY} == fields


@pytest.mark.parametrize("row", EVERY, ids=lambda row: row.field)
def test_a_value_is_taken_or_refused_by_its_field(row: Row) -> None:
    """The error names the file, the line and the field; nothing is refused without need."""
    for name in VALUES:
        said = refusal(row.case(name, "x"))
        assert bool(said) == (name in row.refused), (name, said)
        assert not said or said.startswith("/fleet/playbook.yaml:4: "), said[:200]
        assert not said or row.field in said, said[:200]
    assert not row.most or not refusal(row.longest())
    assert not row.most or row.field in refusal(row.longest(1))


@pytest.mark.parametrize("kind", all_kinds().values(), ids=lambda kind: kind.name)
def test_closed_fields_take_no_other_word(kind: Kind) -> None:
    """A choice, a number and a flag let no hostile text through."""
    for field in kind.fields:
        if field.allowed or field.type in {"number", "flag"}:
            for value in VALUES.values():
                assert misfit(field, [value] if field.type == "texts" else value)


@pytest.mark.parametrize(
    "path",
    ["C:\\a.\\b", "C:\\a \\b", "C:\\a.", "C:\\nul", "C:\\k\\com1.txt\\x", "C:\\" + "x" * 218],
)
def test_a_path_that_windows_would_change_is_refused(path: str) -> None:
    """It takes dots and spaces from the end of a name, and finds devices under any folder."""
    assert misfit(all_kinds()["file"].field("path"), path)
    assert not misfit(all_kinds()["file"].field("path"), path[:3] + "null.x")
