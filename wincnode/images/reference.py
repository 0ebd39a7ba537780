"""An image's name, as Docker and containerd read it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from wincnode.addresses import IMAGE_DIGEST, IMAGE_HOST, IMAGE_LIMIT, IMAGE_PATH, IMAGE_TAG
from wincnode.errors import ConfigError
from wincnode.events import printable

_REFERENCE = re.compile(
    rf"(?:(?P<host>{IMAGE_HOST})/)?(?P<path>{IMAGE_PATH})"
    rf"(?::(?P<tag>{IMAGE_TAG}))?(?:@(?P<digest>{IMAGE_DIGEST}))?"
)
DEFAULT_HOST = "docker.io"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """Where an image is; the digest wins over the tag."""

    text: str
    host: str
    path: str
    tag: str
    digest: str

    @property
    def wanted(self) -> str:
        """What is asked the registry for."""
        return self.digest or self.tag


def _is_host(text: str) -> bool:
    """Tell whether a registry's name has a port that there is, and an IPv6 address that is one."""
    try:
        return urlsplit(f"//{text}").port != 0
    except ValueError:
        return False


def parse(text: str) -> Reference:
    """Read a reference; without a registry it is one of Docker Hub, without a tag `latest`.

    Raises: ConfigError: it is none.
    """
    found = _REFERENCE.fullmatch(text) if len(text) <= IMAGE_LIMIT else None
    if found is None or not _is_host(found["host"] or ""):
        raise ConfigError(
            f"{printable(text, limit=200)!r} is no image reference",
            remedy="Give one such as mcr.microsoft.com/windows/nanoserver:ltsc2022.",
        )
    host, path = found["host"] or "", found["path"]
    # The first word is a registry only where it could be no name on Docker Hub.
    # Source: distribution/reference:normalize.go, splitDockerDomain
    if host and not re.search(r"[.:\[A-Z]", host) and host != "localhost":
        host, path = "", f"{host}/{path}"
    if host in {"", "index.docker.io"}:
        host = DEFAULT_HOST
    if host == DEFAULT_HOST and "/" not in path:
        path = f"library/{path}"
    digest = found["digest"] or ""
    tag = found["tag"] or ("" if digest else "latest")
    return Reference(text=text, host=host, path=path, tag=tag, digest=digest)
