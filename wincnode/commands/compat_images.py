"""What nodes really get of images: references in, verdicts of the registries' own word out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wincnode.builds import Build, load_builds
from wincnode.commands import compat
from wincnode.commands.compat import Question
from wincnode.commands.compat_sources import Sources, gather, nodes_of
from wincnode.errors import WincnodeError
from wincnode.events import printable
from wincnode.images.choose import Choice, Node, choose
from wincnode.images.named import Named
from wincnode.images.offer import Image
from wincnode.isolation import ISOLATIONS, Isolation, Version
from wincnode.registry import credentials
from wincnode.registry.client import Ways
from wincnode.registry.many import read_all
from wincnode.report import EXIT_ORDER
from wincnode.support import load_support, matcher_of

SCHEMA = "wincnode/compat-images/v1"
# As much of a digest as tells it from others; -o json has it whole.
SHORT = len("sha256:") + 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What one node gets of an image."""

    host: Version
    isolation: Isolation
    choice: Choice


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One image and what becomes of it; with an error it could not be read."""

    name: str
    why: tuple[str, ...]
    image: Image | None = None
    error: WincnodeError | None = None
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """All images, in the order in which they were named."""

    containerd: str
    results: tuple[Result, ...] = field(default_factory=tuple)

    def exit_code(self, *, denied_counts: bool) -> int:
        """Give that of the worst error, or 5 where something is denied and that counts."""
        codes = {row.error.exit_code for row in self.results if row.error is not None}
        denied = any(
            row.choice.verdict.verdict == "deny" for result in self.results for row in result.rows
        )
        if denied and denied_counts:
            codes.add(compat.DENIED_EXIT_CODE)
        return next((code for code in EXIT_ORDER if code in codes), max(codes, default=0))


def run(question: Question, sources: Sources) -> Answers:
    """Read every image, several at once, and judge it for every node.

    Without a version of containerd, it is the inventory's, else the newest line that is known.
    Raises: ConfigError: what is asked cannot be; no registry was asked. ClusterError.
    """
    inventory = sources.inventory
    wished = inventory.runtime.containerd if inventory else None
    containerd = question.containerd or wished or list(load_support().containerd)[-1]
    compat.rule_of(containerd)
    matcher = matcher_of(load_support(), containerd)
    nodes = [
        Node(version=host, matcher=matcher, arch=question.arch) for host in nodes_of(question.hosts)
    ]
    ways = Ways(
        logins=credentials.load(os.environ, Path.home()),
        registries={row.host: row for row in inventory.runtime.registries} if inventory else {},
        plain_http=sources.plain_http,
    )
    isolations = (question.isolation,) if question.isolation else ISOLATIONS
    wanted: dict[str, list[Named]] = {}
    for row in gather(sources, question.hosts):
        wanted.setdefault(row.name, []).append(row)

    images = read_all(wanted, ways)
    builds = load_builds()
    pairs = [(node, isolation) for node in nodes for isolation in isolations]
    results = tuple(_result(rows, images[name], pairs, builds) for name, rows in wanted.items())
    return Answers(containerd=containerd, results=results)


def _result(
    wanted: Sequence[Named],
    image: Image | WincnodeError,
    pairs: Sequence[tuple[Node, Isolation]],
    builds: Mapping[int, Build],
) -> Result:
    name, why = wanted[0].name, tuple(dict.fromkeys(row.why for row in wanted if row.why))
    if isinstance(image, WincnodeError):
        return Result(name=name, why=why, error=image)
    everywhere = any(not row.builds for row in wanted)
    only = {build for row in wanted for build in row.builds}
    of_host = all(row.host_process for row in wanted)
    rows = [
        Row(
            host=node.version,
            isolation=isolation,
            choice=choose(image, node, isolation, builds, host_process=of_host),
        )
        for node, isolation in pairs
        if everywhere or node.version.build in only
    ]
    return Result(name=name, why=why, image=image, rows=tuple(rows))


def to_data(answers: Answers) -> dict[str, Any]:
    """Give the answers as JSON-able data of the versioned schema."""
    return {
        "schema": SCHEMA,
        "command": "compat",
        "containerd": answers.containerd,
        "images": list(map(_data, answers.results)),
    }


def _data(result: Result) -> Mapping[str, Any]:
    image, error = result.image, result.error
    entries = image.entries if image else ()
    return {
        "image": result.name,
        "from": list(result.why),
        "kind": image.kind if image else None,
        "digest": image.digest if image else None,
        "served_by": image.served_by if image else None,
        "offers": [
            {
                "digest": row.digest,
                "os": row.real.os,
                "architecture": row.real.arch,
                "os_version": row.real.os_version,
            }
            for row in entries
        ],
        "verdicts": list(map(_row_data, result.rows)),
        "error": error and {"id": error.id, "message": error.message, "remedy": error.remedy},
    }


def _row_data(row: Row) -> Mapping[str, Any]:
    entry = row.choice.entry
    return {
        "host": str(row.host),
        "isolation": row.isolation,
        **compat.verdict_data(row.choice.verdict),
        "digest": entry.digest if entry else None,
        "os_version": entry.real.os_version if entry else None,
    }


def lines(answers: Answers) -> Iterator[str]:
    """Say for each image what each node gets of it, and what comes of that."""
    if not answers.results:
        yield "no image for Windows is named"
    for result in answers.results:
        why = f" ({', '.join(result.why)})" if result.why else ""
        yield f"{printable(result.name, limit=300)}{why}"
        yield from _error(result.error) if result.error else _told(result)
    yield f"as containerd {answers.containerd} picks"


def _error(error: WincnodeError) -> Iterable[str]:
    yield f"    {error.message} [{error.id}]"
    if error.remedy:
        yield f"    {error.remedy}"


def _told(result: Result) -> Iterable[str]:
    if result.image is not None and result.image.reference.host not in result.image.served_by:
        yield f"    served by {result.image.served_by}"
    for row in result.rows:
        verdict, entry = row.choice.verdict, row.choice.entry
        gets = ""
        if entry is not None:
            name = printable(entry.real.os_version, limit=60) or "a manifest without os.version"
            gets = f"; gets {name}, {entry.digest[:SHORT]}"
        reason = "" if verdict.verdict == "allow" else f": {verdict.reason}"
        what = f"host {row.host}, {row.isolation}: {verdict.verdict} ({verdict.rule})"
        yield f"    {what}{reason}{gets}"
        for note in verdict.warnings:
            yield f"        warning: {note.text}"
