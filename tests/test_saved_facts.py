"""Saved facts: which documents are read, and how others are refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from facts_documents import document

from wincnode.checks import Verdict
from wincnode.commands.preflight import Judging, again
from wincnode.commands.saved import load, parse
from wincnode.errors import ConfigError
from wincnode.inventory.model import Inventory


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "schema is not wincnode/facts/v1"),
        (b'{"schema": "wincnode/facts/v2"}', "schema is not wincnode/facts/v1"),
        (b'{"schema": "wincnode/facts/v1"}', "nodes: is not an object"),
        (b'{"schema": "wincnode/facts/v1", "nodes": {"a": NaN}}', "NaN is no number"),
        (document(), "nodes: holds the facts of no node"),
        (document(a=1), "nodes.a: is not an object"),
        (document(**{"A b": {}}), "nodes.A b: no name of a node"),
        (document(**{"\x1b[2J": {}}), r"nodes.\x1b[2J: no name of a node"),
        (document(a={"section": {}}), "section is unknown; did you mean sections?"),
        (document(a={"sections": []}), "nodes.a.sections: is not an object"),
        (document(a={"sections": {"os": 1}}), "nodes.a.sections.os: is not an object"),
        (document(a={"computer": 1}), "nodes.a.computer: is not a text"),
        (document(a={"skew_s": "1"}), "nodes.a.skew_s: is not a number"),
        (b'{"schema":"wincnode/facts/v1","nodes":{"a":{"skew_s":1e999}}}', "number of seconds"),
    ],
)
def test_a_document_that_is_none_is_refused_by_its_place(content: bytes, said: str) -> None:
    """The file may come from anywhere; the message names what is wrong."""
    with pytest.raises(ConfigError) as caught:
        parse(content, Path("facts.json"))

    assert said in caught.value.message
    assert caught.value.message.startswith("facts.json")
    assert "\x1b" not in caught.value.message


def test_a_file_of_facts_with_a_mark_of_windows_is_read(tmp_path: Path) -> None:
    """PowerShell's Out-File puts a byte order mark before it."""
    (tmp_path / "f.json").write_bytes(b"\xef\xbb\xbf" + document(a={"sections": {}}))

    assert list(load(tmp_path / "f.json")) == ["a"]


def test_a_file_of_facts_that_powershell_redirected_is_read(tmp_path: Path) -> None:
    """There `wincnode facts > facts.json` writes UTF-16."""
    text = document(a={"sections": {}}).decode()
    for name in ("utf-16-le", "utf-16-be"):
        (tmp_path / "f.json").write_bytes(f"\ufeff{text}".encode(name))
        assert list(load(tmp_path / "f.json")) == ["a"]


def test_facts_that_are_missing_are_unknown_and_no_crash() -> None:
    """An empty document is judged, too: nothing is known, and so nothing passes."""
    saved = parse(document(a={}, b={"sections": {"os": {"build": True}}}), Path("f"))
    report = again(Inventory(path=Path()), frozenset(), saved, Judging())

    # A check that reads the inventory alone may pass.
    assert Counter(row.verdict for row in report.nodes[0].findings).most_common(1)[0][0] is (
        Verdict.UNKNOWN
    )
    assert not [row for row in report.nodes[0].findings if row.blocks]
    assert [node.build for node in report.nodes] == [0, 0]
