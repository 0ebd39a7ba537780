r"""Arguments to one Windows command line, as the started program takes them apart again.

Source: learn.microsoft.com/windows/win32/api/shellapi/nf-shellapi-commandlinetoargvw;
golang/go:src/os/exec_windows.go, by which kubelet and containerd do it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from wincnode.errors import ConfigError

_BEFORE_QUOTE = re.compile(r'(\\*)(?="|$)')
_PLAIN = re.compile(r'[^\s"]+')


def command_line(arguments: Sequence[str]) -> str:
    """Join a program's path and its arguments.

    Raises: ConfigError: a NUL or a line break, or a quote in the program's path.
    """
    program, *rest = arguments
    if '"' in program or not program:
        raise ConfigError(f"no path of a program: {program!r}")
    return " ".join((_program(program), *map(quoted, rest)))


def quoted(argument: str) -> str:
    """Give one argument in such quotes and with such backslashes that it arrives as it is.

    Backslashes are doubled only where a quote follows them, as the rule wants it.
    Raises: ConfigError: a NUL or a line break, which no command line carries.
    """
    if re.search(r"[\0\r\n]", argument):
        raise ConfigError(f"no argument of a command line: {argument!r}")
    if _PLAIN.fullmatch(argument):
        return argument
    doubled = _BEFORE_QUOTE.sub(r"\1\1", argument)
    return '"' + doubled.replace('"', '\\"') + '"'


def _program(path: str) -> str:
    """Quote the first word, in which a backslash never escapes."""
    return quoted(path) if _PLAIN.fullmatch(path) else f'"{path}"'
