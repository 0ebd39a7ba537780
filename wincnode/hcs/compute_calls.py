"""Verbs of the service, of compute systems and of processes.

Source: computecore.h of the Windows SDK; learn.microsoft.com/virtualization/api/hcs
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from wincnode.hcs.references import Document, Text
from wincnode.hcs.verbs import DOCUMENT, NOTHING, PROCESS, SYSTEM, Fields, Process, System, Texts


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceProperties:
    """Ask the service itself (HcsGetServiceProperties)."""

    do: ClassVar[str] = "service.properties"
    gives: ClassVar[Fields] = DOCUMENT
    query: Document


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceSystems:
    """List the compute systems (HcsEnumerateComputeSystems)."""

    do: ClassVar[str] = "service.systems"
    gives: ClassVar[Fields] = DOCUMENT
    query: Document


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemCreate:
    """Make a compute system of schema 2 (HcsCreateComputeSystem of computecore.dll)."""

    do: ClassVar[str] = "system.create"
    gives: ClassVar[Fields] = SYSTEM
    id: Text
    document: Document


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemCreateV1:
    """Make a compute system of schema 1 (HcsCreateComputeSystem of vmcompute.dll)."""

    do: ClassVar[str] = "system.create_v1"
    gives: ClassVar[Fields] = SYSTEM
    id: Text
    document: Document


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemOpen:
    """Open a compute system that is there."""

    do: ClassVar[str] = "system.open"
    gives: ClassVar[Fields] = SYSTEM
    id: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemStart:
    """Boot it."""

    do: ClassVar[str] = "system.start"
    gives: ClassVar[Fields] = NOTHING
    system: System


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemShutdown:
    """Ask what runs in it to end; it may end later."""

    do: ClassVar[str] = "system.shutdown"
    gives: ClassVar[Fields] = NOTHING
    system: System


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemTerminate:
    """End it."""

    do: ClassVar[str] = "system.terminate"
    gives: ClassVar[Fields] = NOTHING
    system: System


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemProperties:
    """Ask about it; an empty query asks for the basic properties."""

    do: ClassVar[str] = "system.properties"
    gives: ClassVar[Fields] = DOCUMENT
    system: System
    query: Document


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemModify:
    """Change it while it is there."""

    do: ClassVar[str] = "system.modify"
    gives: ClassVar[Fields] = NOTHING
    system: System
    request: Document


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemShares:
    """Show folders of the host to a machine's guest: a request for each, one after the other.

    Args:
        folders: their paths. request: what is sent, with Settings.Name s0, s1 and so on, and
            Settings.Path, put in. guest: how the guest's paths of shares begin.
    Gives `layers`: the folders as a document lists them, by their paths in the guest.
    """

    do: ClassVar[str] = "system.shares"
    gives: ClassVar[Fields] = MappingProxyType({"layers": "document"})
    system: System
    folders: Texts
    request: Document
    guest: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemExited:
    """Wait until it has ended."""

    do: ClassVar[str] = "system.exited"
    gives: ClassVar[Fields] = DOCUMENT
    system: System


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemClose:
    """Close its handle."""

    do: ClassVar[str] = "system.close"
    gives: ClassVar[Fields] = NOTHING
    system: System


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessCreate:
    """Start a process in a compute system."""

    do: ClassVar[str] = "process.create"
    gives: ClassVar[Fields] = PROCESS
    system: System
    parameters: Document


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessFinished:
    """Wait until a process has ended, and read what it wrote.

    Args: output_limit: bytes that are kept of each stream.
    """

    do: ClassVar[str] = "process.finished"
    gives: ClassVar[Fields] = MappingProxyType(
        {"exit_code": "number", "stdout": "text", "stderr": "text", "truncated": "flag"}
    )
    process: Process
    output_limit: int = 65536


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessTerminate:
    """Kill a process."""

    do: ClassVar[str] = "process.terminate"
    gives: ClassVar[Fields] = NOTHING
    process: Process


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessClose:
    """Close a process's handles."""

    do: ClassVar[str] = "process.close"
    gives: ClassVar[Fields] = NOTHING
    process: Process
