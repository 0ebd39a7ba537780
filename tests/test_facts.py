"""Facts: sections arrive as events, the unknown ones keep their reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from wincnode.events import FactsRead
from wincnode.facts import FactMissing, Facts, Section, Unknown, from_events, from_reads

ROW = {"type": "facts", "section": "os", "status": "ok", "data": {"build": 20348}, "error": None}


def test_section_that_was_read_is_given() -> None:
    """An event with status ok and an object is a known section."""
    section = from_events([ROW]).section("os")
    assert section == Section(name="os", data={"build": 20348})


def test_section_that_failed_keeps_the_error() -> None:
    """The reader of a report must learn why a section is unknown."""
    facts = from_events([{**ROW, "status": "unknown", "data": None, "error": "timed out"}])
    assert facts.section("os") == Unknown(section="os", error="timed out")
    with pytest.raises(FactMissing, match="os is unknown: timed out"):
        facts.known("os")


def test_section_that_never_came_is_unknown() -> None:
    """A run that ended early leaves sections unread."""
    assert Facts().section("os") == Unknown(section="os", error="the node did not report it")


@pytest.mark.parametrize(
    "row",
    [
        {**ROW, "data": None},
        {**ROW, "data": [1]},
        {**ROW, "data": "text"},
        {**ROW, "status": "great"},
        {**ROW, "status": None, "error": 7},
    ],
)
def test_bad_data_makes_a_section_unknown(row: dict[str, Any]) -> None:
    """What the node sends is judged, never believed."""
    assert from_events([row]).section("os") == Unknown(section="os", error="no data")


@pytest.mark.parametrize(
    "row", [{}, {"type": "hello"}, {**ROW, "section": None}, {**ROW, "section": ""}]
)
def test_other_events_are_passed_over(row: dict[str, Any]) -> None:
    """A stream of a run holds events of all types."""
    assert from_events([row]) == Facts()


def test_last_event_of_a_section_counts() -> None:
    """A run that is followed again may give a section twice."""
    failed = {**ROW, "status": "unknown", "error": "x"}
    assert from_events([failed, ROW]).errors == {}
    assert from_events([ROW, failed]).sections == {}


def test_parsed_events_fold_alike() -> None:
    """The runner hands over events that are parsed already."""
    facts = from_reads(
        [
            FactsRead(section="os", data={"build": 1}, error="", elapsed_ms=1),
            FactsRead(section="time", data=None, error="", elapsed_ms=1),
            FactsRead(section="disks", data=None, error="denied", elapsed_ms=1),
        ]
    )
    assert facts.sections == {"os": {"build": 1}}
    assert facts.errors == {"time": "no data", "disks": "denied"}


SECTION = Section(
    name="s",
    data={"t": "x", "n": 1, "f": True, "nul": None, "l": ["a"], "r": [{"a": 1}], "o": {"b": 2}},
)


def test_readers_give_values_of_their_type() -> None:
    """A check reads a fact by the type that it expects."""
    assert (SECTION.text("t"), SECTION.number("n"), SECTION.flag("f")) == ("x", 1, True)
    assert (SECTION.setting("nul"), SECTION.setting("n")) == (None, 1)
    assert (SECTION.texts("l"), SECTION.texts("nul"), SECTION.rows("nul")) == (("a",), (), ())
    assert SECTION.rows("r") == (Section(name="s.r[0]", data={"a": 1}),)
    assert SECTION.section("o") == Section(name="s.o", data={"b": 2})


@pytest.mark.parametrize(
    ("read", "key"),
    [
        (Section.text, "n"),
        (Section.number, "f"),
        (Section.number, "t"),
        (Section.setting, "t"),
        (Section.flag, "n"),
        (Section.texts, "r"),
        (Section.texts, "t"),
        (Section.rows, "l"),
        (Section.rows, "o"),
        (Section.section, "l"),
        (Section.value, "absent"),
    ],
)
def test_other_type_is_a_missing_fact(read: Callable[[Section, str], object], key: str) -> None:
    """A fact of the wrong type must make its check unknown, not crash it."""
    with pytest.raises(FactMissing, match=rf"s\.{key}"):
        read(SECTION, key)
