"""The mutations that `make soak` makes still fit the scripts and the tests that they name."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest
from mutations import MUTATIONS, Mutation

from wincnode import assets

TESTS = Path(__file__).parent


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.id)
def test_a_mutation_fits_its_script(mutation: Mutation) -> None:
    """Its text stands there once, so that the soak spoils what the row speaks of."""
    assert assets.node_script(mutation.script).count(mutation.old) == 1
    assert mutation.new != mutation.old


@pytest.mark.parametrize("name", sorted({name for row in MUTATIONS for name in row.tests}))
def test_a_file_that_a_mutation_names_has_tests(name: str) -> None:
    """A file that was moved would catch nothing."""
    tree = ast.parse((TESTS / name).read_text(encoding="utf-8"))

    assert [row for row in tree.body if getattr(row, "name", "").startswith("test_")]


def test_every_mutation_is_called_something_else() -> None:
    """Their names are those of the soak's tests."""
    assert max(Counter(row.id for row in MUTATIONS).values()) == 1
    assert all(row.tests for row in MUTATIONS)
