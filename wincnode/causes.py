"""What goes wrong with a node of containers: rows with a source, for people to read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from wincnode.assets import PACKAGE

Where = Literal["kubelet", "containerd", "kubeadm", "node", "other"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """One row; its title, cause and remedy are for people.

    Args:
        pattern: is looked for in single lines, and is enough by itself. where: whose lines these
            are; `other` are those of programs that wincnode does not ask by itself.
        codes: names of Windows' codes that make it possible; `NAME*` is all that begin so.
        near: what makes it likely where one of the codes is.
        rank: 1 names what is wrong, 2 says that something is, 3 follows from much else.
    """

    id: str
    rank: int
    title: str
    cause: str
    remedy: str
    source: str
    pattern: re.Pattern[str] | None = None
    where: tuple[Where, ...] = ("other",)
    codes: tuple[str, ...] = ()
    near: re.Pattern[str] | None = None


def load_causes() -> Mapping[str, Cause]:
    """Read what keeps a machine from being a Ready node, by id; a mistake is a bug of ours."""
    return causes_of(read_yaml("causes.yaml")["causes"])


def causes_of(rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Cause]:
    """Make causes of the rows of a table, by id."""
    return {row["id"]: _cause(row) for row in rows}


def read_yaml(name: str) -> Any:
    """Read a table of `data/`, by libyaml where it is there: it takes a tenth of the time."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = (PACKAGE / "data" / name).read_text(encoding="utf-8")
    return yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are the safe one


def _cause(row: Mapping[str, Any]) -> Cause:
    patterns = {name: re.compile(row[name]) for name in ("pattern", "near") if name in row}
    lists = {name: tuple(row[name]) for name in ("where", "codes") if name in row}
    return Cause(**{**row, **patterns, **lists})
