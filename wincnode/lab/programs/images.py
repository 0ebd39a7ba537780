"""The images that a lab node's containerd holds: a file under its root, so that they stay."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from pathlib import Path

# The builds that are meant by words of images' tags, from the lifecycle of base images.
# Source: MicrosoftDocs/Virtualization-Documentation:virtualization/windowscontainers/
# deploy-containers/base-image-lifecycle.md
TAGS = {"1809": 17763, "ltsc2019": 17763, "ltsc2022": 20348, "ltsc2025": 26100}
# The builds that images of a version of pause have, by the first version that has them.
# Source: kubernetes/kubernetes:build/pause/CHANGELOG.md
PAUSE = (((0,), (17763, 20348)), ((3, 10, 2), (17763, 20348, 26100)))
# Source: kubernetes/kubernetes:test/images/agnhost/BASEIMAGE@00238edf
AGNHOST = (17763, 20348)
# From this build on, a host runs images of older ones.
# Source: containerd/platforms:platform_windows_compat.go
COMPATIBLE = 20348
# Where containerd keeps what it knows of images, in a form of its own.
FILE = "wincnode-lab-images.json"


class Images:
    """Images by reference, each with its digest."""

    def __init__(self, root: Path) -> None:
        self._file = root / FILE

    def rows(self) -> dict[str, str]:
        """Give the digest of each image."""
        if not self._file.is_file():
            return {}
        rows: dict[str, str] = json.loads(self._file.read_text(encoding="utf-8"))
        return dict(sorted(rows.items()))

    def add(self, reference: str) -> str:
        """Have an image; gives its digest, which is a matter of its reference here."""
        digest = "sha256:" + hashlib.sha256(reference.encode()).hexdigest()
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._write({**self.rows(), reference: digest})
        return digest

    def remove(self, reference: str) -> bool:
        """Forget an image; False where there is none."""
        rows = self.rows()
        there = rows.pop(reference, None) is not None
        if there:
            self._write(rows)
        return there

    def _write(self, rows: dict[str, str]) -> None:
        # In one piece, for whoever reads it meanwhile.
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(rows), encoding="utf-8")
        new.replace(self._file)


def named_in(archive: Path) -> list[str]:
    """Give the references of the images in an archive, of OCI's or Docker's layout.

    Raises: ValueError: it is no such archive.
    Source: opencontainers/image-spec:image-layout.md; containerd/containerd:core/images/archive
    """
    try:
        with tarfile.open(archive) as tar:
            names = set(tar.getnames())
            if "index.json" in names:
                return _of_index(_json(tar, "index.json"))
            if "manifest.json" in names:
                return [
                    normal(tag) for row in _json(tar, "manifest.json") for tag in row["RepoTags"]
                ]
    except (tarfile.TarError, KeyError, TypeError) as error:
        raise ValueError(str(error)) from error
    raise ValueError("unrecognized image format")


def _of_index(index: dict[str, list[dict[str, dict[str, str]]]]) -> list[str]:
    found = []
    for row in index["manifests"]:
        notes = row.get("annotations", {})
        name = notes.get("io.containerd.image.name")
        if name:
            found.append(name)
    return found


def _json(tar: tarfile.TarFile, name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
    file = tar.extractfile(name)
    return json.loads(file.read()) if file else {}


def normal(reference: str) -> str:
    """Give a reference with its registry and tag: distribution/reference:normalize.go."""
    name, _, tag = reference.partition("@")
    host, slash, rest = name.partition("/")
    is_host = slash and ("." in host or ":" in host or host == "localhost")
    if not is_host:
        name = f"docker.io/{name if slash else f'library/{name}'}"
    if tag:
        return f"{name}@{tag}"
    last = (rest if is_host else name).rpartition("/")[2]
    return name if ":" in last else f"{name}:latest"


def builds_of(reference: str) -> tuple[int, ...]:
    """Give the Windows builds that an image is for; none where its name does not tell."""
    name, _, tag = normal(reference).partition("@")[0].rpartition(":")
    if name.endswith("/pause"):
        version = tuple(int(word) for word in re.findall(r"\d+", tag))
        return [builds for first, builds in PAUSE if version >= first][-1]
    if name.endswith("/agnhost"):
        return AGNHOST
    return tuple(TAGS[word] for word in tag.split("-") if word in TAGS)


def has_linux(reference: str) -> bool:
    """Say whether an image has a build for Linux, too, as far as its name tells."""
    name = normal(reference).partition("@")[0].rpartition(":")[0]
    return not builds_of(reference) or name.endswith(("/pause", "/agnhost"))


def is_index(reference: str) -> bool:
    """Say whether an image lists its builds, of which one that fits is fetched."""
    return not normal(reference).endswith("-amd64")


def fits(reference: str, build: int) -> bool:
    """Say whether a host runs an image without a virtual machine."""
    builds = builds_of(reference)
    if not builds or build in builds:
        return True
    return build >= COMPATIBLE and any(COMPATIBLE <= row <= build for row in builds)
