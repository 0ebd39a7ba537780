"""Which Kubernetes, containerd and pause image go together, and on which Windows build."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import yaml

from wincnode.assets import PACKAGE
from wincnode.builds import Build, supported_builds
from wincnode.errors import ConfigError
from wincnode.isolation import POLICY, Rule, runs

PAUSE = "registry.k8s.io/pause"
# Above each number of a version, so that 2.1 means its newest.
LAST = 1 << 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Minor:
    """One Kubernetes minor; `containerd` gives each line's oldest recommended version."""

    minor: str
    pause: str
    kubeadm_api: str
    containerd: Mapping[str, str]
    end_of_life: date
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One containerd line, such as 2.3; `last_minor` is empty where no end is known."""

    line: str
    config_version: int
    pause: str
    end_of_life: date
    fixed_in: str
    source: str
    last_minor: str = ""
    because: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """One version of the pause image and the Windows builds that it holds."""

    version: str
    builds: tuple[int, ...]
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Matcher:
    """How containerd, from a version on, picks a node's manifest from an index.

    Args: order: which of several that fit comes first; `text` compares os.version as text.
        features: whether an entry that asks for an OS feature other than win32k is passed over.
    """

    since: str
    rule: Rule
    order: Literal["revision", "index", "text"]
    features: bool
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Support:
    """The tables, those with keys by their key, each oldest first."""

    kubernetes: Mapping[str, Minor]
    containerd: Mapping[str, Line]
    pause: Mapping[str, Pause]
    matchers: tuple[Matcher, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What is to run together; a build is 0 where it is not known yet.

    Args: pause: version of the sandbox image; the fitting one is taken where it is empty.
    """

    kubernetes: str
    containerd: str
    build: int = 0
    hyperv: bool = False
    pause: str = ""
    builds: Mapping[int, Build] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Why a combination cannot work, or what speaks against it."""

    severity: Literal["error", "warning"]
    text: str
    source: str


def load_support() -> Support:
    """Read the tables; a mistake in them is a bug of ours."""
    rows = yaml.safe_load((PACKAGE / "data" / "kubernetes.yaml").read_text(encoding="utf-8"))
    return Support(
        kubernetes={row["minor"]: Minor(**row) for row in rows["kubernetes"]},
        containerd={row["line"]: Line(**row) for row in rows["containerd"]},
        pause={
            row["version"]: Pause(**{**row, "builds": tuple(row["builds"])})
            for row in rows["pause"]
        },
        matchers=tuple(Matcher(**row) for row in rows["matchers"]),
    )


def numbers(version: str) -> tuple[int, ...]:
    """Give a version's numbers, which compare as versions do; a suffix does not count."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(map(int, found[1].split("."))) if found else ()


def line_of(version: str) -> str:
    """Give the first two numbers of a version: a Kubernetes minor or a containerd line."""
    return ".".join(map(str, numbers(version)[:2]))


def matcher_of(support: Support, containerd: str) -> Matcher:
    """Give how a version of containerd, or the newest of a line, picks manifests.

    One that is older than all rows does it as the first.
    """
    wanted = (*numbers(containerd), LAST)
    return next(
        (row for row in reversed(support.matchers) if numbers(row.since) <= wanted),
        support.matchers[0],
    )


def problems(support: Support, wish: Wish, *, today: date) -> tuple[Problem, ...]:
    """Say why a combination cannot work, or what speaks against it; errors first."""
    found = [*_versions(support, wish, today), *_windows(support, wish)]
    return tuple(sorted(found, key=lambda row: row.severity))


def pause_for(
    support: Support, minor: str, *, build: int, hyperv: bool = False, rule: Rule = POLICY
) -> str:
    """Give the sandbox image of a build: kubeadm's own version, or the next one that fits.

    Args: rule: by which the runtime picks images.
    Raises: ConfigError: no version fits the build, or the minor is unknown.
    """
    if minor not in support.kubernetes:
        raise ConfigError(_unknown("Kubernetes", minor, support.kubernetes))
    least = numbers(support.kubernetes[minor].pause)
    for version, row in support.pause.items():
        fits = pause_fits(row, build=build, hyperv=hyperv, rule=rule)
        if fits and numbers(version) >= least:
            return f"{PAUSE}:{version}"
    raise ConfigError(f"no version of {PAUSE} holds an image for Windows build {build}")


def pause_fits(pause: Pause, *, build: int, hyperv: bool, rule: Rule) -> bool:
    """Tell whether a build can run the image: a Hyper-V sandbox boots the image's own build.

    Source: kubernetes-sigs/windows-testing:capz/templates/windows-ci.yaml
    """
    if hyperv:
        return build in pause.builds
    return any(runs(rule, host=build, image=image) for image in pause.builds)


def _versions(support: Support, wish: Wish, today: date) -> Iterator[Problem]:
    minor = support.kubernetes.get(line_of(wish.kubernetes))
    line = support.containerd.get(line_of(wish.containerd))
    if minor is None:
        text = _unknown("Kubernetes", line_of(wish.kubernetes), support.kubernetes)
        yield Problem(severity="error", text=text, source="")
    if line is None:
        text = _unknown("containerd", line_of(wish.containerd), support.containerd)
        yield Problem(severity="error", text=text, source="")
        return
    if line.last_minor and numbers(wish.kubernetes)[:2] > numbers(line.last_minor):
        text = (
            f"containerd {line.line} cannot run with Kubernetes {wish.kubernetes}: {line.because}"
        )
        yield Problem(severity="error", text=text, source=line.source)
    if today > line.end_of_life:
        text = f"containerd {line.line} has had no fixes since {line.end_of_life}"
        yield Problem(severity="warning", text=text, source=line.source)
    if numbers(wish.containerd) < numbers(line.fixed_in):
        text = f"containerd {wish.containerd} has vulnerabilities that {line.fixed_in} fixes"
        yield Problem(severity="warning", text=text, source=line.source)
    if minor is not None:
        yield from _untested(minor, wish)


def _untested(minor: Minor, wish: Wish) -> Iterator[Problem]:
    least = minor.containerd.get(line_of(wish.containerd))
    if least is not None and numbers(wish.containerd) >= numbers(least):
        return
    known = ", ".join(f"{line} from {version}" for line, version in minor.containerd.items())
    pair = f"containerd {wish.containerd} is not tested with Kubernetes {minor.minor}"
    text = f"{pair}; tested are {known}"
    yield Problem(severity="warning", text=text, source=minor.source)


def _windows(support: Support, wish: Wish) -> Iterator[Problem]:
    known = wish.builds.get(wish.build)
    if known is not None and known.supported_node == "no":
        names = ", ".join(build.name for build in supported_builds(wish.builds))
        text = f"Windows build {wish.build} ({known.name}) is no Kubernetes node; {names} are"
        yield Problem(severity="error", text=text, source=known.source)
    pause = support.pause.get(wish.pause)
    if not pause or not wish.build:
        return
    rule = matcher_of(support, wish.containerd).rule
    if not pause_fits(pause, build=wish.build, hyperv=wish.hyperv, rule=rule):
        how = "Hyper-V isolation" if wish.hyperv else "process isolation"
        text = f"pause {pause.version} holds no image for {how} on Windows build {wish.build}"
        yield Problem(severity="error", text=text, source=pause.source)


def _unknown(what: str, word: str, known: Mapping[str, object]) -> str:
    return f"{what} {word} is not known; known are {', '.join(known)}"
