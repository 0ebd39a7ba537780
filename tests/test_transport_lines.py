"""Lines out of chunks that are cut anywhere."""

from __future__ import annotations

import pytest

from wincnode.errors import BadReply
from wincnode.transport.lines import split_lines


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_lines_do_not_depend_on_where_chunks_are_cut(size: int) -> None:
    """A cut inside a line end, a UTF-8 character or nowhere gives the same lines."""
    data = "eins\r\nzwöi\n\n日本\r\nlast".encode()
    chunks = [data[i : i + size] for i in range(0, len(data), size)]

    lines = list(split_lines(chunks, node="n"))

    assert lines == [b"eins", "zwöi".encode(), b"", "日本".encode(), b"last"]


def test_a_line_arrives_before_the_output_ends() -> None:
    """Nothing waits for the next chunk once a line is whole."""

    def chunks() -> object:
        yield b"a\nb"
        raise RuntimeError

    lines = split_lines(chunks(), node="n")  # type: ignore[arg-type] # a generator

    assert next(lines) == b"a"


@pytest.mark.parametrize("chunks", [[b"x" * 11], [b"x" * 6, b"x" * 5 + b"\n"], [b"x" * 11 + b"\n"]])
def test_a_long_line_is_refused(chunks: list[bytes]) -> None:
    """A line over the cap ends the run, whether its end is seen or not."""
    with pytest.raises(BadReply, match="a line of more than 10 bytes"):
        list(split_lines(chunks, node="n", max_line_bytes=10))


def test_a_line_of_exactly_the_cap_is_fine() -> None:
    """The cap is the longest line allowed."""
    assert list(split_lines([b"x" * 10 + b"\n"], node="n", max_line_bytes=10)) == [b"x" * 10]


def test_endless_output_is_refused() -> None:
    """Many short lines add up too."""
    with pytest.raises(BadReply, match="more than 100 bytes of output"):
        list(split_lines([b"ab\n"] * 50, node="n", max_total_bytes=100))
