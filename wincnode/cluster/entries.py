"""The clusters, users and contexts that kubeconfigs hold, each with the file it comes from."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from urllib3.util import parse_url

from wincnode.errors import ConfigError
from wincnode.inventory import marks
from wincnode.secrets import Secret


@dataclass(frozen=True, kw_only=True, slots=True)
class Pem:
    """A PEM text that stands in the kubeconfig, or in a file that is read when it is needed."""

    text: Secret | None = None
    path: Path | None = None

    def read(self) -> Secret:
        """Give the text.

        Raises: ConfigError: the file cannot be read.
        """
        if self.text is not None:
            return self.text
        return Secret(marks.read_text(self.path)) if self.path else Secret("")

    def __bool__(self) -> bool:
        return self.text is not None or self.path is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A cluster, user or context, and the file that it comes from."""

    where: str
    file: Path
    body: Mapping[str, Any]

    def text(self, key: str) -> str:
        """Give a text; empty where it is not there."""
        value = self.body.get(key)
        if not isinstance(value, str | None):
            raise self.refused(f"{key} is no text")
        return value or ""

    def flag(self, key: str) -> bool:
        """Give a truth; false where it is not there."""
        value = self.body.get(key)
        if not isinstance(value, bool | None):
            raise self.refused(f"{key} is neither true nor false")
        return bool(value)

    def path(self, key: str) -> Path | None:
        """Give a path; one that is relative starts at the file's own folder."""
        text = self.text(key)
        return self.file.absolute().parent / text if text else None

    def texts(self, key: str) -> tuple[str, ...]:
        """Give a list of texts; a number counts as one, as for kubectl."""
        values = self.body.get(key) or ()
        if not isinstance(values, list | tuple):
            raise self.refused(f"{key} is no list of texts")
        if any(not isinstance(row, str | int | float) or "\0" in str(row) for row in values):
            raise self.refused(f"{key} is no list of texts")
        return tuple(map(str, values))

    def pem(self, key: str) -> Pem:
        """Give what `key` names as a file, or `key`-data holds."""
        data, path = self.text(f"{key}-data"), self.path(key)
        if not data:
            return Pem(path=path)
        if path:
            raise self.refused(f"{key} and {key}-data are both given; it takes one of them")
        try:
            return Pem(text=Secret(base64.b64decode(data, validate=True).decode("ascii")))
        except (binascii.Error, ValueError):
            # Not chained: the exception holds the bytes.
            raise self.refused(f"{key}-data is not PEM in base64") from None

    def refused(self, problem: str) -> ConfigError:
        """Give the error that names file and entry; a problem never repeats a value."""
        return wrong(f"{self.file}: {self.where}: {problem}")


# A kubeconfig's path and its content.
File: TypeAlias = tuple[Path, Mapping[str, Any]]
# By kind and name.
Parts: TypeAlias = Mapping[str, Mapping[str, Part]]


def read(path: Path) -> Mapping[str, Any]:
    """Read a kubeconfig.

    Raises: ConfigError: it is none; the message holds nothing of its text.
    """
    try:
        root = marks.compose(marks.read_text(path), path)
    except ConfigError as err:
        raise wrong(err.message) from None  # YAML's own error shows the line, secret or not
    body = marks.plain(root) if root is not None else {}
    if not isinstance(body, Mapping):
        raise wrong(f"{path}: is no mapping, so it is no kubeconfig")
    return body


def merged(files: Sequence[File], kind: str) -> Mapping[str, Part]:
    """Give the entries of a kind by name; the first file that names one defines it whole.

    Args: kind: cluster, user or context.
    Raises: ConfigError.
    """
    found: dict[str, Part] = {}
    for file, body in files:
        own: dict[str, Part] = {}
        for row in rows(Part(where="kubeconfig", file=file, body=body), f"{kind}s"):
            name, part = str(row.get("name", "")), row.get(kind) or {}
            if not isinstance(part, Mapping):
                raise wrong(f"{file}: {kind} {name} is no mapping")
            if name in own:
                raise wrong(f"{file}: {kind} {name} is given twice")
            own[name] = Part(where=f"{kind} {name}", file=file, body=part)
        found = {**own, **found}
    return found


def named(chosen: Part, kind: str, parts: Parts) -> Part:
    """Give the entry that a context names.

    Raises: ConfigError: it names none, or one that is not there.
    """
    name = chosen.text(kind)
    if not name:
        raise chosen.refused(f"names no {kind}")
    if name not in parts[kind]:
        raise chosen.refused(f"names the {kind} {name}, which is not there")
    return parts[kind][name]


def rows(part: Part, key: str) -> Sequence[Mapping[str, Any]]:
    """Give a list of mappings; an empty one where there is none.

    Raises: ConfigError: it is something else.
    """
    found = part.body.get(key) or []
    if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
        raise part.refused(f"{key} is no list of mappings")
    return found


def is_address(url: str, *, schemes: Collection[str] = ("http", "https")) -> bool:
    """Tell whether a URL is of such a scheme and leads to a host."""
    try:
        # By both: what reads it later would end with an error of its own.
        parts, read = parse_url(url), urlsplit(url)
        return parts.scheme in schemes and bool(parts.host and read.hostname)
    except ValueError:  # which urllib3's is too
        return False


def fits_header(text: str) -> bool:
    """Tell whether a text can be a header's value: others would end the header, or change it."""
    return text.isascii() and text.isprintable()


def wrong(text: str) -> ConfigError:
    """Give the error of a kubeconfig that is not usable."""
    return ConfigError(text, id="config.kubeconfig")
