"""What registries send: indexes, manifests and configs, OCI's and Docker's, as values."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wincnode.errors import RegistryError
from wincnode.events import printable
from wincnode.images.offer import Kind, Platform

# Source: opencontainers/image-spec:media-types.md; distribution/distribution:manifest
INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
ACCEPT = ", ".join((*INDEXES, *MANIFESTS))
# Registries take manifests of up to 4 MiB. Source: opencontainers/distribution-spec:spec.md
LIMIT_MANIFEST = 4 * 1024 * 1024
LIMIT_CONFIG = 8 * 1024 * 1024
LIMIT_ENTRIES = 1000
# Source: containerd/platforms:database.go, normalizeArch
SAME_ARCH = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64"}
DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Descriptor:
    """What an index or a manifest points to; its platform is None where none is given."""

    media_type: str
    digest: str
    platform: Platform | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """An index with what it points to, or a manifest with its config.

    Args: foreign: addresses of layers that the registry itself does not hold.
    """

    kind: Kind
    digest: str
    entries: tuple[Descriptor, ...] = ()
    config: Descriptor | None = None
    foreign: tuple[str, ...] = ()


def document(content: bytes, *, media_type: str, digest: str, where: str) -> Document:
    """Read an index or a manifest.

    Args: media_type: as the answer's header tells it, or the index that points there.
    Raises: RegistryError: it is neither, or of Docker's first schema.
    """
    found = parsed(content, where)
    own = _text(found, "mediaType", where)
    kind = media_type.partition(";")[0].strip()
    if found.get("schemaVersion") == 1:
        raise bad(where, "it is a manifest of Docker's schema 1, which containerd refuses too")
    if kind not in {*INDEXES, *MANIFESTS}:
        # What the document says of itself does not mend it.
        # Source: containerd/containerd:core/remotes/docker/resolver.go, getManifestMediaType
        said = printable(kind, limit=100) or "no media type"
        raise bad(where, f"{said} is neither an index nor a manifest; containerd refuses it too")
    others = (*MANIFESTS, "config", "layers") if kind in INDEXES else (*INDEXES, "manifests")
    if own in others or any(name in found for name in others):
        # Source: containerd/containerd:core/images/image.go, validateMediaType
        text = f"sent as {kind}, it is neither an index nor a manifest, or both"
        raise bad(where, f"{text}; containerd refuses it too")
    if kind in INDEXES:
        entries = _list(found.get("manifests"), where)
        return Document(
            kind="index", digest=digest, entries=tuple(_descriptor(row, where) for row in entries)
        )
    layers = _list(found.get("layers"), where)
    return Document(
        kind="manifest",
        digest=digest,
        config=_descriptor(found.get("config"), where),
        foreign=tuple(url for layer in layers for url in _urls(layer)),
    )


def config(content: bytes, where: str) -> Platform:
    """Read for what an image is from its config.

    Raises: RegistryError: it is no config.
    """
    return _platform(parsed(content, where), where)


def parsed(content: bytes, where: str) -> Mapping[str, Any]:
    """Read a JSON object.

    Raises: RegistryError: it is none.
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise bad(where, "it is no JSON object")
    return found


def digest_of(content: bytes, like: str = "sha256:") -> str:
    """Give the digest of bytes, by the algorithm of another one."""
    name = "sha512" if like.startswith("sha512:") else "sha256"
    return f"{name}:{hashlib.new(name, content).hexdigest()}"


def bad(where: str, why: str) -> RegistryError:
    """Give the error for an answer that no registry should send."""
    return RegistryError(f"{where}: {why}", id="registry.bad-reply")


def _descriptor(row: object, where: str) -> Descriptor:
    digest = row.get("digest") if isinstance(row, dict) else None
    if not isinstance(row, dict) or not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise bad(where, "it points to something without a digest")
    platform = row.get("platform")
    return Descriptor(
        media_type=_text(row, "mediaType", where),
        digest=digest,
        platform=None if platform is None else _platform(platform, where),
    )


def _platform(row: object, where: str) -> Platform:
    if not isinstance(row, dict):
        raise bad(where, "a platform is no object")
    features = row.get("os.features") or []
    if not isinstance(features, list) or not all(isinstance(name, str) for name in features):
        raise bad(where, "os.features is no list of texts")
    arch = _text(row, "architecture", where).lower()
    return Platform(
        os=_text(row, "os", where).lower(),
        arch=SAME_ARCH.get(arch, arch),
        variant=_text(row, "variant", where),
        os_version=_text(row, "os.version", where),
        features=tuple(features),
    )


def _text(row: Mapping[str, Any], name: str, where: str) -> str:
    value = row.get(name) or ""
    if not isinstance(value, str):
        raise bad(where, f"{name} is no text")
    return value


def _list(value: object, where: str) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) > LIMIT_ENTRIES:
        raise bad(where, f"it has no list of at most {LIMIT_ENTRIES} entries")
    return value


def _urls(layer: object) -> tuple[str, ...]:
    urls = layer.get("urls") if isinstance(layer, dict) else None
    return tuple(url for url in urls if isinstance(url, str)) if isinstance(urls, list) else ()
