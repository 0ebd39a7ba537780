"""Windows' error codes: their numbers in every spelling, their names, and whose they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wincnode.assets import PACKAGE

# An HRESULT: sign, facility, 16 bits of code. Source: [MS-ERREF] 2.1.
_WIN32 = 0x80070000
_FAILURE = 0x80000000
# HRESULT_FROM_NT sets this bit of an NTSTATUS. Source: [MS-ERREF] 2.1.
_FROM_NT = 0x10000000
# The vmcompute API has as C037 what the computecore API has as 8037: winerror.h of the Windows SDK,
# microsoft/hcsshim:internal/hcs/errors.go@7c9ff7f4.
_VMCOMPUTE = 0xC0370000
_COMPUTECORE = 0x80370000

# Facilities, the upper 16 bits. Source: winerror.h of the Windows SDK 10.0.26100.0.
_COMPONENTS = {
    **dict.fromkeys((0x0035, 0xC035), "hypervisor"),
    **dict.fromkeys((0x8034, 0xC034), "adapter"),
    **dict.fromkeys((0x8039, 0xC039), "boot"),
    **dict.fromkeys((0x803A, 0xC03A), "disk"),
    **dict.fromkeys((0x8000, 0x8001, 0x8004), "com"),
    **dict.fromkeys((0x8009, 0x800B), "security"),
    0x803B: "hns",
    0x800F: "setup",
    0x8033: "winrm",
    0x801F: "filter",
    0x8032: "firewall",
    0xC05D: "smb",
    0x0000: "win32",
    0x8007: "win32",
}
# Within 8037 and C037 these are the hypervisor's own: ERROR_VID_*, and WHV_E_*.
_VID = range(0x0001, 0x0100)
_WHV = range(0x0300, 0x0320)

# Of 64 bits a code has the upper half as its sign.
_HEX = re.compile(r"(?<![0-9a-z])0x(?:f{8})?([0-9a-f]{1,8})(?![0-9a-z])", re.IGNORECASE)
_BARE_HEX = re.compile(r"(?<![0-9A-Za-z_-])([8C]0[0-9A-F]{6})(?![0-9A-Za-z_-])")
_DECIMAL = re.compile(r"(?<![\w.])(-?[0-9]{9,10})(?![\w.]*\w)")
# Smaller numbers in words are signals, exit codes and answers of HTTP; four digits in brackets
# may be a year.
_SPOKEN = re.compile(
    r"(?:\b(?:error|failed|failure|status|code)\W{1,4}(?:code\W{1,3})?|\((?!20[12][0-9]\)))"
    r"([0-9]{4,5})(?![\w.]*\w)",
    re.IGNORECASE,
)
# `net` and the System log, pywinrm, and WinRM itself, where any number is a code.
_SURE = re.compile(
    r"(?:%%|\bsystem error |\bwsmanfault_code\W{1,4}|\bWSManFault\b[^>]{0,200}?\bCode=\W)"
    r"([0-9]{1,10})\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]{3,}\b")
_SYNONYMS = {
    "ERROR_VMCOMPUTE_TIMEOUT": "HCS_E_CONNECTION_TIMEOUT",
    # HRESULTs of Win32 codes that have a name of their own. Source: [MS-ERREF] 2.1.1.
    "E_ACCESSDENIED": "ERROR_ACCESS_DENIED",
    "E_HANDLE": "ERROR_INVALID_HANDLE",
    "E_INVALIDARG": "ERROR_INVALID_PARAMETER",
    "E_OUTOFMEMORY": "ERROR_OUTOFMEMORY",
}
_VMCOMPUTE_ONLY = {"HCS_E_TOO_MANY_NOTIFICATIONS"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """A number that was found; `name` is empty where Windows' headers have none."""

    value: int
    name: str
    component: str

    @property
    def hex(self) -> str:
        """Give the number as Windows writes it."""
        return f"0x{self.value:08X}"


Names = Mapping[int, str]


def load_names() -> Names:
    """Read the names of codes, by number."""
    text = (PACKAGE / "data" / "codes.txt").read_text(encoding="ascii")
    rows = (line.split() for line in text.splitlines() if not line.startswith("#"))
    return {int(number, 16): name for number, name in rows}


def code(value: int, names: Names) -> Code:
    """Name a number: an HRESULT, a Win32 code or an NTSTATUS, signed or not."""
    value &= 0xFFFFFFFF
    name = next((names[form] for form in _forms(value) if form in names), "")
    return Code(value=value, name=name, component=_component(value, name))


def canonical(name: str) -> str:
    """Give one name for what has several: ERROR_VMCOMPUTE_X is HCS_E_X, E_HANDLE a Win32 code."""
    other = name.replace("ERROR_VMCOMPUTE_", "HCS_E_")
    return _SYNONYMS.get(name, name if other in _VMCOMPUTE_ONLY else other)


def find(text: str, names: Names) -> tuple[Code, ...]:
    """Give the codes of a text in their order, each once: those with a name, and HRESULTs without.

    Numbers: hexadecimal, signed or unsigned decimal, alone or within words; names as well.
    """
    found = {found.value: found for found in _whole(text, names)}
    spoken = {name: value for value, name in names.items()}
    numbers = [(match.start(), int(match[1], 16)) for match in _HEX.finditer(text)]
    numbers += [(match.start(), int(match[1], 16)) for match in _BARE_HEX.finditer(text)]
    numbers += [
        (match.start(), number)
        for match in _DECIMAL.finditer(text)
        if code(number := int(match[1]), names).name
    ]
    numbers += [
        (match.start(), int(match[1]))
        for pattern in (_SPOKEN, _SURE)
        for match in pattern.finditer(text)
    ]
    numbers += [
        (match.start(), spoken[match[0]]) for match in _NAME.finditer(text) if match[0] in spoken
    ]
    for _, number in sorted(numbers):
        one = code(number, names)
        # 0 is success, and a number without a name is a code where it has an error's form.
        if one.value and (one.name or one.value >= _FAILURE):
            found.setdefault(one.value, one)
    return tuple(found.values())


def _whole(text: str, names: Names) -> Iterator[Code]:
    """Take a text that is nothing but a number for a code, whatever its size."""
    bare = text.strip().strip("()'\"")
    if re.fullmatch(r"-?[0-9]{1,10}", bare):
        yield from [one] if (one := code(int(bare), names)).name else []
    if re.fullmatch(r"(0x)?[0-9a-fA-F]{1,8}", bare):
        one = code(int(bare, 16), names)
        yield from [one] if one.name or bare.lower().startswith("0x") else []


def _forms(value: int) -> Iterator[int]:
    yield value
    if value & 0xFFFF0000 == _WIN32:
        yield value & 0xFFFF
    if value & 0xF0000000 == 0xD0000000:
        yield value & ~_FROM_NT
    if value & 0xFFFF0000 == _VMCOMPUTE:
        yield _COMPUTECORE | (value & 0xFFFF)
    if value & 0xFFFF0000 == _COMPUTECORE:
        yield _VMCOMPUTE | (value & 0xFFFF)


def _component(value: int, name: str) -> str:
    high, low = value >> 16, value & 0xFFFF
    if high in {0x8037, 0xC037}:
        return "hypervisor" if low in _VID or low in _WHV else "hcs"
    if name.startswith(("STATUS_", "DBG_")):
        return "ntstatus"
    return _COMPONENTS.get(high, "")
