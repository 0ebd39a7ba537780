"""Which manifest a node gets of an image, and whether that one runs there; pure.

What containerd takes from an index hangs on its version: see `matchers` in
wincnode/data/kubernetes.yaml. Of a single manifest it does not look at the platform at all.
Source: containerd/containerd:core/images/image.go, Manifest
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from wincnode.builds import Build
from wincnode.events import printable
from wincnode.images.offer import Entry, Image, Nested, Platform
from wincnode.isolation import (
    AMD64,
    Isolation,
    Note,
    Pair,
    Verdict,
    Version,
    judge,
    runs,
    version_of,
)
from wincnode.support import Matcher

Listed = TypeVar("Listed", bound=Entry | Nested)

WINDOWS = "windows"
# A feature that containerd leaves out of account. Source: containerd/platforms#31
WIN32K = "win32k"
CHOICE = "containerd/containerd:core/images/image.go"
UNSEEN = "the pull does not look at it, so only the start of the container fails"
HOST_PROCESS = "kubernetes.io/docs/tasks/configure-pod-container/create-hostprocess-pod"


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A host as images see it, and how its containerd picks."""

    version: Version
    matcher: Matcher
    arch: str = AMD64


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What a node gets, and what comes of it; the entry is None where containerd takes none."""

    entry: Entry | None
    verdict: Verdict


def choose(
    image: Image,
    node: Node,
    isolation: Isolation,
    builds: Mapping[int, Build],
    *,
    host_process: bool = False,
) -> Choice:
    """Say which manifest a node gets, and whether a container of it runs there.

    Args: host_process: its processes are the host's: what is pulled, whatever its build, runs.
    """
    entry = picked(image, node)
    if entry is None:
        return Choice(entry=None, verdict=_nothing(image, node, isolation, builds))
    if host_process and (entry.real.os, entry.real.arch, node.arch) == (WINDOWS, AMD64, AMD64):
        reason = "a HostProcess container fits every build"
        verdict = Verdict(verdict="allow", rule="hostprocess", reason=reason, source=HOST_PROCESS)
        return Choice(entry=entry, verdict=verdict)
    verdict = _judged(entry.real, node, isolation, builds)
    if verdict.verdict == "deny" and not (entry.listed and entry.listed.os_version):
        verdict = replace(verdict, reason=f"{verdict.reason}; {UNSEEN}")
    notes = (*verdict.warnings, *_notes(image, entry, node)) if verdict.verdict != "deny" else ()
    return Choice(entry=entry, verdict=replace(verdict, warnings=notes))


def picked(image: Image, node: Node) -> Entry | None:
    """Give the entry that containerd takes: one, and no other if that one turns out wrong."""
    if image.kind == "manifest":
        return image.entries[0]
    entries, best = image.entries, None
    # Of an index below the index one is taken too, or none: there is no way back up.
    for depth in range(1 + max((len(row.within) for row in entries), default=0)):
        best = next(iter(ranking([_step(row, depth) for row in entries], node)), None)
        if best is None or isinstance(best, Entry):
            break
        entries = tuple(row for row in entries if _step(row, depth) == best)
    if not isinstance(best, Entry) or (best.listed is None and not fits(best.real, node)):
        return None
    return best


def _step(entry: Entry, depth: int) -> Entry | Nested:
    """Give what the index at a depth lists for an entry: itself, or the index that leads to it."""
    return entry.within[depth] if depth < len(entry.within) else entry


def ranking(rows: Iterable[Listed], node: Node) -> list[Listed]:
    """Give what containerd would take of what one index lists, the best first."""
    found = [row for row in rows if row.listed is None or fits(row.listed, node)]
    match node.matcher.order:
        case "revision":
            found.sort(key=lambda row: -_revision(row.listed))
        case "text":
            found.sort(key=lambda row: row.listed.os_version if row.listed else "", reverse=True)
        case "index":
            pass
    return sorted(found, key=lambda row: row.listed is None)


def version(platform: Platform) -> Version | None:
    """Read os.version, which containerd takes with its major and minor number alone.

    What follows the build is not looked at. Source: wincnode.isolation.MATCHER, getWindowsOSVersion
    """
    text = platform.os_version
    if not text.startswith("10.0."):
        return None
    return version_of(text) or version_of(".".join(text.split(".")[:3]))


def fits(platform: Platform, node: Node) -> bool:
    """Tell whether containerd takes a platform for the node's; without os.version, any build."""
    # An entry that names no system is one for the host's. Source: containerd/platforms:database.go
    if (
        platform.os not in {WINDOWS, ""}
        or platform.arch != node.arch
        or platform.variant not in {"", "v1"}
    ):
        return False
    if node.matcher.features and set(platform.features) - {WIN32K}:
        return False
    if not platform.os_version:
        return True
    own = version(platform)
    return own is not None and runs(node.matcher.rule, host=node.version.build, image=own.build)


