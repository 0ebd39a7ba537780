"""Power plans of a simulated Windows, as powercfg.exe shows them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from wincnode.lab.windows.registry import Registry, Value

KEY = r"HKLM\SYSTEM\CurrentControlSet\Control\Power\User\PowerSchemes"
# learn.microsoft.com/windows/win32/power/power-policy-settings
PLANS = {
    "381b4222-f694-41f0-9685-ff5bb260df2e": "Balanced",
    "8c5e7fda-e8bf-4a96-9a85-a6e23a8c635c": "High performance",
    "a1841308-3541-4fab-bc81-f71556f20b4a": "Power saver",
}
BALANCED = next(iter(PLANS))


def powercfg(registry: Registry, words: Sequence[str]) -> tuple[int, str]:
    """Carry out `/getactivescheme` or `/setactive GUID`; gives exit code and output.

    Source: learn.microsoft.com/windows-hardware/design/device-experiences/
    powercfg-command-line-options
    """
    match words:
        case ["/getactivescheme"]:
            plan = str(registry.data(KEY, "ActivePowerScheme", BALANCED))
            return 0, f"Power Scheme GUID: {plan}  ({PLANS.get(plan, plan)})\n"
        case ["/setactive", plan] if plan in PLANS:
            registry.set(KEY, "ActivePowerScheme", Value(kind="String", data=plan))
            return 0, ""
    return 1, 'Invalid Parameters -- try "/?" for help\n'


def guid(text: str) -> str:
    """Find the plan's number in what powercfg.exe says."""
    found = re.search(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text)
    return found[0] if found else ""
