"""Faults with which a WinRM service refuses one operation: quotas that are used up, rights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Which operation is answered with a fault, and with what.

    Args:
        wmi: the code comes in an MSFT_WmiError instead of a WSManFault.
        times: how many of these operations are refused before one is let through; 0 is all.
    """

    operation: str
    code: int
    subcode: str
    message: str
    wmi: bool
    times: int = 0


_CANNOT = "The WS-Management service cannot process the request. "
# Codes: wsmerror.h (ERROR_WSMAN_QUOTA_*) and winerror.h (5). Shapes and texts, in this order:
# WinRb/WinRM tests/spec/stubs/responses/wmi_error_v2.xml, github.com/masterzen/winrm/issues/129,
# github.com/jborean93/pypsrp/issues/148, github.com/diyan/pywinrm/issues/338.
REFUSALS: Mapping[str, Refusal] = {
    "max-shells": Refusal(
        operation="Create",
        code=2150859173,
        subcode="w:QuotaLimit",
        message=_CANNOT + "This user is allowed a maximum number of 30 concurrent shells, which "
        "has been exceeded. Close existing shells or raise the quota for this user.",
        wmi=True,
    ),
    "max-operations": Refusal(
        operation="Command",
        code=2150859174,
        subcode="w:QuotaLimit",
        message=_CANNOT + "This user is allowed a maximum number of 1500 concurrent operations, "
        "which has been exceeded. Close existing operations for this user, or raise the quota for "
        "this user.",
        wmi=True,
    ),
    "max-commands": Refusal(
        operation="Command",
        code=2150859241,
        subcode="w:InternalError",
        message=_CANNOT + "The maximum number of concurrent commands per shell has been exceeded. "
        "Retry the request later or raise the Maximum Commands per Shell quota.",
        wmi=False,
    ),
    # What an account gets that is no administrator, or whose token is filtered.
    "not-admin": Refusal(
        operation="Create",
        code=5,
        subcode="w:AccessDenied",
        message="Access is denied. ",
        wmi=False,
    ),
}
