"""Chunks of bytes become lines, however they were cut, and a flood becomes an error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wincnode.errors import BadReply

MAX_LINE_BYTES = 1 << 20
MAX_TOTAL_BYTES = 64 << 20


def split_lines(
    chunks: Iterable[bytes],
    *,
    node: str,
    max_line_bytes: int = MAX_LINE_BYTES,
    max_total_bytes: int = MAX_TOTAL_BYTES,
) -> Iterator[bytes]:
    r"""Yield each line without its \n or \r\n, the last one also when it has no end.

    WinRM cuts output at any byte, in the middle of a UTF-8 character too, so that decoding is
    left to whoever has a whole line.
    Source: github.com/jborean93/pypsrp tests/tests_pypsrp/responses/*.yml (recorded on Windows).

    Raises:
        BadReply: a line or the whole output is longer than allowed.
    """
    rest: list[bytes] = []
    rest_bytes = 0
    total_bytes = 0
    for chunk in chunks:
        total_bytes += len(chunk)
        if total_bytes > max_total_bytes:
            raise _flood(node, f"more than {max_total_bytes} bytes of output")
        *whole, tail = chunk.split(b"\n")
        for line in whole:
            if rest_bytes + len(line) > max_line_bytes:
                raise _flood(node, f"a line of more than {max_line_bytes} bytes")
            yield b"".join((*rest, line)).removesuffix(b"\r")
            rest, rest_bytes = [], 0
        rest_bytes += len(tail)
        if rest_bytes > max_line_bytes:
            raise _flood(node, f"a line of more than {max_line_bytes} bytes")
        if tail:
            rest.append(tail)
    if rest:
        yield b"".join(rest).removesuffix(b"\r")


def _flood(node: str, what: str) -> BadReply:
    return BadReply(
        f"{node}: the node sent {what}",
        remedy="No wincnode runner writes that much: see what answers at this address.",
        id="link.flood",
    )
