"""Which RuntimeClasses a cluster gets: one per Windows build and isolation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from wincnode.builds import Build

# The tables that containerd makes by itself on Windows.
# Source: containerd/containerd:internal/cri/config/config_windows.go
PROCESS = "runhcs-wcow-process"
HYPERVISOR = "runhcs-wcow-hypervisor"
# containerd pulls by the rule of process isolation even for a hypervisor handler, and by that rule
# no host takes an older image than this from an index.
# Source: containerd/containerd#8348; containerd/platforms:platform_windows_compat.go
OLDEST_GUEST = 20348

Toleration = Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeClass:
    """One class: `handler` is a table of containerd's configuration on nodes of that build."""

    name: str
    handler: str
    build_label: str
    tolerations: tuple[Toleration, ...]


def runtime_classes(
    builds: Sequence[Build], isolation: Sequence[str], taints: Sequence[str]
) -> tuple[RuntimeClass, ...]:
    """List the classes, oldest build first, process isolation before Hyper-V.

    Args: taints: as `key=value:effect`; the classes' pods tolerate them.
    """
    tolerations = tuple(map(toleration, dict.fromkeys(taints)))
    rows = [*_process(builds, isolation), *_hyperv(builds, isolation)]
    return tuple(
        RuntimeClass(
            name=name,
            handler=handler,
            # The form of the label: kubernetes/kubernetes:pkg/kubelet/winstats/version.go
            build_label=f"10.0.{host.build}",
            tolerations=tolerations,
        )
        for name, handler, host in rows
    )


def toleration(taint: str) -> Toleration:
    """Give what tolerates one taint.

    Source: kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration
    """
    pair, _, effect = taint.rpartition(":")
    key, equals, value = pair.partition("=")
    if not equals:
        return {"key": key, "operator": "Exists", "effect": effect}
    return {"key": key, "operator": "Equal", "value": value, "effect": effect}


def _process(builds: Sequence[Build], isolation: Sequence[str]) -> Iterator[tuple[str, str, Build]]:
    if "process" in isolation:
        for host in builds:
            yield f"windows-{_short(host)}", PROCESS, host


def _hyperv(builds: Sequence[Build], isolation: Sequence[str]) -> Iterator[tuple[str, str, Build]]:
    if "hyperv" not in isolation:
        return
    for host in builds:
        yield f"windows-hyperv-{_short(host)}", HYPERVISOR, host
        for guest in builds:
            if OLDEST_GUEST <= guest.build < host.build:
                name = f"windows-hyperv-{_short(guest)}-on-{_short(host)}"
                yield name, f"{HYPERVISOR}-{guest.build}", host


def _short(build: Build) -> str:
    """Give the year of a release, such as 2022."""
    return build.name.removeprefix("Windows Server ")
