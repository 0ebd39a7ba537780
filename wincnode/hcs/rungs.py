"""The rungs of the smoke ladder, and which of them a node is tried on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from wincnode.hcs import lifecycles
from wincnode.hcs.documents.fields import FIRST_BUILD
from wincnode.hcs.lifecycles import Runtime
from wincnode.hcs.program import Program
from wincnode.isolation import Isolation

RungId = Literal["service", "schema", "storage", "vm", "process", "hyperv", "hosted", "lcow"]
Missing = Literal["build", "rung", "feature", "hypervisor", "image", "runtime", "wish"]
_API = "https://learn.microsoft.com/virtualization/api/hcs"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rung:
    """One thing that a node shows by doing it.

    Args:
        needs: rungs without which it cannot be tried. alike: lower rungs that may fail for the same
            reason. outdoes: probes whose failure means nothing once this has passed.
        remedy: what to do where no error says more.
    """

    id: RungId
    title: str
    proves: str
    remedy: str
    source: str
    needs: tuple[RungId, ...] = ()
    alike: tuple[RungId, ...] = ()
    outdoes: tuple[RungId, ...] = ()


# The container rungs do not wait for the probes below them, which nobody has run on every Windows:
# a probe that is wrong must not hide what a container shows.
RUNGS: tuple[Rung, ...] = (
    Rung(
        id="service",
        title="The Host Compute Service answers",
        proves="vmcompute runs, and SYSTEM may use it.",
        remedy="Install the feature Containers and reboot; see the service vmcompute.",
        source=f"{_API}/reference/hcsenumeratecomputesystems",
    ),
    Rung(
        id="schema",
        title="The service understands schema 2.1",
        proves="Documents of containers and virtual machines are understood.",
        remedy="Install the updates of the node's Windows; wincnode needs build 17763 or later.",
        source=f"{_API}/schemareference",
        needs=("service",),
    ),
    Rung(
        id="storage",
        title="A layer is made, attached and read through the filter",
        proves="Disks attach and no other filter driver is in the way of wcifs.",
        remedy="See `fltmc filters` on the node for drivers of virus scanners and backup agents.",
        source="microsoft/hcsshim:internal/wclayer/converttobaselayer.go@7c9ff7f4",
        needs=("service",),
    ),
    Rung(
        id="vm",
        title="A virtual machine without an image is switched on",
        proves="The hypervisor runs and lets the service make virtual machines.",
        remedy="Turn on virtualization in the firmware, or nested on a virtual machine; install "
        "Hyper-V, and reboot.",
        source=f"{_API}/schemasample",
        needs=("schema",),
    ),
    Rung(
        id="process",
        title="A container that shares the kernel runs a program",
        proves="Process-isolated containers start on the layers of a real image.",
        remedy="See the event log Microsoft-Windows-Hyper-V-Compute-Operational on the node.",
        source="microsoft/hcsshim:internal/hcsoci/hcsdoc_wcow.go@7c9ff7f4",
        needs=("schema",),
        alike=("storage",),
        outdoes=("storage",),
    ),
    Rung(
        id="hyperv",
        title="A Hyper-V-isolated container runs a program",
        proves="Hyper-V-isolated containers start: utility VM, guest service and layers work.",
        remedy="See the event logs Microsoft-Windows-Hyper-V-Compute-Operational and "
        "Microsoft-Windows-Hyper-V-Worker-Admin on the node.",
        source="moby/moby:daemon/internal/libcontainerd/local/local_windows.go@b985e231",
        needs=("schema",),
        alike=("vm", "storage", "process"),
        outdoes=("vm",),
    ),
    Rung(
        id="hosted",
        title="A container in a utility VM, made step by step, runs a program",
        proves="What containerd does for Hyper-V isolation: each request of schema 2 is obeyed.",
        remedy="See the event logs Microsoft-Windows-Hyper-V-Compute-Operational and "
        "Microsoft-Windows-Hyper-V-Worker-Admin on the node. Where hyperv passes, containerd may "
        "run all the same: it speaks to the guest by a bridge of its own.",
        source="microsoft/hcsshim:internal/uvm/create_wcow.go@7c9ff7f4",
        needs=("schema",),
        alike=("vm", "process", "hyperv"),
        outdoes=("vm",),
    ),
    Rung(
        id="lcow",
        title="A utility VM boots a Linux kernel whose guest service answers",
        proves="Linux containers on Windows could start; Kubernetes does not use them.",
        remedy="Kernel and root file system must be a pair that has /bin/gcs, such as hcsshim's.",
        source="microsoft/hcsshim:internal/uvm/create_lcow.go@v0.8.6",
        needs=("schema",),
        alike=("vm",),
        outdoes=("vm",),
    ),
)
# What takes an image.
IMAGED: frozenset[RungId] = frozenset({"process", "hyperv", "hosted"})
BY_ID: Mapping[RungId, Rung] = {rung.id: rung for rung in RUNGS}


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """What is known of a node before anything is tried.

    Args:
        containers, hyperv: whether the feature is installed; None where the node did not say.
        hypervisor: whether one runs; None as above. It may be that of the machine's own host.
        vmcompute: whether the service exists; None as above.
        runtime: which container runtime has the image; None where none is installed.
        image: full reference; empty where there is none, for which `no_image` says why.
        isolation: which containers the node is to run.
        hosted: whether a container is to be made in a utility VM step by step, too.
        lcow: kernel and root file system on the node, where a Linux machine is to be tried.
    """

    build: int
    containers: bool | None = None
    hyperv: bool | None = None
    hypervisor: bool | None = None
    vmcompute: bool | None = None
    runtime: Runtime | None = None
    image: str = ""
    no_image: str = "no image was named"
    isolation: tuple[Isolation, ...] = ("process",)
    hosted: bool = False
    lcow: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """A rung that a node is tried on."""

    rung: Rung
    program: Program

    @property
    def needs(self) -> tuple[RungId, ...]:
        """Give the rungs that have to have succeeded."""
        return self.rung.needs


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """A rung that a node is not tried on: what is missing, and that in words.

    Args: because: ids of the rung or the check that say more.
    """

    rung: Rung
    missing: Missing
    text: str
    because: tuple[str, ...] = ()

    @property
    def wanted(self) -> bool:
        """Whether the node is to be able to do it."""
        return self.missing != "wish"


Step: TypeAlias = Tried | Skipped


def ladder(situation: Situation) -> tuple[Step, ...]:
    """Say for each rung whether a node is tried on it, from the lowest to the highest."""
    return tuple(_steps(situation))


def _steps(now: Situation) -> Iterator[Step]:
    missing: dict[RungId, Skipped] = {}
    for rung in RUNGS:
        skipped = _unwanted(rung, now) or _lacking(rung, now, missing)
        if skipped is None:
            yield Tried(rung=rung, program=_program(rung.id, now))
            continue
        missing[rung.id] = skipped
        yield skipped


def _unwanted(rung: Rung, now: Situation) -> Skipped | None:
    machines = "hyperv" in now.isolation or now.hosted or now.lcow is not None
    text = {
        "vm": "" if machines else "Hyper-V isolation is not wanted",
        "process": "" if "process" in now.isolation else "process isolation is not wanted",
        "hyperv": "" if "hyperv" in now.isolation else "Hyper-V isolation is not wanted",
        "hosted": "" if now.hosted else "nobody asked for it with --hosted",
        "lcow": "" if now.lcow else "no Linux kernel was given",
    }.get(rung.id, "")
    return Skipped(rung=rung, missing="wish", text=text) if text else None


def _lacking(rung: Rung, now: Situation, before: Mapping[RungId, Skipped]) -> Skipped | None:
    """Say what a rung lacks that facts can tell; a fact that is unknown is no reason."""
    for need in rung.needs:
        if need in before:
            text = f"{need} could not be tried: {before[need].text}"
            return Skipped(rung=rung, missing="rung", text=text, because=(f"smoke.{need}",))
    return next(_lacks(rung, now), None)


def _lacks(rung: Rung, now: Situation) -> Iterator[Skipped]:
    lowest = rung.id == "service" and now.hyperv is not True
    machine = rung.id in {"vm", "hyperv", "hosted", "lcow"}
    if now.build < FIRST_BUILD:
        text = f"build {now.build} has no computecore.dll; {FIRST_BUILD} is the first"
        yield Skipped(rung=rung, missing="build", text=text)
    if now.containers is False and (lowest or rung.id in {"storage", "process"}):
        yield _featureless(rung, "the feature Containers is not installed", "feat.containers")
    if now.vmcompute is False and rung.id == "service":
        yield _featureless(rung, "the service vmcompute does not exist", "svc.vmcompute")
    if now.hyperv is False and machine:
        yield _featureless(rung, "the feature Hyper-V is not installed", "feat.hyperv")
    if now.hypervisor is False and machine:
        text = "no hypervisor runs on the machine"
        yield Skipped(rung=rung, missing="hypervisor", text=text)
    if now.runtime is None and rung.id in IMAGED:
        text = "no container runtime is installed that could give an image's layers"
        yield Skipped(rung=rung, missing="runtime", text=text)
    if not now.image and rung.id in IMAGED:
        yield Skipped(rung=rung, missing="image", text=now.no_image)


def _featureless(rung: Rung, text: str, check: str) -> Skipped:
    return Skipped(rung=rung, missing="feature", text=text, because=(check,))


def _program(rung: RungId, now: Situation) -> Program:  # noqa: PLR0911 - one for each rung
    match rung:
        case "service":
            return lifecycles.service()
        case "schema":
            return lifecycles.schema()
        case "storage":
            return lifecycles.storage()
        case "vm":
            return lifecycles.machine(now.build)
        case "process":
            return lifecycles.process_isolated(now.build, runtime=_runtime(now), image=now.image)
        case "hyperv":
            return lifecycles.hyperv_isolated(now.build, runtime=_runtime(now), image=now.image)
        case "hosted":
            return lifecycles.hosted(now.build, runtime=_runtime(now), image=now.image)
        case "lcow":
            kernel, rootfs = now.lcow or ("", "")
            return lifecycles.linux(now.build, kernel=kernel, rootfs=rootfs)


def _runtime(now: Situation) -> Runtime:
    return now.runtime or "containerd"
