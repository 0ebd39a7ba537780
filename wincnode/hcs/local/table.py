"""The exports that are called, in one table: DLL, name, result, and parameters in their order.

A parameter is `NAME TYPE`, with `out` before the type where the callee writes through a pointer.
Types: `handle`, `text` (NUL-terminated UTF-16LE), `pointer`, `i32`, `u32`, `size` (of a pointer).

Source: computecore.h of the Windows SDK 10.0.26100.0;
microsoft/hcsshim:internal/vmcompute/vmcompute.go, internal/wclayer/wclayer.go@7c9ff7f4 for
vmcompute.dll; learn.microsoft.com/windows/win32/devnotes/offline-registry-library-functions for
offreg.dll; fileapi.h, ioapiset.h, synchapi.h, handleapi.h, winbase.h for kernel32.dll;
combaseapi.h for ole32.dll; sddl.h, aclapi.h, ntsecapi.h for advapi32.dll
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One parameter; `out` where the callee writes through it."""

    name: str
    type: str
    out: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """One exported function; `result` is a type, or `void`."""

    dll: str
    name: str
    result: str
    parameters: tuple[Parameter, ...]


_OPERATION = "operation handle"
_SYSTEM = "computeSystem handle"
_PROCESS = "process handle"
_RESULT = "resultDocument out pointer"
_LAYER = ("info pointer", "id text")
_PARENTS = ("descriptors pointer", "count u32")


def _export(dll: str, name: str, result: str, *parameters: str) -> Export:
    rows = (words.split() for words in parameters)
    return Export(
        dll=f"{dll}.dll",
        name=name,
        result=result,
        parameters=tuple(
            Parameter(name=row[0], type=row[-1], out=row[1:2] == ["out"]) for row in rows
        ),
    )


