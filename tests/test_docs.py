"""Facts about the pages that come from code."""

from __future__ import annotations

import re
from pathlib import Path

import generate
import pytest
from pages.codes import EXIT_CODES

from wincnode import errors
from wincnode.cli.app import EPILOG, app
from wincnode.error_ids import load_error_ids

DOCS = Path(__file__).parent.parent / "docs"

VERBS = sorted(
    row.name or str(getattr(row.callback, "__name__", "")) for row in app.registered_commands
)


@pytest.mark.parametrize("name", sorted(generate.PAGES))
def test_a_generated_page_is_current(name: str) -> None:
    """A page that lags behind the code is a wrong page; `make docs` writes it anew."""
    assert (DOCS / name).read_text(encoding="utf-8") == generate.PAGES[name]()


PACKAGE = DOCS.parent / "wincnode"
# Refusals of the node: those that mean an error of their own class in the runner.
OWN_CLASS = {"node.locked", "node.truncated"}


def ids_in_the_source() -> set[str]:
    """Find every error id that the product can raise: literals, link errors, refusals of a node."""
    texts = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    product = [text for path, text in texts.items() if "lab" not in path.parts]
    found = {
        id
        for text in product
        for id in re.findall(
            r'\bid ?= ?"((?:artifact|cluster|registry|link|node|run|guard|network|smoke|trust|config|internal|interrupted)[a-z.-]*)"',
            text,
        )
    }
    by_word = texts[PACKAGE / "transport" / "errors_map.py"]
    found |= {f"link.{name}" for name in re.findall(r'\bname = "([a-z-]+)"', by_word)}
    found |= {
        f"link.{name}"
        for name in re.findall(r'what, remedy, name = .*"([a-z-]+)"$', by_word, re.MULTILINE)
    }
    for path in (PACKAGE / "node").glob("*.ps1"):
        codes = re.findall(r"(?:Write-WnRefusal|\bcode =) '([a-z_]+)'", path.read_text("ascii"))
        found |= {f"node.{code.replace('_', '-')}" for code in codes} - OWN_CLASS
    for path in (PACKAGE / "node").rglob("*.ps1"):
        found |= set(re.findall(r"Stop-WnNetwork '(hns\.[a-z-]+)'", path.read_text("ascii")))
    return found


def test_every_error_id_is_explained_and_nothing_else() -> None:
    """What is printed before an error of a node can be looked up."""
    assert ids_in_the_source() | {"node.locked"} == set(load_error_ids())


def test_error_ids_have_their_class_s_exit_code() -> None:
    """The page and the process agree."""
    classes = [errors.WincnodeError]
    for found in classes:
        classes += found.__subclasses__()
    rows = load_error_ids()
    assert {found.id: rows[found.id].exit_code for found in classes} == {
        found.id: found.exit_code for found in classes
    }


def test_every_verb_is_in_the_readme() -> None:
    """A verb that nobody reads of is not there."""
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    assert "cancel" in VERBS
    missing = [name for name in VERBS if f"wincnode {name}" not in readme]
    assert missing == []


def test_exit_codes_of_readme_help_and_docs_agree() -> None:
    """One table, told three times."""
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    assert EXIT_CODES.strip() in readme
    codes = re.findall(r"^\| (\d+) \|", EXIT_CODES, re.MULTILINE)
    assert re.findall(r"(?:^|, |: )(\d+) ", EPILOG) == codes
