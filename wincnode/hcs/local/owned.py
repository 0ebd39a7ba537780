"""Folders that only SYSTEM and administrators may write to.

Users may make folders in ProgramData, so one that is there already may be a trap: a link is
refused, and so is what belongs to another account (GHSA-7h8m-pvw3-5gh4).
Source: learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-createdirectoryw;
learn.microsoft.com/windows/win32/api/aclapi/nf-aclapi-getnamedsecurityinfow
"""

from __future__ import annotations

import ctypes

from wincnode.hcs.local.failures import DENIED, CallFailed, failure
from wincnode.hcs.local.native import ADVAPI32, KERNEL32, Native, text
from wincnode.hcs.local.sids import written

# Owner and group Administrators; SYSTEM and Administrators have all rights, nobody else any.
SDDL = "O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
OWNERS = ("S-1-5-18", "S-1-5-32-544")
_REVISION = 1
_FILE_OBJECT = 1
_OWNER = 1


class _Attributes(ctypes.Structure):
    """SECURITY_ATTRIBUTES of minwinbase.h."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("descriptor", ctypes.c_void_p),
        ("inherit", ctypes.c_int32),
    )


def make(native: Native, path: str) -> None:
    """Make one folder.

    Raises: CallFailed.
    """
    name = "ConvertStringSecurityDescriptorToSecurityDescriptorW"
    descriptor = ctypes.c_void_p()
    given = native.call(ADVAPI32, name, text(SDDL), _REVISION, ctypes.byref(descriptor), None)
    if not given:
        raise failure(name, 0x80070000 | native.last_error())
    try:
        attributes = _Attributes(ctypes.sizeof(_Attributes), descriptor.value, 0)
        made = native.call(KERNEL32, "CreateDirectoryW", text(path), ctypes.byref(attributes))
        if not made:
            raise failure("CreateDirectoryW", 0x80070000 | native.last_error())
    finally:
        native.call(KERNEL32, "LocalFree", descriptor)


def check(native: Native, path: str) -> None:
    """Refuse a folder that belongs to neither SYSTEM nor the administrators.

    Raises: CallFailed.
    """
    owner, descriptor = ctypes.c_void_p(), ctypes.c_void_p()
    code = native.call(
        ADVAPI32,
        "GetNamedSecurityInfoW",
        text(path),
        _FILE_OBJECT,
        _OWNER,
        ctypes.byref(owner),
        None,
        None,
        None,
        ctypes.byref(descriptor),
    )
    if code:
        raise failure("GetNamedSecurityInfoW", 0x80070000 | code)
    try:
        sid = written(native, owner)
    finally:
        native.call(KERNEL32, "LocalFree", descriptor)
    if sid not in OWNERS:
        raise CallFailed(DENIED, f"{path} belongs to {sid}.")
