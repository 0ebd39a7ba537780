"""What a Windows build is: name, channel, dates, and whether Kubernetes supports it as a node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

import yaml

from wincnode.assets import PACKAGE
from wincnode.errors import WincnodeError

Support = Literal["yes", "ended", "no"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """One Windows build; a date is None where Microsoft gives none."""

    build: int
    name: str
    channel: str
    supported_node: Support
    released: date | None
    mainstream_end: date | None
    extended_end: date | None
    source: str


@cache
def load_builds() -> Mapping[int, Build]:
    """Read the table of builds, by number; a mistake in it is a bug of ours."""
    path = PACKAGE / "data" / "builds.yaml"
    # libyaml, where it is there, takes a tenth of the time.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = path.read_text(encoding="utf-8")
    rows = yaml.load(text, Loader=loader)["builds"]  # noqa: S506 - both loaders are the safe one
    return MappingProxyType({build.build: build for build in map(_build, rows)})


def supported_builds(builds: Mapping[int, Build]) -> tuple[Build, ...]:
    """List the builds that Kubernetes supports as nodes, oldest first."""
    return tuple(builds[n] for n in sorted(builds) if builds[n].supported_node == "yes")


def _build(row: Mapping[str, Any]) -> Build:
    support = row["supported_node"]
    if support not in ("yes", "ended", "no"):
        raise WincnodeError(f"builds.yaml: supported_node of build {row['build']} is {support!r}")
    return Build(
        build=row["build"],
        name=row["name"],
        channel=row["channel"],
        supported_node=support,
        released=row.get("released"),
        mainstream_end=row.get("mainstream_end"),
        extended_end=row.get("extended_end"),
        source=row["source"],
    )
