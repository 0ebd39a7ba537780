"""Owners and access lists of folders in SDDL, with what folders inherit.

Source of the language: learn.microsoft.com/openspecs/windows_protocols/ms-dtyp (2.5.1.1), and of
inheritance: learn.microsoft.com/windows/win32/secauthz/ace-inheritance-rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PureWindowsPath

from wincnode.lab.model.failures import Failure

# [MS-DTYP] 2.4.2.4
SIDS = {
    "S-1-1-0": "WD",
    "S-1-3-0": "CO",
    "S-1-5-11": "AU",
    "S-1-5-18": "SY",
    "S-1-5-19": "LS",
    "S-1-5-20": "NS",
    "S-1-5-32-544": "BA",
    "S-1-5-32-545": "BU",
}
# winnt.h; other rights are written as numbers.
RIGHTS = {
    "FA": 0x1F01FF,
    "FR": 0x120089,
    "FW": 0x120116,
    "FX": 0x1200A0,
    "GA": 0x10000000,
    "GX": 0x20000000,
    "GW": 0x40000000,
    "GR": 0x80000000,
}
FLAGS = ("OI", "CI", "NP", "IO", "ID")
_TEXT = re.compile(r"(?:O:(.+?))?(?:G:(.+?))?D:([A-Z]*)((?:\([^()]*\))*)(?:S:.*)?")
_ACE = re.compile(r"\(([AD]);((?:OI|CI|NP|IO|ID)*);((?:[A-Z]{2})*|0x[0-9a-fA-F]+);;;([^;]+)\)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ace:
    """One entry of an access list."""

    type: str
    flags: frozenset[str]
    mask: int
    sid: str

    def __str__(self) -> str:
        flags = "".join(flag for flag in FLAGS if flag in self.flags)
        rights = next((n for n, mask in RIGHTS.items() if mask == self.mask), f"{self.mask:#x}")
        return f"({self.type};{flags};{rights};;;{self.sid})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Descriptor:
    """Owner, group and access list; an empty owner or group is not named."""

    owner: str = ""
    group: str = ""
    protected: bool = False
    aces: tuple[Ace, ...] = ()

    def access(self) -> str:
        """Write the access list in one spelling; the marks AI and AR are left out."""
        mark = "P" if self.protected else ""
        return f"D:{mark}{''.join(map(str, self._in_order()))}"

    def __str__(self) -> str:
        names = (f"O:{self.owner}" * bool(self.owner)) + (f"G:{self.group}" * bool(self.group))
        inherits = self.protected or any("ID" in ace.flags for ace in self.aces)
        mark = "P" * self.protected + "AI" * inherits
        return f"{names}D:{mark}{''.join(map(str, self._in_order()))}"

    def _in_order(self) -> list[Ace]:
        return sorted(self.aces, key=lambda ace: "ID" in ace.flags)


def parse(sddl: str) -> Descriptor:
    """Read an SDDL text.

    Raises: Failure: it is none, or names what this model does not know.
    """
    whole = _TEXT.fullmatch(sddl)
    if whole is None:
        raise _invalid()
    aces = [_ace(entry) for entry in re.findall(r"\([^()]*\)", whole[4])]
    owner, group = (_sid(part) if part else "" for part in whole.group(1, 2))
    return Descriptor(owner=owner, group=group, protected="P" in whole[3], aces=tuple(aces))


class AccessLists:
    """The access list of each folder; who has none of its own inherits all of it."""

    def __init__(self) -> None:
        self._own: dict[str, Descriptor] = {}

    def of(self, path: str) -> Descriptor:
        """Give a folder's owner, group and access list, with what it inherits."""
        above = str(PureWindowsPath(path).parent)
        if above == str(PureWindowsPath(path)):
            return ROOT
        own = self._own.get(_key(path), PLAIN)
        if own.protected:
            return own
        inherited = (_inherited(ace) for ace in self.of(above).aces)
        return replace(own, aces=own.aces + tuple(ace for ace in inherited if ace))

    def set(self, path: str, new: Descriptor) -> None:
        """Give a folder an access list; owner and group stay where they are not named."""
        own = self._own.get(_key(path), PLAIN)
        self._own[_key(path)] = replace(
            new,
            owner=new.owner or own.owner,
            group=new.group or own.group,
            aces=tuple(ace for ace in new.aces if "ID" not in ace.flags),
        )

    def forget(self, path: str) -> None:
        """Forget a folder that is gone, and those in it."""
        gone = _key(path)
        for key in [k for k in self._own if k == gone or k.startswith(gone + "\\")]:
            del self._own[key]


def _inherited(ace: Ace) -> Ace | None:
    """Give what a folder inherits of an entry of the folder above."""
    passed = ace.flags & {"OI", "CI"}
    if not passed:
        return None
    if "NP" in ace.flags:
        passed = frozenset()
    elif "CI" not in passed:
        passed = frozenset({"OI", "IO"})
    return replace(ace, flags=passed | {"ID"})


def _ace(text: str) -> Ace:
    found = _ACE.fullmatch(text)
    if found is None:
        raise _invalid()
    type_, flags, rights, sid = found.groups()
    if rights.startswith("0x"):
        mask = int(rights, 16)
    else:
        names = re.findall("..", rights)
        if not set(names) <= set(RIGHTS):
            raise _invalid()
        mask = 0
        for name in names:
            mask |= RIGHTS[name]
    return Ace(type=type_, flags=frozenset(re.findall("..", flags)), mask=mask, sid=_sid(sid))


def _sid(text: str) -> str:
    if text in SIDS.values():
        return text
    if not re.fullmatch(r"S-1(-\d+)+", text):
        raise _invalid()
    return SIDS.get(text, text)


def _invalid() -> Failure:
    return Failure("The SDDL form of a security descriptor object is invalid.", "ArgumentException")


def _key(path: str) -> str:
    return str(PureWindowsPath(path)).lower().rstrip("\\")


# What a disk's root has, and what a folder gets that nobody gave anything.
ROOT = parse(
    "O:BAG:SYD:(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICIIO;GA;;;CO)"
    "(A;OICI;0x1200a9;;;BU)(A;CI;0x4;;;BU)(A;CIIO;0x2;;;BU)"
)
PLAIN = Descriptor(owner="BA", group="SY")
