"""How tests read images of a registry on loopback."""

from __future__ import annotations

import json
from pathlib import Path

from registry_server import BASIC, Registry

from wincnode.artifacts.web import Pace
from wincnode.images.offer import Image
from wincnode.images.reference import parse
from wincnode.registry.client import Ways, read
from wincnode.registry.credentials import Logins, load

QUICK = Pace(tries=3, wait_s=0.01, connect_s=2, silent_s=2)
NOBODY = Logins(path=Path("none"), auths={}, helpers={})
AUTH = BASIC.removeprefix("Basic ")


def ways(registry: Registry, logins: Logins = NOBODY, **more: object) -> Ways:
    """Reach a registry of loopback over http."""
    return Ways(logins=logins, plain_http={registry.host}, pace=QUICK, **more)  # type: ignore[arg-type]


def image(registry: Registry, name: str = "app:1", logins: Logins = NOBODY) -> Image:
    """Read an image."""
    return read(parse(f"{registry.host}/{name}"), ways(registry, logins))


def logins(tmp_path: Path, **rows: object) -> Logins:
    """Read a config.json."""
    (tmp_path / "config.json").write_text(json.dumps(rows))
    return load({"DOCKER_CONFIG": str(tmp_path)}, tmp_path)


def versions(found: Image) -> list[str]:
    """Give the versions that an image offers."""
    return [row.real.os_version for row in found.entries]
