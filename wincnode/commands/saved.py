"""Facts that `wincnode facts` saved, read again; the file may come from anywhere."""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from wincnode.commands.facts import SCHEMA
from wincnode.errors import ConfigError
from wincnode.events import printable
from wincnode.facts import Facts
from wincnode.inventory.fields import NODE_NAME
from wincnode.inventory.marks import nearest

# Facts of a node take some 100 KB.
LIMIT_BYTES = 512 * 1024 * 1024
FIELDS = ("sections", "unknown", "computer", "skew_s")


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """What one node said of itself when it was asked."""

    facts: Facts
    computer: str = ""
    skew_s: float | None = None

    @property
    def build(self) -> int:
        """Give the build of Windows, 0 where it is not told."""
        value = self.facts.sections.get("os", {}).get("build")
        return value if isinstance(value, int) and not isinstance(value, bool) else 0


def load(path: Path) -> Mapping[str, Saved]:
    """Read a document of facts.

    Raises: ConfigError: it cannot be read, or is none; the message names the place.
    """
    try:
        with path.open("rb") as opened:
            content = opened.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > LIMIT_BYTES:
        raise ConfigError(f"{path}: larger than {LIMIT_BYTES // 1024**2} MiB")
    return parse(content, path)


def parse(content: bytes, path: Path) -> Mapping[str, Saved]:
    """Read a document of facts from its bytes; see `load`."""
    try:
        whole = json.loads(_text(content), parse_constant=_no_number)
    except RecursionError as error:
        raise ConfigError(f"{path}: nested too deeply") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not JSON: {error}", remedy=_REMEDY) from error
    if not isinstance(whole, dict) or whole.get("schema") != SCHEMA:
        raise ConfigError(f"{path}: schema is not {SCHEMA}", remedy=_REMEDY)
    nodes = _object(whole.get("nodes"), f"{path}: nodes")
    if not nodes:
        # Else a job would pass for want of a node, as where none of them was reached.
        raise ConfigError(f"{path}: nodes: holds the facts of no node", remedy=_REMEDY)
    return {name: _node(name, row, path) for name, row in nodes.items()}


def select(saved: Mapping[str, Saved], names: Iterable[str], path: Path) -> Mapping[str, Saved]:
    """Give the facts of the named nodes, in the file's order; all without a name.

    Raises: ConfigError: the file has no facts of such a node.
    """
    words = set(names)
    for word in sorted(words - set(saved)):
        raise ConfigError(f"{path}: has no facts of {word}; {nearest(word, saved)}")
    return {name: row for name, row in saved.items() if not words or name in words}


_REMEDY = "Write one with: wincnode facts -o json=facts.json"


def _text(content: bytes) -> str:
    """Decode a document; `>` of PowerShell 5.1 writes UTF-16 with a mark."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    return content.decode("utf-8-sig")


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _node(name: str, row: Any, path: Path) -> Saved:
    where = f"{path}: nodes.{printable(name, limit=60)}"
    if not re.fullmatch(NODE_NAME, name):
        raise ConfigError(f"{where}: no name of a node")
    known = _object(row, where)
    if unknown := set(known) - set(FIELDS):
        raise ConfigError(
            f"{where}: {printable(min(unknown), limit=60)} is unknown;"
            f" {nearest(min(unknown), FIELDS)}"
        )
    sections = _object(known.get("sections", {}), f"{where}.sections")
    reasons = _object(known.get("unknown", {}), f"{where}.unknown")
    computer, skew_s = known.get("computer", ""), known.get("skew_s")
    if not isinstance(computer, str):
        raise ConfigError(f"{where}.computer: is not a text")
    if isinstance(skew_s, bool) or not isinstance(skew_s, (int, float, type(None))):
        raise ConfigError(f"{where}.skew_s: is not a number")
    if skew_s is not None and not math.isfinite(skew_s):
        raise ConfigError(f"{where}.skew_s: is not a number of seconds")
    return Saved(
        facts=Facts(
            sections={
                key: _object(value, f"{where}.sections.{printable(key, limit=60)}")
                for key, value in sections.items()
            },
            errors={key: printable(str(value)) for key, value in reasons.items()},
        ),
        computer=printable(computer),
        skew_s=skew_s,
    )


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: is not an object")
    return value
