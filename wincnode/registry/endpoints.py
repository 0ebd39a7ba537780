"""Where a registry answers: its mirrors in their order, then itself, as containerd asks them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from wincnode.images.reference import DEFAULT_HOST, Reference
from wincnode.inventory.model import Registry

# Source: containerd/containerd:core/remotes/docker/registry.go, DefaultHost
HUB = "registry-1.docker.io"
ALL_OTHERS = "_default"


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """One place to ask.

    Args:
        host: as credentials name it. namespace: the registry that another host is asked about.
        verify: False for any certificate, a path of authorities, or True for the usual ones.
    """

    base: str
    host: str
    namespace: str = ""
    verify: bool | str = True

    def url(self, reference: Reference, *words: str) -> str:
        """Give an address below the image's path."""
        path = "/".join(quote(word, safe=":") for word in words)
        asked = f"?ns={quote(self.namespace, safe=':')}" if self.namespace else ""
        return f"{self.base}/{reference.path}/{path}{asked}"


def endpoints(
    reference: Reference,
    *,
    registries: Mapping[str, Registry],
    plain_http: Collection[str] = (),
) -> tuple[Endpoint, ...]:
    """Give where to ask for an image, in this order.

    Args: plain_http: hosts that are asked over http.
    """
    host = reference.host
    row = registries.get(host) or registries.get(ALL_OTHERS) or Registry(host=host)
    mirrors = tuple(_endpoint(url, row, reference) for url in row.mirrors)
    # The server of _default would be one registry in the place of every other.
    if row.server and row.host == host:
        return (*mirrors, _endpoint(row.server, row, reference))
    scheme = "http" if host in plain_http else "https"
    name = HUB if host == DEFAULT_HOST else host
    return (*mirrors, _endpoint(f"{scheme}://{name}", row, reference))


def _endpoint(url: str, row: Registry, reference: Reference) -> Endpoint:
    parts = urlsplit(url.rstrip("/"))
    # containerd appends /v2 to any other path. Source: wincnode/worker/registries.py
    below = parts.path if f"{parts.path}/".startswith("/v2/") else f"{parts.path}/v2"
    own = parts.netloc in {reference.host, HUB if reference.host == DEFAULT_HOST else ""}
    return Endpoint(
        base=f"{parts.scheme}://{parts.netloc}{below}",
        host=reference.host if own else parts.netloc,
        namespace="" if own else reference.host,
        verify=not row.skip_verify and (row.ca_file or True),
    )
