"""Rows of the catalogue to the URLs of the versions that an inventory wants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import urlsplit

import yaml

from wincnode.assets import PACKAGE
from wincnode.errors import ConfigError
from wincnode.support import line_of

Form = Literal["digest", "names", "github"]
Archive = Literal["none", "tar.gz", "zip"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """One row: what is published where, and what its SHA-256 is checked against.

    Args:
        follows: whose version it has; empty where `versions` gives one per Kubernetes minor.
        optional: it is taken only where it is asked for.
        files: what is taken out of the archive.
        place: full path of the file on a node, or of the folder for an archive's files.
    """

    name: str
    url: str
    checksum: Form
    checksum_url: str
    archive: Archive
    files: tuple[str, ...]
    place: str
    source: str
    follows: Literal["", "kubernetes", "containerd"] = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    optional: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """One file that is wanted: where it is, and where its SHA-256 stands in which form."""

    name: str
    version: str
    url: str
    checksum: Form
    checksum_url: str

    @property
    def file(self) -> str:
        """The file's name."""
        return file_of(self.url)


def load_catalogue() -> tuple[Artifact, ...]:
    """Read the catalogue; a mistake in it is a bug of ours."""
    text = (PACKAGE / "data" / "artifacts.yaml").read_text(encoding="utf-8")
    return tuple(_artifact(row) for row in yaml.safe_load(text)["artifacts"])


def file_of(url: str) -> str:
    """Give the name of the file that a URL ends with."""
    return PurePosixPath(urlsplit(url).path).name


def wanted(
    catalogue: tuple[Artifact, ...],
    *,
    kubernetes: str,
    containerd: str,
    also: Iterable[str] = (),
    mirrors: Mapping[str, str] | None = None,
) -> tuple[Wanted, ...]:
    """Give the files that nodes of these versions need, in the catalogue's order.

    Args:
        also: optional artifacts that are wanted too.
        mirrors: base URL by artifact; the one under `""` serves the others.
    Raises: ConfigError: what is asked for is not in the catalogue.
    """
    bases = mirrors or {}
    names = [row.name for row in catalogue]
    asked = set(also)
    for name in sorted({*asked, *bases} - {"", *names}):
        raise ConfigError(f"no artifact is called {name!r}; they are {', '.join(names)}")
    versions = {
        "kubernetes": kubernetes.removeprefix("v"),
        "containerd": containerd.removeprefix("v"),
    }
    return tuple(
        _wanted(row, versions, bases.get(row.name, bases.get("", "")))
        for row in catalogue
        if not row.optional or row.name in asked
    )


def mirrored(url: str, base: str) -> str:
    """Give where a mirror keeps a file: its base, the origin's host, the origin's path.

    Source: this layout is that of `files_repo` in
    kubernetes-sigs/kubespray:inventory/sample/group_vars/all/offline.yml
    """
    parts = urlsplit(url)
    return f"{base.rstrip('/')}/{parts.netloc}{parts.path}" if base else url


def _wanted(row: Artifact, versions: Mapping[str, str], base: str) -> Wanted:
    if row.follows:
        version = versions[row.follows]
    else:
        minor = line_of(versions["kubernetes"])
        version = row.versions.get(minor) or row.versions["*"]
    url = row.url.format(version=version)
    return Wanted(
        name=row.name,
        version=version,
        url=mirrored(url, base),
        checksum=row.checksum,
        checksum_url=mirrored(row.checksum_url.format(version=version, url=url), base),
    )


def _artifact(row: Mapping[str, Any]) -> Artifact:
    return Artifact(**{**row, "files": tuple(row["files"])})
