"""Host patterns of Ansible, `w[01:20].example:5986`, to names and a port.

Source: ansible/ansible:lib/ansible/parsing/utils/addresses.py@v2.19.14 says what is a host, and
lib/ansible/plugins/inventory/__init__.py@v2.19.14 (expand_hostname_range) what a range gives.
"""

from __future__ import annotations

import ipaddress
import re
from string import ascii_letters

# More machines than any run works on; a range such as [1:999999999] must not fill the memory.
LIMIT_HOSTS = 10_000
_RANGE = r"\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]"
_HEX_RANGE = re.compile(r"\[[0-9a-f]+:[0-9a-f]+(?::[0-9]+)?\]", re.IGNORECASE)
_LABEL = rf"(?:\w|{_RANGE})(?:[\w-]|{_RANGE})*(?<![_-])"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.IGNORECASE)
_PORTS = (
    re.compile(r"\[(?P<host>.+)\]:(?P<port>[0-9]+)"),
    re.compile(r"(?P<host>(?:[^:\[\]]|\[[^\]]*\])*):(?P<port>[0-9]+)"),
)
_BOUNDS = re.compile(
    r"(?P<first>[0-9]{0,9}|[A-Za-z]):(?P<last>[0-9]{1,9}|[A-Za-z])(:(?P<step>[0-9]{1,9}))?"
)
_FORM = "a range is [FIRST:LAST] or [FIRST:LAST:STEP], of numbers or single letters"


def expand(pattern: str) -> tuple[list[str], int | None]:
    """Give the names that a pattern stands for, and the port that it gives them.

    Raises: ValueError: says what is wrong with it.
    """
    host, port = _without_port(pattern)
    names = [""]
    while "[" in host:
        head, _, rest = host.partition("[")
        inside, closed, host = rest.partition("]")
        if not closed:
            raise ValueError(f"a bracket is not closed; {_FORM}")
        # Measured before anything is made of it.
        values = _values(inside)
        if len(names) * len(values) > LIMIT_HOSTS:
            raise ValueError(f"stands for more than {LIMIT_HOSTS} hosts")
        names = [f"{name}{head}{values.text(number)}" for name in names for number in values.row]
    return [f"{name}{host}" for name in names], port


class _Values:
    """What one range gives: its numbers, and how each is written."""

    def __init__(self, row: range, *, width: int = 0, letters: bool = False) -> None:
        self.row = row
        self._width = width
        self._letters = letters

    def __len__(self) -> int:
        return len(self.row)

    def text(self, number: int) -> str:
        return ascii_letters[number] if self._letters else str(number).zfill(self._width)


def _values(inside: str) -> _Values:
    bounds = _BOUNDS.fullmatch(inside)
    if bounds is None:
        raise ValueError(_FORM)
    first, last, step = bounds["first"] or "0", bounds["last"], int(bounds["step"] or 1)
    if first.isdigit() != last.isdigit() or not step:
        raise ValueError(_FORM)
    width = 0
    if first[0] == "0" and len(first) > 1:
        width = len(first)
        if len(last) != width:
            raise ValueError(f"{first} and {last} are not equally long, as leading zeros want it")
    if first.isdigit():
        start, stop = int(first), int(last)
    else:
        start, stop = ascii_letters.index(first), ascii_letters.index(last)
    if start > stop:
        raise ValueError(f"a range that ends at {last} cannot begin at {first}")
    return _Values(range(start, stop + 1, step), width=width, letters=not first.isdigit())


def _without_port(pattern: str) -> tuple[str, int | None]:
    """Split the port off, where what is left is a host; else the pattern is a name as it is."""
    host, port = pattern, None
    for form in _PORTS:
        found = form.fullmatch(host)
        if found:
            host, port = found["host"], int(found["port"][:9])
    return (host, port) if _is_host(host) else (pattern, None)


def _is_host(text: str) -> bool:
    if _NAME.fullmatch(text):
        return True
    try:
        ipaddress.IPv6Address(_HEX_RANGE.sub("1", text))
    except ValueError:
        return False
    return True
