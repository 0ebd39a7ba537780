"""Verbs of accounts: what the Local Security Authority (LSA) of a machine knows of them.

Source: learn.microsoft.com/windows/win32/api/ntsecapi; ntsecapi.h of the Windows SDK
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from wincnode.hcs.references import Text
from wincnode.hcs.verbs import Fields


@dataclass(frozen=True, kw_only=True, slots=True)
class RightHolders:
    """List who holds a right itself, and not by a group (LsaEnumerateAccountsWithUserRight).

    Args: right: its name, such as SeServiceLogonRight.
    """

    do: ClassVar[str] = "right.holders"
    gives: ClassVar[Fields] = MappingProxyType({"sids": "texts"})
    right: Text