_ROWS = (
    _export("computecore", "HcsCreateOperation", "handle", "context pointer", "callback pointer"),
    _export("computecore", "HcsCloseOperation", "void", _OPERATION),
    _export("computecore", "HcsCancelOperation", "i32", _OPERATION),
    _export(
        "computecore", "HcsWaitForOperationResult", "i32", _OPERATION, "timeoutMs u32", _RESULT
    ),
    _export(
        "computecore",
        "HcsWaitForOperationResultAndProcessInfo",
        "i32",
        _OPERATION,
        "timeoutMs u32",
        "processInformation out pointer",
        _RESULT,
    ),
    _export("computecore", "HcsEnumerateComputeSystems", "i32", "query text", _OPERATION),
    _export(
        "computecore",
        "HcsCreateComputeSystem",
        "i32",
        "id text",
        "configuration text",
        _OPERATION,
        "securityDescriptor pointer",
        "computeSystem out pointer",
    ),
    _export(
        "computecore",
        "HcsOpenComputeSystem",
        "i32",
        "id text",
        "requestedAccess u32",
        "computeSystem out pointer",
    ),
    _export("computecore", "HcsCloseComputeSystem", "void", _SYSTEM),
    _export("computecore", "HcsStartComputeSystem", "i32", _SYSTEM, _OPERATION, "options text"),
    _export("computecore", "HcsShutDownComputeSystem", "i32", _SYSTEM, _OPERATION, "options text"),
    _export("computecore", "HcsTerminateComputeSystem", "i32", _SYSTEM, _OPERATION, "options text"),
    _export(
        "computecore",
        "HcsGetComputeSystemProperties",
        "i32",
        _SYSTEM,
        _OPERATION,
        "propertyQuery text",
    ),
    _export(
        "computecore",
        "HcsModifyComputeSystem",
        "i32",
        _SYSTEM,
        _OPERATION,
        "configuration text",
        "identity handle",
    ),
    _export(
        "computecore",
        "HcsWaitForComputeSystemExit",
        "i32",
        _SYSTEM,
        "timeoutMs u32",
        "result out pointer",
    ),
    _export(
        "computecore",
        "HcsCreateProcess",
        "i32",
        _SYSTEM,
        "processParameters text",
        _OPERATION,
        "securityDescriptor pointer",
        "process out pointer",
    ),
    _export(
        "computecore",
        "HcsOpenProcess",
        "i32",
        _SYSTEM,
        "processId u32",
        "requestedAccess u32",
        "process out pointer",
    ),
    _export("computecore", "HcsCloseProcess", "void", _PROCESS),
    _export("computecore", "HcsTerminateProcess", "i32", _PROCESS, _OPERATION, "options text"),
    _export("computecore", "HcsGetProcessInfo", "i32", _PROCESS, _OPERATION),
    _export(
        "computecore", "HcsGetProcessProperties", "i32", _PROCESS, _OPERATION, "propertyQuery text"
    ),
    _export(
        "computecore",
        "HcsWaitForProcessExit",
        "i32",
        # The SDK's header calls the process so.
        "computeSystem handle",
        "timeoutMs u32",
        "result out pointer",
    ),
    _export(
        "computecore", "HcsGetServiceProperties", "i32", "propertyQuery text", "result out pointer"
    ),
    _export("computecore", "HcsGrantVmAccess", "i32", "vmId text", "filePath text"),
    _export("computecore", "HcsRevokeVmAccess", "i32", "vmId text", "filePath text"),
    _export(
        "vmcompute",
        "HcsCreateComputeSystem",
        "i32",
        "id text",
        "configuration text",
        "identity handle",
        "computeSystem out pointer",
        "result out pointer",
    ),
    _export("vmcompute", "HcsCloseComputeSystem", "i32", _SYSTEM),
    _export(
        "vmcompute",
        "HcsRegisterComputeSystemCallback",
        "i32",
        _SYSTEM,
        "callback pointer",
        "context pointer",
        "callbackHandle out pointer",
    ),
    _export("vmcompute", "HcsUnregisterComputeSystemCallback", "i32", "callbackHandle handle"),
    _export("vmcompute", "CreateSandboxLayer", "i32", *_LAYER, "parent size", *_PARENTS),
    _export("vmcompute", "ActivateLayer", "i32", *_LAYER),
    _export("vmcompute", "PrepareLayer", "i32", *_LAYER, *_PARENTS),
    _export(
        "vmcompute", "GetLayerMountPath", "i32", *_LAYER, "length out pointer", "buffer out pointer"
    ),
    _export("vmcompute", "UnprepareLayer", "i32", *_LAYER),
    _export("vmcompute", "DeactivateLayer", "i32", *_LAYER),
    _export("vmcompute", "DestroyLayer", "i32", *_LAYER),
    _export("vmcompute", "ProcessBaseImage", "i32", "path text"),
    _export("vmcompute", "NameToGuid", "i32", "name text", "guid out pointer"),
    _export("offreg", "ORCreateHive", "u32", "horKey out pointer"),
    _export(
        "offreg",
        "ORSaveHive",
        "u32",
        "horKey handle",
        "path text",
        "osMajorVersion u32",
        "osMinorVersion u32",
    ),
    _export("offreg", "ORCloseHive", "u32", "horKey handle"),
    _export(
        "kernel32",
        "CreateFileW",
        "handle",
        "fileName text",
        "desiredAccess u32",
        "shareMode u32",
        "securityAttributes pointer",
        "creationDisposition u32",
        "flagsAndAttributes u32",
        "templateFile handle",
    ),
    _export(
        "kernel32",
        "ReadFile",
        "i32",
        "file handle",
        "buffer out pointer",
        "bytesToRead u32",
        "bytesRead out pointer",
        "overlapped out pointer",
    ),
    _export(
        "kernel32",
        "WriteFile",
        "i32",
        "file handle",
        "buffer pointer",
        "bytesToWrite u32",
        "bytesWritten out pointer",
        "overlapped out pointer",
    ),
    _export(
        "kernel32",
        "CreateEventW",
        "handle",
        "eventAttributes pointer",
        "manualReset i32",
        "initialState i32",
        "name text",
    ),
    _export("kernel32", "WaitForSingleObject", "u32", "handle handle", "milliseconds u32"),
    _export(
        "kernel32",
        "GetOverlappedResult",
        "i32",
        "file handle",
        "overlapped pointer",
        "bytes out pointer",
        "wait i32",
    ),
    _export("kernel32", "CancelIoEx", "i32", "file handle", "overlapped pointer"),
    _export("kernel32", "CloseHandle", "i32", "object handle"),
    _export("kernel32", "LocalFree", "handle", "memory handle"),
    _export("kernel32", "CreateDirectoryW", "i32", "pathName text", "securityAttributes pointer"),
    _export(
        "advapi32",
        "ConvertStringSecurityDescriptorToSecurityDescriptorW",
        "i32",
        "stringSecurityDescriptor text",
        "stringSDRevision u32",
        "securityDescriptor out pointer",
        "securityDescriptorSize out pointer",
    ),
    _export(
        "advapi32",
        "GetNamedSecurityInfoW",
        "u32",
        "objectName text",
        "objectType u32",
        "securityInfo u32",
        "sidOwner out pointer",
        "sidGroup out pointer",
        "dacl out pointer",
        "sacl out pointer",
        "securityDescriptor out pointer",
    ),
    _export("advapi32", "ConvertSidToStringSidW", "i32", "sid pointer", "stringSid out pointer"),
    _export(
        "advapi32",
        "LsaOpenPolicy",
        "i32",
        "systemName pointer",
        "objectAttributes pointer",
        "desiredAccess u32",
        "policyHandle out pointer",
    ),
    _export(
        "advapi32",
        "LsaEnumerateAccountsWithUserRight",
        "i32",
        "policyHandle handle",
        "userRight pointer",
        "buffer out pointer",
        "countReturned out pointer",
    ),
    _export("advapi32", "LsaFreeMemory", "i32", "buffer pointer"),
    _export("advapi32", "LsaClose", "i32", "objectHandle handle"),
    _export("ole32", "CoTaskMemFree", "void", "memory pointer"),
)
# Two DLLs export functions of one name with other parameters, so the DLL is part of the key.
EXPORTS = {(row.dll, row.name): row for row in _ROWS}
