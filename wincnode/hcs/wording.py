"""What programs said, as they said it: without wraps, quoting, escapes and colours."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
# JSON three deep has 7 backslashes where there was one; more than 16 are nobody's escape.
_UNICODE = re.compile(r"\\{1,16}u([0-9a-fA-F]{4})")
_QUOTES = re.compile(r"\\{1,16}([\"'])")
_BREAKS = re.compile(r"(?:\\{1,16}r)?\\{1,16}n(?![a-z]{1,40}\\)")
_SPACE = re.compile(r"\s+|\\{1,16}[rn](?![a-z]{2})")
# Where a log begins a record: a time, klog's level and date, logrus' time=, JSON, a stack's frame.
_BEGINS = re.compile(
    r"\W{0,3}(?:\d{4}[-/]\d\d[-/]\d\d|[IWEF]\d{4} |(?:time|ts|level)=|\{\"|\d\d:\d\d:\d\d"
    r"|[A-Z][a-z]{2} [ \d]\d \d\d:|at [A-Z]\w*\.|(?:Warning|Normal)  )"
)
# Where a line of a mail or a frame begins.
_MARGIN = re.compile(r"^[\s>|]+")
# A pattern that looks ahead takes the square of it.
_LONGEST_LINE = 8000
# Lines of a log that does not begin records with a time are no one record.
_LONGEST_RECORD = 4000
_PLAIN = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\xa0": " "})


def plain(text: str) -> str:
    """Undo colours, entities of XML, typographic quotes and the escapes of nested JSON."""
    text = _COLOURS.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    if "&" in text:
        text = html.unescape(text)
    text = _UNICODE.sub(lambda match: chr(int(match[1], 16)), text)
    return _QUOTES.sub(r"\1", text).translate(_PLAIN)


def readings(text: str) -> tuple[str, ...]:
    """Give the lines of a text, and beside them each record whose wraps are undone.

    A wrap may stand between two words or within one, and an escaped line break may be one too,
    so that a record is read in every way.
    """
    lines = list(_lines(text))
    found = [line.strip() for line in lines if line.strip()]
    for record in _records(lines):
        parts = [_MARGIN.sub("", line).rstrip() for line in record]
        found += [" ".join(parts), "".join(parts)]
    found += [_BREAKS.sub(space, line) for line in found for space in (" ", "")]
    return tuple(dict.fromkeys(form for line in found for form in (line, _single(line))))


def squeezed(text: str) -> str:
    """Give a text without space and case, in which no wrap and no escaped break is left."""
    return _SPACE.sub("", text).lower()


def _lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        left = line
        while len(left) > _LONGEST_LINE:
            # Between words where there are some: the first half of a code is another code.
            word = max(left.rfind(mark, 1, _LONGEST_LINE) for mark in " ,")
            at = word if word > 0 else _LONGEST_LINE
            yield left[:at]
            left = left[at:]
        yield left


def _single(line: str) -> str:
    return re.sub(r"\\{2,}", r"\\", line)


def _records(lines: list[str]) -> list[list[str]]:
    """Give the records of more than one line."""
    records: list[list[str]] = [[]]
    length = 0
    for line in lines:
        length += len(line)
        if not line.strip() or _BEGINS.match(line) or length > _LONGEST_RECORD:
            records.append([])
            length = len(line)
        if line.strip():
            records[-1].append(line)
    return [record for record in records if len(record) > 1]