def _judged(
    platform: Platform, node: Node, isolation: Isolation, builds: Mapping[int, Build]
) -> Verdict:
    """Judge what the chosen manifest's own config says."""
    rule = node.matcher.rule
    if platform.os != WINDOWS:
        return _deny(rule, f"it is an image for {_shown(platform)}")
    if not platform.os_version:
        reason = "the image does not say its Windows build, as images for HostProcess containers do"
        return Verdict(verdict="conditional", rule=rule, reason=reason, source=HOST_PROCESS)
    if (own := version(platform)) is None:
        return _deny(rule, f"its os.version {_shown(platform)} is no version of Windows")
    pair = Pair(host=node.version, image=own, host_arch=node.arch, image_arch=platform.arch)
    return judge(pair, isolation, rule=rule, builds=builds)


def _nothing(
    image: Image, node: Node, isolation: Isolation, builds: Mapping[int, Build]
) -> Verdict:
    """Say why containerd takes nothing, and what could be named instead."""
    rule = node.matcher.rule
    windows = [row for row in image.entries if row.real.os == WINDOWS]
    if not windows:
        there = ", ".join(dict.fromkeys(_shown(row.real) for row in image.entries)) or "nothing"
        return _deny(rule, f"it holds no image for Windows; there is {printable(there, limit=300)}")
    versions = dict.fromkeys(_shown(row.real) for row in windows)
    reason = (
        f"containerd takes none of its images for host {node.version} ({rule}); for Windows there"
        f" is {printable(', '.join(versions), limit=300)}"
    )
    if isolation == "process":
        return _deny(rule, reason)
    for row in sorted(windows, key=lambda row: _build(row.real), reverse=True):
        if _judged(row.real, node, isolation, builds).verdict != "deny":
            reason = f"{reason}; named by its digest, {_shown(row.real)} would run: {row.digest}"
            return Verdict(
                verdict="conditional",
                rule="hyperv",
                reason=reason,
                source="containerd/containerd#8348",
            )
    return _deny("hyperv", f"{reason}; none of them runs there")


def _notes(image: Image, entry: Entry, node: Node) -> Iterator[Note]:
    """Tell where what a node gets is not the best that would run there."""
    best = max(
        (row for row in image.entries if fits(row.real, node)),
        key=lambda row: _numbers(row.real),
        default=entry,
    )
    if _numbers(best.real) > _numbers(entry.real):
        how = {
            "text": "compares os.version as text",
            "index": "takes the first of the index that fits",
            "revision": "looks at the revision alone",
        }[node.matcher.order]
        if best.within != entry.within:
            how = "takes one of what an index lists, then of that one, and looks nowhere else"
        text = f"{best.real.os_version} would run there too and is newer, but containerd {how}"
        yield Note(text=text, source=node.matcher.source)
    if entry.foreign:
        text = f"a layer lies elsewhere: {printable(entry.foreign[0], limit=200)}"
        yield Note(text=text, source="opencontainers/image-spec:layer.md")


def _revision(platform: Platform | None) -> int:
    found = version(platform) if platform else None
    return (found.revision or 0) if found else 0


def _numbers(platform: Platform) -> tuple[int, int]:
    return _build(platform), _revision(platform)


def _build(platform: Platform) -> int:
    found = version(platform)
    return found.build if found else 0


def _shown(platform: Platform) -> str:
    return printable(str(platform), limit=100)


def _deny(rule: str, reason: str) -> Verdict:
    return Verdict(verdict="deny", rule=rule, reason=reason, source=CHOICE)
