"""May an image of one Windows build run on a host of another, process- or Hyper-V-isolated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from wincnode.builds import Build

Isolation = Literal["process", "hyperv"]
ISOLATIONS: tuple[Isolation, ...] = ("process", "hyperv")
Answer = Literal["allow", "deny", "conditional"]
Rule = Literal["R0", "R1", "R2", "R3"]
AMD64 = "amd64"

# From this build on, Windows runs process-isolated images of older builds too.
FIRST_STABLE_BUILD = 20348
# The long-term releases that the rules count with, oldest first.
STABLE_BUILDS = (FIRST_STABLE_BUILD, 26100)
MATCHER = "containerd/platforms:platform_windows_compat.go"
# What each rule says of process isolation; major and minor version are 10.0 on both sides.
RULES: Mapping[Rule, str] = {
    "R0": "the builds are equal",
    "R1": "from host build 20348 on, images from 20348 up to the host's build run",
    "R2": "as R1 up to host 26100; a later host takes images from 26100 on alone",
    "R3": "a host takes images from the long-term release before its own up to its own build",
}
RULE_SOURCES: Mapping[Rule, str] = {
    "R0": "containerd/containerd:platforms/defaults_windows.go@v1.6.22",
    "R1": f"{MATCHER}@v1.0.0-rc.1",
    "R2": f"{MATCHER}@v1.0.0-rc.4",
    "R3": f"{MATCHER}@v1.0.0-rc.5",
}
# The rule that is Windows' own policy, and the one of current runtimes that refuses most.
POLICY: Rule = "R3"
STRICTEST: Rule = "R2"

LEARN = "learn.microsoft.com/virtualization/windowscontainers"
VERSIONS = f"{LEARN}/deploy-containers/version-compatibility"
UPDATES = f"{LEARN}/deploy-containers/update-containers"
PORTABILITY = f"{LEARN}/deploy-containers/portability"
NODE_PLATFORMS = "kubernetes/kubernetes:hack/lib/golang.sh (KUBE_SUPPORTED_NODE_PLATFORMS)"
UTILITY_VM = "microsoft/hcsshim:internal/uvmfolder/locate.go"
PULLS_BY_PROCESS = "containerd/containerd#8348"

# The build whose revisions must be equal too. Source: VERSIONS
EXACT_BUILD = 14393
# The update of 2020-02 changed the interface between user and kernel: host and image of 17763
# must be on the same side of it. Source: UPDATES
CHANGED_BUILD = 17763
CHANGED_HOST = 1039
CHANGED_IMAGE = 1040
# The annual channel, which runs images of Windows Server 2022. Source: PORTABILITY
ANNUAL = "AC"


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A Windows version; the revision is None where it is not known."""

    build: int
    revision: int | None = None

    def __str__(self) -> str:
        return f"{self.build}" if self.revision is None else f"{self.build}.{self.revision}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A host and an image that is to run there; architectures as images name them."""

    host: Version
    image: Version
    host_arch: str = AMD64
    image_arch: str = AMD64


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """What speaks against a combination that is not refused, and where it is written."""

    text: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Whether the image runs there.

    Args: rule: R0 to R3 for builds, else hyperv, revision or architecture.
        verdict: conditional where it hangs on what the pair does not say; `reason` names it.
    """

    verdict: Answer
    rule: str
    reason: str
    source: str
    warnings: tuple[Note, ...] = ()


def version_of(text: str) -> Version | None:
    """Read `20348`, `20348.587`, `10.0.20348` or `10.0.20348.587`; None for anything else.

    A build has 16 bits, as containerd reads it. Source: MATCHER
    """
    found = re.fullmatch(r"(?:10\.0\.)?([0-9]{4,5})(?:\.([0-9]{1,9}))?", text, re.ASCII)
    if found is None or int(found[1]) > 0xFFFF:
        return None
    return Version(build=int(found[1]), revision=int(found[2]) if found[2] else None)


def runs(rule: Rule, *, host: int, image: int) -> bool:
    """Tell whether a rule lets an image of one build run process-isolated on a host of another."""
    if rule == "R0" or host < FIRST_STABLE_BUILD:
        return host == image
    return oldest(rule, host) <= image <= host


def oldest(rule: Rule, host: int) -> int:
    """Give the oldest image build that a host from 20348 on takes, by a rule other than R0."""
    if rule == "R1":
        return FIRST_STABLE_BUILD
    if rule == "R2":
        return max((build for build in STABLE_BUILDS if build < host), default=FIRST_STABLE_BUILD)
    reached = [build for build in STABLE_BUILDS if build <= host]
    return reached[-2] if len(reached) > 1 else reached[0]


def judge(
    pair: Pair, isolation: Isolation, *, rule: Rule | None, builds: Mapping[int, Build]
) -> Verdict:
    """Say whether the image runs on the host.

    Args: rule: that of the container runtime; None where none is known yet.
    """
    if wrong := _architecture(pair):
        return wrong
    found = (_process if isolation == "process" else _hyperv)(pair, rule, builds)
    notes = tuple(_notes(pair, isolation, builds)) if found.verdict != "deny" else ()
    return Verdict(
        verdict=found.verdict,
        rule=found.rule,
        reason=found.reason,
        source=found.source,
        warnings=notes,
    )


def _architecture(pair: Pair) -> Verdict | None:
    """Give the refusal of a machine or an image that is not for AMD64."""
    if pair.host_arch != AMD64:
        reason = f"the host is {pair.host_arch}; Kubernetes has Windows nodes for amd64 alone"
        return _deny("architecture", reason, NODE_PLATFORMS)
    if pair.image_arch != AMD64:
        reason = f"the image is for {pair.image_arch or 'no architecture'}, the host is amd64"
        return _deny("architecture", reason, "containerd/platforms:compare.go")
    return None


def _process(pair: Pair, rule: Rule | None, builds: Mapping[int, Build]) -> Verdict:
    host, image = pair.host.build, pair.image.build
    used = rule or POLICY
    source = RULE_SOURCES[used]
    if not runs(used, host=host, image=image):
        also = ""
        if used != POLICY and runs(POLICY, host=host, image=image):
            also = f"; Windows' own policy ({POLICY}) would allow it, so a later runtime takes it"
        return _deny(used, f"{_range(used, host)}, the image has {image}{also}", source)
    if revision := _revision(pair):
        return revision
    if rule is None and not runs(STRICTEST, host=host, image=image):
        reason = f"Windows' policy lets it run, but a runtime with rule {STRICTEST} refuses it: "
        return _conditional(used, reason + RULES[STRICTEST], f"{source}; moby/moby#53397")
    if condition := _condition(pair, builds):
        return _conditional(used, condition.text, condition.source)
    return Verdict(verdict="allow", rule=used, reason=_range(used, host), source=source)


def _condition(pair: Pair, builds: Mapping[int, Build]) -> Note | None:
    """Give what a process-isolated image hangs on where the rule itself lets it run."""
    for what, version in (("host", pair.host), ("image", pair.image)):
        if version.build not in builds:
            return Note(text=_unknown(what, version.build), source="wincnode/data/builds.yaml")
    client = builds[pair.host.build].channel == "client"
    if client and pair.host.build != pair.image.build:
        text = f"{builds[pair.host.build].name} runs images of other builds as a preview alone"
        return Note(text=text, source=MATCHER)
    return None


def _revision(pair: Pair) -> Verdict | None:
    """Give the verdict where revisions decide; the builds are equal."""
    host, image = pair.host, pair.image
    exact = f"on build {EXACT_BUILD} host and image need the same revision"
    if host.revision is None or image.revision is None:
        unsure = host.build == EXACT_BUILD
        return _conditional("revision", f"{exact}; give both", VERSIONS) if unsure else None
    if host.build == EXACT_BUILD and host.revision != image.revision:
        return _deny("revision", f"{exact}: {host} is not {image}", VERSIONS)
    if host.build != CHANGED_BUILD:
        return None
    if (host.revision >= CHANGED_HOST) == (image.revision >= CHANGED_IMAGE):
        return None
    reason = f"{host} and {image} are on two sides of the update of 2020-02"
    return _deny(
        "revision", f"{reason}, before which an image needs a host of its own time", UPDATES
    )


def _hyperv(pair: Pair, rule: Rule | None, builds: Mapping[int, Build]) -> Verdict:
    host, image = pair.host.build, pair.image.build
    if image > host:
        reason = f"a utility VM of build {image} does not start on the older host {host}"
        return _deny("hyperv", reason, VERSIONS)
    if host not in builds:
        return _conditional("hyperv", _unknown("host", host), "wincnode/data/builds.yaml")
    if builds[host].channel == ANNUAL and image not in {FIRST_STABLE_BUILD, host}:
        reason = f"{builds[host].name} is supported with images of build {FIRST_STABLE_BUILD} alone"
        return _conditional("hyperv", reason, PORTABILITY)
    if not runs(rule or STRICTEST, host=host, image=image):
        reason = (
            "Windows runs it, but containerd pulls by the rule of process isolation: name the image"
            " by the tag or digest of its single manifest, as it is taken from no index"
        )
        return _conditional("hyperv", reason, PULLS_BY_PROCESS)
    reason = f"the image's build {image} is not newer than the host's {host}"
    return Verdict(verdict="allow", rule="hyperv", reason=reason, source=VERSIONS)


def _notes(pair: Pair, isolation: Isolation, builds: Mapping[int, Build]) -> Iterator[Note]:
    host, image = pair.host, pair.image
    if isolation == "hyperv":
        text = "Hyper-V must be on, and a layer of the image must hold a folder UtilityVM"
        yield Note(text=text, source=UTILITY_VM)
    known = builds.get(host.build)
    if known is not None and known.supported_node != "yes":
        word = "no longer a" if known.supported_node == "ended" else "no"
        yield Note(text=f"{known.name} is {word} supported Kubernetes node", source=known.source)
    ahead = host.build == image.build and (image.revision or 0) > (host.revision or 0)
    if isolation == "process" and ahead and host.revision is not None:
        text = (
            f"the image's revision {image.revision} is newer than the host's {host.revision};"
            " such containers of servercore ended with 0xc0370106: update the host"
        )
        source = "microsoft/Windows-Containers#591; actions/runner-images#11582"
        yield Note(text=text, source=source)


def _range(rule: Rule, host: int) -> str:
    exact = rule == "R0" or host < FIRST_STABLE_BUILD
    least = host if exact else oldest(rule, host)
    if least == host:
        return f"host build {host} takes images of its own build alone"
    return f"host build {host} takes images of builds {least} to {host}"


def _unknown(what: str, build: int) -> str:
    return f"the {what}'s build {build} is not known here; the rule lets it run"


def _deny(rule: str, reason: str, source: str) -> Verdict:
    return Verdict(verdict="deny", rule=rule, reason=reason, source=source)


def _conditional(rule: str, reason: str, source: str) -> Verdict:
    return Verdict(verdict="conditional", rule=rule, reason=reason, source=source)
