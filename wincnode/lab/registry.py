"""The lab's registry: it has every image, for the Windows builds that its name tells, else for all.

Source: opencontainers/distribution-spec:spec.md; opencontainers/image-spec:layer.md
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wincnode.builds import load_builds, supported_builds
from wincnode.lab.programs.images import builds_of

BASE = "/v2/"
OCI = "application/vnd.oci.image"
INDEX, MANIFEST = f"{OCI}.index.v1+json", f"{OCI}.manifest.v1+json"
CONFIG, BLOB = f"{OCI}.config.v1+json", "application/octet-stream"
PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs)/(?P<wanted>[^/]+)")
# Images of these repositories ask for a login, or have a layer that lies elsewhere.
PRIVATE, FOREIGN = "private/", "foreign/"
ELSEWHERE = {
    "mediaType": f"{OCI}.layer.nondistributable.v1.tar+gzip",
    "digest": "sha256:" + "f0" * 32,
    "size": 1,
    "urls": ["https://layers.example/base.tar.gz"],
}
# Images for HostProcess containers do not say a build; their tags end so by custom.
HOST_PROCESS = "hostprocess"
# After the update of 2020-02, and older than the lab's machines.
REVISIONS = {17763: 1457, 20348: 681, 26100: 1742}


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What lies at an address."""

    kind: str
    content: bytes

    @property
    def digest(self) -> str:
        """Give its digest."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"


def find(path: str) -> Held | None:
    """Give what the registry has at a path; None where it has nothing."""
    if path == BASE:
        return Held(kind="application/json", content=b"{}")
    asked = PATH.fullmatch(path)
    if asked is None:
        return None
    name, wanted = asked["name"], asked["wanted"]
    if not wanted.startswith("sha256:"):
        return _index(name, wanted) if asked["kind"] == "manifests" else None
    return next((held for held in _parts() if held.digest == wanted), None)


def asks_for_login(path: str) -> bool:
    """Tell whether only a login opens what lies at a path."""
    asked = PATH.fullmatch(path)
    return asked is not None and asked["name"].startswith(PRIVATE)


def _index(name: str, tag: str) -> Held:
    if tag.endswith(HOST_PROCESS):
        return _manifest(0)
    builds = builds_of(f"registry.lab/{name}:{tag}") or _supported()
    rows = [
        {
            "mediaType": MANIFEST,
            "digest": held.digest,
            "size": len(held.content),
            "platform": _platform(build),
        }
        for build in builds
        for held in (_manifest(build, foreign=name.startswith(FOREIGN)),)
    ]
    return _json(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": rows})


def _parts() -> Iterator[Held]:
    """Give what indexes and manifests point to: the same for every image of a build."""
    for build in (0, *_supported()):
        yield _manifest(build)
        yield _manifest(build, foreign=True)
        yield _config(build)


def _manifest(build: int, *, foreign: bool = False) -> Held:
    config = _config(build)
    row = {"mediaType": CONFIG, "digest": config.digest, "size": len(config.content)}
    layers = [ELSEWHERE] if foreign else []
    body = {"schemaVersion": 2, "mediaType": MANIFEST, "config": row, "layers": layers}
    return _json(MANIFEST, body)


def _config(build: int) -> Held:
    rootfs = {"type": "layers", "diff_ids": []}
    return _json(BLOB, {**_platform(build), "config": {}, "rootfs": rootfs})


def _platform(build: int) -> Mapping[str, str]:
    said = {"os.version": f"10.0.{build}.{REVISIONS.get(build, 1)}"} if build else {}
    return {"architecture": "amd64", "os": "windows", **said}


def _supported() -> tuple[int, ...]:
    return tuple(row.build for row in supported_builds(load_builds()))


def _json(kind: str, value: Mapping[str, object]) -> Held:
    return Held(kind=kind, content=json.dumps(value).encode())
