"""Calls exports of Windows' DLLs: each is bound when it is first called."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from wincnode.hcs.local.failures import NO_EXPORT, NO_MODULE, CallFailed
from wincnode.hcs.local.table import EXPORTS, Export

COMPUTECORE: Final = "computecore.dll"
VMCOMPUTE: Final = "vmcompute.dll"
OFFREG: Final = "offreg.dll"
KERNEL32: Final = "kernel32.dll"
OLE32: Final = "ole32.dll"
ADVAPI32: Final = "advapi32.dll"
# LoadLibraryEx looks in System32 alone: learn.microsoft.com/windows/win32/api/libloaderapi
_SYSTEM32_ONLY = 0x800
# More of a text that a DLL gives is not read.
_MOST_UNITS = 8 << 20
# c_long and c_wchar are of other sizes elsewhere than on Windows; these are not.
_TYPES: Mapping[str, Any] = {
    "handle": ctypes.c_void_p,
    "text": ctypes.c_void_p,
    "pointer": ctypes.c_void_p,
    "size": ctypes.c_size_t,
    "i32": ctypes.c_int32,
    "u32": ctypes.c_uint32,
    "void": None,
}


class Native:
    """The exports of the table.

    Args: paths: where a DLL is to be loaded from, by its name in lower case; System32 otherwise.
    """

    def __init__(self, paths: Mapping[str, str] | None = None) -> None:
        self._paths = dict(paths or {})
        self._libraries: dict[str, ctypes.CDLL] = {}
        self._functions: dict[tuple[str, str], Callable[..., Any]] = {}

    def call(self, dll: str, name: str, *arguments: Any) -> int:
        """Call an export; gives its result as an unsigned number, a handle as it is.

        Texts are given as `text()` makes them, out parameters as `ctypes.byref`.
        Raises: CallFailed: there is no such DLL, or it has no such export.
        """
        function = self._functions.get((dll, name)) or self._bind(EXPORTS[dll, name])
        result = function(*arguments)
        if EXPORTS[dll, name].result == "handle":
            return result or 0
        return 0 if result is None else result & 0xFFFFFFFF

    def check(self, dll: str, name: str) -> None:
        """Say at once where an export is missing.

        Raises: CallFailed.
        """
        if (dll, name) not in self._functions:
            self._bind(EXPORTS[dll, name])

    def has(self, dll: str, name: str) -> bool:
        """Tell whether this build of Windows has an export."""
        try:
            self.check(dll, name)
        except CallFailed:
            return False
        return True

    @staticmethod
    def last_error() -> int:
        """Give the last error of the call before, on this thread."""
        if sys.platform == "win32":
            return ctypes.get_last_error()
        return ctypes.get_errno()

    def _bind(self, export: Export) -> Callable[..., Any]:
        library = self._libraries.get(export.dll)
        if library is None:
            try:
                library = self._load(export.dll)
            except OSError as error:
                raise CallFailed(NO_MODULE, f"{export.name}: its DLL is missing.") from error
            self._libraries[export.dll] = library
        try:
            function = library[export.name]
        except AttributeError as error:
            text = f"{export.name} is missing in this build of Windows."
            raise CallFailed(NO_EXPORT, text) from error
        function.argtypes = [
            ctypes.c_void_p if row.out else _TYPES[row.type] for row in export.parameters
        ]
        function.restype = _TYPES[export.result]
        self._functions[export.dll, export.name] = function
        return function

    def _load(self, dll: str) -> ctypes.CDLL:
        path = self._paths.get(dll)
        if sys.platform == "win32":
            mode = 0 if path else _SYSTEM32_ONLY
            return ctypes.WinDLL(path or dll, use_last_error=True, winmode=mode)
        if path is None:
            raise OSError(f"{dll} is a part of Windows")
        return ctypes.CDLL(path, use_errno=True)


def text(value: str) -> ctypes.Array[ctypes.c_char]:
    """Give a text as Windows takes it: UTF-16LE with a NUL behind it.

    Raises: CallFailed: a NUL stands within it, where Windows would see its end.
    """
    if "\0" in value:
        raise CallFailed(0x80070057, "A text has a NUL in it.")
    data = value.encode("utf-16-le", "surrogatepass") + b"\0\0"
    return ctypes.create_string_buffer(data, len(data))


def taken(native: Native, pointer: ctypes.c_void_p, *, local: bool) -> str | None:
    """Read a text that a DLL has given, and free it.

    Args: local: whether LocalFree frees it, as for computecore.dll, or else CoTaskMemFree.
    Source: learn.microsoft.com/virtualization/api/hcs/reference/hcswaitforoperationresult;
    microsoft/hcsshim:internal/interop/interop.go for vmcompute.dll
    """
    if not pointer.value:
        return None
    value = read(pointer.value)
    native.call(KERNEL32, "LocalFree", pointer) if local else native.call(
        OLE32, "CoTaskMemFree", pointer
    )
    pointer.value = None
    return value


def read(address: int) -> str:
    """Read NUL-terminated UTF-16LE."""
    units = 0
    while units < _MOST_UNITS and ctypes.c_uint16.from_address(address + 2 * units).value:
        units += 1
    return ctypes.string_at(address, 2 * units).decode("utf-16-le", "replace")
