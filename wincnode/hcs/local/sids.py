"""SIDs as texts.

Source: learn.microsoft.com/windows/win32/api/sddl/nf-sddl-convertsidtostringsidw
"""

from __future__ import annotations

import ctypes

from wincnode.hcs.local.failures import failure
from wincnode.hcs.local.native import ADVAPI32, Native, taken

NAME = "ConvertSidToStringSidW"


def written(native: Native, sid: ctypes.c_void_p) -> str:
    """Give a SID at an address as S-1-5-18.

    Raises: CallFailed.
    """
    text = ctypes.c_void_p()
    if not native.call(ADVAPI32, NAME, sid, ctypes.byref(text)):
        raise failure(NAME, 0x80070000 | native.last_error())
    return taken(native, text, local=True) or ""
