"""Which images run on which hosts, by the rules alone; no network is touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wincnode.builds import Build, load_builds
from wincnode.errors import ConfigError
from wincnode.isolation import (
    AMD64,
    ISOLATIONS,
    Isolation,
    Pair,
    Rule,
    Verdict,
    Version,
    judge,
    version_of,
)
from wincnode.support import load_support, matcher_of, numbers

SCHEMA = "wincnode/compat/v1"
DENIED_EXIT_CODE = 5  # that of a node which preflight blocks
# Channels whose builds have base images of their own. Source: wincnode/data/builds.yaml
WITH_IMAGES = frozenset({"LTSC", "SAC"})
LEGEND = "P process, H Hyper-V; small where conditional, - where denied; -o json says why"
LETTERS: Mapping[Isolation, str] = {"process": "P", "hyperv": "H"}
# The width of a host's name in the matrix; the longest is of 28 letters.
NAME = 36


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked; nothing given means all known builds, both isolations, any runtime.

    Args: arch: of the hosts, as images name it. containerd: a version, or a line such as 2.3.
    """

    hosts: Sequence[str] = ()
    images: Sequence[str] = ()
    isolation: Isolation | None = None
    containerd: str = ""
    arch: str = AMD64


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One answer."""

    pair: Pair
    isolation: Isolation
    verdict: Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """The answers, in the order of hosts, images, isolations."""

    question: Question
    rows: tuple[Row, ...]

    def exit_code(self, *, denied_counts: bool) -> int:
        """Give 5 where something is denied and that counts."""
        denied = any(row.verdict.verdict == "deny" for row in self.rows)
        return DENIED_EXIT_CODE if denied and denied_counts else 0


def run(question: Question) -> Answers:
    """Judge every host with every image.

    Raises: ConfigError: a version is none.
    """
    builds = load_builds()
    rule = rule_of(question.containerd)
    images = _images(question.images, builds)
    isolations = (question.isolation,) if question.isolation else ISOLATIONS
    pairs = [
        Pair(host=host, image=image, host_arch=question.arch)
        for host in hosts_of(question.hosts, builds)
        for image in images
    ]
    return Answers(
        question=question,
        rows=tuple(
            Row(
                pair=pair,
                isolation=isolation,
                verdict=judge(pair, isolation, rule=rule, builds=builds),
            )
            for pair in pairs
            for isolation in isolations
        ),
    )


def rule_of(containerd: str) -> Rule | None:
    """Give the rule of a version of containerd; None where none is given.

    Raises: ConfigError: it is no version.
    """
    if not containerd:
        return None
    if len(numbers(containerd)) < 2:
        raise ConfigError(
            f"--containerd {containerd} is no version", remedy="Give one such as 2.3.4 or 2.3."
        )
    return matcher_of(load_support(), containerd).rule


def hosts_of(texts: Sequence[str], builds: Mapping[int, Build]) -> tuple[Version, ...]:
    """Give the named hosts, or all known builds.

    Raises: ConfigError: a text is no version of Windows.
    """
    if texts:
        return tuple(_version("--host", text) for text in texts)
    return tuple(Version(build=number) for number in sorted(builds))


def _images(texts: Sequence[str], builds: Mapping[int, Build]) -> tuple[Version, ...]:
    if texts:
        return tuple(_version("--image", text) for text in texts)
    return tuple(
        Version(build=number) for number in sorted(builds) if builds[number].channel in WITH_IMAGES
    )


def _version(option: str, text: str) -> Version:
    found = version_of(text)
    if found is None:
        raise ConfigError(
            f"{option} {text} is no Windows build",
            remedy="Give one such as 20348, 20348.587 or 10.0.20348.587.",
        )
    return found


def to_data(answers: Answers) -> dict[str, Any]:
    """Give the answers as JSON-able data: of a single one its own fields, else a list."""
    head = {"schema": SCHEMA, "command": "compat"}
    rows = list(map(_data, answers.rows))
    return {**head, **rows[0]} if len(rows) == 1 else {**head, "verdicts": rows}


def verdict_data(verdict: Verdict) -> dict[str, Any]:
    """Give a verdict as JSON-able data."""
    return {
        "verdict": verdict.verdict,
        "rule": verdict.rule,
        "reason": verdict.reason,
        "source": verdict.source,
        "warnings": [{"text": note.text, "source": note.source} for note in verdict.warnings],
    }


def _data(row: Row) -> dict[str, Any]:
    return {
        "host": str(row.pair.host),
        "image": str(row.pair.image),
        "isolation": row.isolation,
        **verdict_data(row.verdict),
    }


def lines(answers: Answers) -> Iterator[str]:
    """Say each answer for one host and one image, or draw the matrix of many."""
    if len({row.pair for row in answers.rows}) > 1:
        yield from matrix(answers.rows)
        return
    for row in answers.rows:
        pair = f"image {row.pair.image} on host {row.pair.host}"
        yield from verdict_lines(f"{pair}, {row.isolation} isolation", row.verdict)


def verdict_lines(what: str, verdict: Verdict) -> Iterator[str]:
    """Say one verdict, with its source and what speaks against it."""
    yield f"{what}: {verdict.verdict} ({verdict.rule}): {verdict.reason}"
    yield f"    source: {verdict.source}"
    for note in verdict.warnings:
        yield f"    warning: {note.text} (source: {note.source})"


def matrix(rows: Sequence[Row]) -> Iterator[str]:
    """Draw a line per host and a column per image."""
    builds = load_builds()
    images = list(dict.fromkeys(str(row.pair.image) for row in rows))
    cells: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        cells.setdefault((str(row.pair.host), str(row.pair.image)), []).append(_letter(row))
    width = max(map(len, images)) + 2
    yield "host \\ image".ljust(NAME) + "".join(image.ljust(width) for image in images).rstrip()
    for host in dict.fromkeys(row.pair.host for row in rows):
        known = builds.get(host.build)
        name = f"{host} {known.name if known else ''}".ljust(NAME)
        line = "".join(" ".join(cells[str(host), image]).ljust(width) for image in images)
        yield (name + line).rstrip()
    yield LEGEND


def _letter(row: Row) -> str:
    letter = LETTERS[row.isolation]
    return {"allow": letter, "conditional": letter.lower(), "deny": "-"}[row.verdict.verdict]
