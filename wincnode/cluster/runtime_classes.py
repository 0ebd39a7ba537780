"""Which RuntimeClasses a cluster gets: one per Windows build and isolation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from wincnode.builds import Build
from wincnode.worker.handlers import HYPERVISOR, PROCESS, guests, of_guest

Toleration = Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeClass:
    """One class: `handler` is a table of containerd's configuration on nodes of that build."""

    name: str
    handler: str
    build_label: str
    tolerations: tuple[Toleration, ...]


def runtime_classes(
    builds: Sequence[Build],
    isolation: Sequence[str],
    taints: Sequence[str],
    *,
    hyperv_builds: Sequence[int] = (),
) -> tuple[RuntimeClass, ...]:
    """List the classes, oldest build first, process isolation before Hyper-V.

    Args:
        taints: as `key=value:effect`; the classes' pods tolerate them.
        hyperv_builds: the builds whose images newer hosts run too; all of `builds` where empty.
    """
    tolerations = tuple(map(toleration, dict.fromkeys(taints)))
    rows = [*_process(builds, isolation), *_hyperv(builds, isolation, hyperv_builds)]
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


def _hyperv(
    builds: Sequence[Build], isolation: Sequence[str], hyperv_builds: Sequence[int]
) -> Iterator[tuple[str, str, Build]]:
    if "hyperv" not in isolation:
        return
    known = {build.build: build for build in builds}
    for host in builds:
        yield f"windows-hyperv-{_short(host)}", HYPERVISOR, host
        for number in guests(host.build, [n for n in known if n in (hyperv_builds or known)]):
            name = f"windows-hyperv-{_short(known[number])}-on-{_short(host)}"
            yield name, of_guest(number), host


def _short(build: Build) -> str:
    """Give the year of a release, such as 2022."""
    return build.name.removeprefix("Windows Server ")
