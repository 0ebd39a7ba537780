"""Divides a line into words as shells do, but for the backslash, which paths of Windows have."""

from __future__ import annotations

import shlex


def words(text: str) -> list[str]:
    """Divide at spaces outside quotes.

    Raises: ValueError: a quote has no end.
    """
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    lexer.escape = ""
    return list(lexer)
