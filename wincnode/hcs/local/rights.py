"""Who holds a right of accounts: the Local Security Authority (LSA), asked for SIDs.

Source: learn.microsoft.com/windows/win32/api/ntsecapi (LsaOpenPolicy,
LsaEnumerateAccountsWithUserRight, LsaFreeMemory, LsaClose); lsalookup.h of the Windows SDK;
NTSTATUS: [MS-ERREF] 2.3.1
"""

from __future__ import annotations

import ctypes

from wincnode.hcs.local.failures import failure, is_failure
from wincnode.hcs.local.native import ADVAPI32, Native, text
from wincnode.hcs.local.sids import written

OPEN = "LsaOpenPolicy"
ENUMERATE = "LsaEnumerateAccountsWithUserRight"
# POLICY_VIEW_LOCAL_INFORMATION and POLICY_LOOKUP_NAMES of ntsecapi.h.
ACCESS = 0x801
# STATUS_NO_MORE_ENTRIES: nobody holds it.
NOBODY = 0x8000001A


class Text(ctypes.Structure):
    """LSA_UNICODE_STRING: lengths are in bytes, the NUL behind it counts to `maximum` alone."""

    _fields_ = (
        ("length", ctypes.c_uint16),
        ("maximum", ctypes.c_uint16),
        ("buffer", ctypes.c_void_p),
    )


class Attributes(ctypes.Structure):
    """LSA_OBJECT_ATTRIBUTES, of which LsaOpenPolicy reads nothing."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("root_directory", ctypes.c_void_p),
        ("object_name", ctypes.c_void_p),
        ("attributes", ctypes.c_uint32),
        ("security_descriptor", ctypes.c_void_p),
        ("security_quality_of_service", ctypes.c_void_p),
    )


def holders(native: Native, right: str) -> list[str]:
    """Give the SIDs of those who hold a right themselves, and not by a group.

    Raises: CallFailed: its code is an NTSTATUS.
    """
    policy = ctypes.c_void_p()
    attributes = Attributes(length=ctypes.sizeof(Attributes))
    code = native.call(ADVAPI32, OPEN, None, ctypes.byref(attributes), ACCESS, ctypes.byref(policy))
    if is_failure(code):
        raise failure(OPEN, code)
    try:
        return _held(native, policy, right)
    finally:
        native.call(ADVAPI32, "LsaClose", policy)


def _held(native: Native, policy: ctypes.c_void_p, right: str) -> list[str]:
    units = text(right)
    size = ctypes.sizeof(units)
    name = Text(length=size - 2, maximum=size, buffer=ctypes.addressof(units))
    rows, count = ctypes.c_void_p(), ctypes.c_uint32()
    code = native.call(
        ADVAPI32,
        ENUMERATE,
        policy,
        ctypes.byref(name),
        ctypes.byref(rows),
        ctypes.byref(count),
    )
    if code == NOBODY:
        return []
    if is_failure(code):
        raise failure(ENUMERATE, code)
    try:
        # LSA_ENUMERATION_INFORMATION is the address of a SID.
        sids = (ctypes.c_void_p * count.value).from_address(rows.value or 0)
        return [written(native, ctypes.c_void_p(sid)) for sid in sids]
    finally:
        native.call(ADVAPI32, "LsaFreeMemory", rows)
