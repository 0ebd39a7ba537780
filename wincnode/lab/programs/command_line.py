"""A Windows command line taken apart, and flags as Go's programs read them.

Source: learn.microsoft.com/windows/win32/api/shellapi/nf-shellapi-commandlinetoargvw;
pkg.go.dev/github.com/spf13/pflag, "Command line flag syntax"
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field


class UnknownFlag(ValueError):
    """A program does not know a flag."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """Flags by their names, the last one counting, and what is no flag."""

    flags: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)


def split(text: str) -> list[str]:
    """Give the arguments that a started program gets, its own path first."""
    program = re.match(r'\s*"([^"]*)"|\s*([^\s"]+)', text)
    if program is None:
        return []
    words = [program[1] if program[1] is not None else program[2]]
    at = program.end()
    while at < len(text):
        if text[at] in " \t":
            at += 1
            continue
        word, at = _word(text, at)
        words.append(word)
    return words


def _word(text: str, at: int) -> tuple[str, int]:
    """Read one argument; backslashes count only before a quote."""
    word, quoted = "", False
    while at < len(text) and (quoted or text[at] not in " \t"):
        slashes = re.match(r"\\*", text[at:])
        count = len(slashes[0]) if slashes else 0
        at += count
        if at < len(text) and text[at] == '"':
            word += "\\" * (count // 2)
            if count % 2:
                word += '"'
            elif quoted and text[at + 1 : at + 2] == '"':
                word += '"'
                at += 1
            else:
                quoted = not quoted
            at += 1
        elif count:
            word += "\\" * count
        else:
            word += text[at]
            at += 1
    return word, at


def parse(
    words: Sequence[str], *, values: Collection[str], switches: Collection[str] = ()
) -> Parsed:
    """Read flags, as `--name=value`, `--name value`, or alone where they are switches.

    Raises: UnknownFlag.
    """
    flags: dict[str, str] = {}
    others: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            others.append(word)
            continue
        name, has_value, value = word.lstrip("-").partition("=")
        if name not in values and name not in switches:
            raise UnknownFlag(f"unknown flag: --{name}")
        if not has_value and name in values:
            if not rest:
                raise UnknownFlag(f"flag needs an argument: --{name}")
            value = rest.pop(0)
        flags[name] = value if has_value or name in values else "true"
    return Parsed(flags=flags, words=others)
