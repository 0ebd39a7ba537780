"""Arguments arrive as they were meant, by the rules that Windows programs divide them by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wincnode.errors import ConfigError
from wincnode.worker.command_line import command_line, quoted

# What PowerShell and people take for quotes, Windows does not, but for the first.
QUOTES = "\"'`\u201c\u201d\u2018\u2019"


def divided(line: str) -> list[str]:
    """Divide a command line by the rules of CommandLineToArgvW.

    Source: learn.microsoft.com/windows/win32/api/shellapi/nf-shellapi-commandlinetoargvw
    """
    if line.startswith('"'):
        program, _, rest = line[1:].partition('"')
    else:
        program, _, rest = line.partition(" ")
    return [program, *_arguments(rest)]


def _arguments(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(text):
        while at < len(text) and text[at] in " \t":
            at += 1
        if at == len(text):
            break
        argument, inside = "", False
        while at < len(text) and (inside or text[at] not in " \t"):
            slashes = 0
            while at < len(text) and text[at] == "\\":
                slashes, at = slashes + 1, at + 1
            if at < len(text) and text[at] == '"':
                argument += "\\" * (slashes // 2)
                if slashes % 2:
                    argument += '"'
                else:
                    inside = not inside
                at += 1
            else:
                argument += "\\" * slashes
                if at < len(text) and (inside or text[at] not in " \t"):
                    argument += text[at]
                    at += 1
        found.append(argument)
    return found


@given(st.lists(st.text(st.sampled_from(QUOTES + "\\ \tab=,%C:"), max_size=12), max_size=5))
def test_every_argument_arrives_as_it_is(arguments: list[str]) -> None:
    """Quotes of all five kinds, spaces, and backslashes before quotes and at the end."""
    program = r"C:\Program Files\x\y.exe"
    assert divided(command_line([program, *arguments])) == [program, *arguments]


@pytest.mark.parametrize(
    ("argument", "written"),
    [
        (r"C:\k\a.exe", r"C:\k\a.exe"),
        ("", '""'),
        ("a b\\", '"a b\\\\"'),
        ('say "x"', '"say \\"x\\""'),
        ('\\"', '"\\\\\\""'),
        ("it\u2019s", "it\u2019s"),
    ],
)
def test_only_what_needs_quotes_gets_them(argument: str, written: str) -> None:
    """A command that Windows shows is still one that people read."""
    assert quoted(argument) == written


@pytest.mark.parametrize("argument", ["a\nb", "a\0b", "a\rb"])
def test_what_no_command_line_carries_is_refused(argument: str) -> None:
    """It would end the line, or the registry's value that holds it."""
    with pytest.raises(ConfigError, match="no argument of a command line"):
        command_line(["a.exe", argument])


def test_a_program_with_a_quote_in_its_path_is_refused() -> None:
    """No file of Windows has one."""
    with pytest.raises(ConfigError, match="no path of a program"):
        command_line(['a".exe'])
