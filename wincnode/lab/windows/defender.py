"""Exclusions of Microsoft Defender Antivirus on a simulated Windows.

Each is the name of a value in the registry: learn.microsoft.com/windows/client-management/mdm/
policy-csp-admx-microsoftdefenderantivirus (Exclusions_Paths) tells it of policy's own.
"""

from __future__ import annotations

from collections.abc import Iterable

from wincnode.lab.windows.registry import Registry, Value

KEY = r"HKLM\SOFTWARE\Microsoft\Windows Defender"
POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Windows Defender"
LISTS = {"path": "Paths", "process": "Processes", "extension": "Extensions"}
PARAMETERS = {f"Exclusion{kind.capitalize()}": name for kind, name in LISTS.items()}


def change(registry: Registry, parameter: str, values: Iterable[str], *, present: bool) -> None:
    """Add exclusions to a list, or take them out of it."""
    key = rf"{KEY}\Exclusions\{PARAMETERS[parameter]}"
    for name in values:
        if present:
            registry.set(key, name, Value(kind="DWord", data=0))
        else:
            registry.delete_value(key, name)


def is_protected(registry: Registry) -> bool:
    """Say whether policy leaves no list to this machine.

    Source: github.com/MicrosoftDocs/defender-docs
    defender-endpoint/manage-tamper-protection-intune.md
    """
    merged = registry.data(POLICY, "DisableLocalAdminMerge", 0) != 1
    return not merged or registry.data(KEY + r"\Features", "TPExclusions", 0) == 1


def names(registry: Registry, root: str, kind: str) -> set[str]:
    """Give the exclusions of a list, in lower case and without the dot of an extension."""
    rows = registry.values(rf"{root}\Exclusions\{LISTS[kind]}")
    return {name.lower().lstrip(".") for name in rows}
