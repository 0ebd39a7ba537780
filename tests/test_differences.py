"""Differences: short, whole where they are short, and harmless for a terminal."""

from __future__ import annotations

from typing import Any

import pytest

from wincnode.differences import LINES_COMPARED, LINES_SHOWN, LONGEST, differences


def lines(have: Any, want: Any) -> list[str]:
    """Give the lines for one field that differs."""
    return [text for _, text in differences([("f", have, want)])]


@pytest.mark.parametrize(
    ("have", "want", "line"),
    [
        ("absent", "present", 'f: "absent" -> "present"'),
        (None, "x", '+ f: "x"'),
        (True, False, "f: true -> false"),
        (["10250"], ["10250", "80"], 'f: ["10250"] -> ["10250", "80"]'),
        (r"C:\k", r"C:\l", r'f: "C:\k" -> "C:\l"'),
        ({"a": 1}, None, "f: {a: 1} -> (none)"),
    ],
)
def test_short_values_stand_side_by_side(have: Any, want: Any, line: str) -> None:
    """An arrow leads from what is there to what is wanted; paths keep single backslashes."""
    assert lines(have, want) == [line]


def test_secret_is_hidden_and_known_to_differ() -> None:
    """Neither side of a secret is drawn."""
    assert lines("***", "***") == ["f: *** -> *** (a secret; it differs)"]


def test_long_values_are_cut_around_their_first_difference() -> None:
    """What differs at the end of a long command line is seen, with both lengths."""
    common = "kubelet " + "--flag " * 100
    head, have, want = lines(common + "--v=2", common + "--v=4")
    assert head == "f:"
    assert have.endswith('--v=2" (715 characters)')
    assert want.endswith('--v=4" (715 characters)')
    assert "…" in have
    assert len(have) < LONGEST + 30


def test_texts_of_lines_become_a_unified_diff() -> None:
    """Changed lines stand between two lines around them."""
    have = "a\nb\nc\nd\ne\n"
    assert lines(have, have.replace("d", "D")) == [
        "f: 5 lines -> 5 lines",
        "  @@ -2,4 +2,4 @@",
        "   b",
        "   c",
        "  -d",
        "  +D",
        "   e",
    ]


def test_file_that_is_to_be_made_is_shown_whole() -> None:
    """Nothing is there, so every line is wanted; no place in an old file is named."""
    assert lines(None, "a\nb\n") == ["+ f: 2 lines", "  +a", "  +b"]


def test_line_ends_are_seen() -> None:
    """A file that differs by its line breaks alone must not look the same on both sides."""
    assert lines("a\r\nb\n", "a\nb\n")[2:4] == ["  -a\\x0d", "  +a"]
    assert "  +\\ no line break at the end" in lines("a\nb\n", "a\nb")


def test_long_diff_is_cut_and_a_huge_one_is_not_computed() -> None:
    """A screen is not flooded, and a hostile file costs no time."""
    cut = lines(None, "x\n" * 500)
    assert len(cut) == 1 + LINES_SHOWN + 1
    assert cut[-1] == "  @@ 440 more lines @@"
    many = ["same"] * LINES_COMPARED
    huge = lines("\n".join(many), "\n".join([*many[:6], "other", *many[7:]]))
    assert huge[1:] == ["  @@ too long to show; the first difference is in line 7 @@"]


def test_what_a_node_says_cannot_move_the_cursor() -> None:
    """Escape sequences arrive as text."""
    shown = "\n".join(lines("\x1b[2J", "x")) + "\n".join(lines("\x1b[2J\nb", "x\n"))
    assert "\x1b" not in shown
