"""The runtime handlers of a node: tables of containerd's file that RuntimeClasses name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wincnode.isolation import FIRST_STABLE_BUILD

# The tables that containerd makes by itself on Windows.
# Source: containerd/containerd:internal/cri/config/config_windows.go
PROCESS = "runhcs-wcow-process"
HYPERVISOR = "runhcs-wcow-hypervisor"
# containerd pulls by the rule of process isolation even for a hypervisor handler, and by that rule
# no later host takes an older image than this from an index. Source: containerd/containerd#8348
OLDEST_GUEST = FIRST_STABLE_BUILD


def of_guest(build: int) -> str:
    """Name the handler for Hyper-V isolated images of an older build."""
    return f"{HYPERVISOR}-{build}"


def guests(host: int, builds: Sequence[int]) -> tuple[int, ...]:
    """List the builds, oldest first, that get a handler of their own on a host."""
    return tuple(sorted({build for build in builds if OLDEST_GUEST <= build < host}))


def handlers(host: int, *, isolation: Sequence[str], builds: Sequence[int]) -> tuple[str, ...]:
    """List the handlers that a node of a build gets.

    The one for process isolation is always among them: it is the default, and pods whose
    containers are host processes run by it.
    """
    return tuple(_handlers(host, isolation, builds))


def _handlers(host: int, isolation: Sequence[str], builds: Sequence[int]) -> Iterator[str]:
    yield PROCESS
    if "hyperv" in isolation:
        yield HYPERVISOR
        yield from map(of_guest, guests(host, builds))
