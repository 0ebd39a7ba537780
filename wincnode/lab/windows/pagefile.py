"""Page files of a simulated Windows: what is set, and what the last boot made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from wincnode.lab.windows.registry import Registry

KEY = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management"
# A file: drive, or ? for all drives, and its smallest and largest size in MB:
# blogs.technet.microsoft.com/askperf/2007/12/14/what-is-the-page-file-for-anyway
FILE = re.compile(r"([?a-z]):\\.*?(?:\s+(\d+)\s+(\d+))?\s*", re.IGNORECASE)
SYSTEM_DRIVE = "C"
CHOSEN_MB = 2432


def files(registry: Registry) -> list[tuple[str, int, int]]:
    """Give the files that are set: drive, smallest and largest size; 0 where Windows chooses."""
    found = [FILE.fullmatch(text) for text in registry.data(KEY, "PagingFiles", [])]
    return [(row[1], int(row[2] or 0), int(row[3] or 0)) for row in found if row]


def booted(registry: Registry) -> list[Mapping[str, Any]]:
    """Give the instances of Win32_PageFileUsage after a boot."""
    return [
        {
            "Name": rf"{SYSTEM_DRIVE if drive == '?' else drive}:\pagefile.sys",
            "AllocatedBaseSize": initial or CHOSEN_MB,
        }
        for drive, initial, _ in files(registry)
    ]
