"""A wanted file to its lock entry: its size, and the SHA-256 that is published for it."""

from __future__ import annotations

from collections.abc import Iterable

from wincnode.artifacts import checksums, web
from wincnode.artifacts.catalogue import Wanted
from wincnode.artifacts.lock import UNVERIFIED, Entry
from wincnode.artifacts.web import Pace
from wincnode.errors import ArtifactError


def resolve(wanted: Wanted, *, allow_unverified: bool, pace: Pace) -> Entry:
    """Ask the server for a file's size and its SHA-256; the file itself is not downloaded.

    Args: allow_unverified: where nothing vouches for the file, download and hash it.
    Raises: ArtifactError.
    """
    try:
        size = web.size_of(wanted.url, pace=pace)
        try:
            sha256, verified = _published(wanted, pace), str(wanted.checksum)
        except ArtifactError as error:
            if error.id != "artifact.unverified" or not allow_unverified:
                raise
            sha256, verified = web.hash_of(wanted.url, size=size, pace=pace), UNVERIFIED
    except ArtifactError as error:
        text = f"{wanted.name} {wanted.version}: {error.message}"
        raise ArtifactError(text, remedy=error.remedy, id=error.id) from error
    return Entry(
        component=wanted.name,
        version=wanted.version,
        url=wanted.url,
        sha256=sha256,
        size=size,
        verified=verified,
        checksum_url=wanted.checksum_url,
    )


def refuse_changed(entry: Entry, locked: Iterable[Entry]) -> None:
    """Refuse another SHA-256 for a version that is locked already: a published file stays.

    Raises: ArtifactError.
    """
    for old in locked:
        same = (old.component, old.version) == (entry.component, entry.version)
        if same and old.sha256 != entry.sha256:
            text = f"{entry.component} {entry.version}: {entry.checksum_url} says {entry.sha256},"
            raise ArtifactError(f"{text} locked is {old.sha256}", id="artifact.changed")


def _published(wanted: Wanted, pace: Pace) -> str:
    """Give the SHA-256 that is published for a file.

    Raises: ArtifactError: with the id artifact.unverified where nothing vouches for it.
    """
    url = wanted.checksum_url
    if not url.startswith("https:"):
        raise ArtifactError(f"{url}: a checksum over http proves nothing", id="artifact.unverified")
    try:
        content = web.text_of(url, limit=checksums.LIMIT_BYTES, pace=pace)
    except ArtifactError as error:
        if error.id != "artifact.missing":
            raise
        raise ArtifactError(f"{url}: no checksum there", id="artifact.unverified") from error
    try:
        return checksums.read(wanted.checksum, content, file=wanted.file)
    except ArtifactError as error:
        raise ArtifactError(f"{url}: {error.message}", id=error.id) from error
