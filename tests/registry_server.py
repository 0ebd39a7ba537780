"""A real image registry on loopback that can ask for credentials and break as registries do."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
BASIC = "Basic " + base64.b64encode(b"robot:hunter2").decode()


def digest_of(content: bytes) -> str:
    """Give a SHA-256 as registries write it."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def config(os_version: str = "", *, os: str = "windows", arch: str = "amd64") -> bytes:
    """Make an image's config."""
    said = {"os.version": os_version} if os_version else {}
    rootfs = {"type": "layers", "diff_ids": []}
    return json.dumps({"os": os, "architecture": arch, **said, "rootfs": rootfs}).encode()


def manifest(of: bytes, *, docker: bool = False, layers: tuple[Any, ...] = ()) -> bytes:
    """Make the manifest of a config."""
    kind = DOCKER_CONFIG if docker else OCI_CONFIG
    descriptor = {"mediaType": kind, "digest": digest_of(of), "size": len(of)}
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST if docker else OCI_MANIFEST,
            "config": descriptor,
            "layers": list(layers),
        }
    ).encode()


@dataclass
class Registry:
    """What is held, who is let in, how it breaks, and what was asked.

    Args:
        auth: "", "basic" or "token"; `robot` has the password hunter2 and the refresh token 0815.
        realm: where tokens are given; its own /token by default.
        statuses: for each path, what its first requests are answered with.
        redirects: for each path, where it sends to. answers: for each path, another body.
    """

    base: str = ""
    auth: str = ""
    realm: str = ""
    anonymous: bool = False
    retry_after: str = ""
    held: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    statuses: dict[str, list[int]] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    @property
    def host(self) -> str:
        """What images name it."""
        return urlsplit(self.base).netloc

    def blob(self, name: str, content: bytes) -> str:
        """Hold a blob."""
        digest = digest_of(content)
        self.held[f"/v2/{name}/blobs/{digest}"] = ("application/octet-stream", content)
        return digest

    def hold(self, name: str, content: bytes, tag: str = "", kind: str = "") -> str:
        """Hold a manifest or an index, by its digest and a tag."""
        digest = digest_of(content)
        kind = kind or json.loads(content)["mediaType"]
        for word in filter(None, (digest, tag)):
            self.held[f"/v2/{name}/manifests/{word}"] = (kind, content)
        return digest

    def image(self, name: str, os_version: str, *, tag: str = "", docker: bool = False) -> str:
        """Hold a whole image of a Windows version."""
        made = config(os_version)
        self.blob(name, made)
        return self.hold(name, manifest(made, docker=docker), tag)

    def index(
        self, name: str, tag: str, *versions: str | dict[str, Any], docker: bool = False
    ) -> str:
        """Hold an index of Windows versions; a mapping is an entry as it is."""
        rows = []
        for row in versions:
            if isinstance(row, str):
                platform = {"os": "windows", "architecture": "amd64", "os.version": row}
                digest = self.image(name, row, docker=docker)
                kind = DOCKER_MANIFEST if docker else OCI_MANIFEST
                rows.append({"mediaType": kind, "digest": digest, "size": 1, "platform": platform})
            else:
                rows.append(row)
        kind = DOCKER_INDEX if docker else OCI_INDEX
        made = {"schemaVersion": 2, "mediaType": kind, "manifests": rows}
        return self.hold(name, json.dumps(made).encode(), tag)

    def paths(self) -> list[str]:
        """Give what was asked for."""
        return [path for path, _ in self.seen]


class Handler(BaseHTTPRequestHandler):
    """Answers as the registry says."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    registry: Registry

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Give a token for a refresh token."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.registry.seen.append((self.path, dict(self.headers.items())))
        form = parse_qs(body)
        good = form.get("refresh_token") == ["0815"] and form["grant_type"] == ["refresh_token"]
        self._send(200 if good else 401, json.dumps({"access_token": "let-me-in"}).encode())

    def do_GET(self) -> None:
        """Answer one request."""
        registry, path = self.registry, urlsplit(self.path).path
        registry.seen.append((self.path, dict(self.headers.items())))
        if registry.statuses.get(path):
            error = {"errors": [{"code": "BROKEN", "message": "on \x1b[31mpurpose"}]}
            extra = {"Retry-After": registry.retry_after} if registry.retry_after else {}
            self._send(registry.statuses[path].pop(0), json.dumps(error).encode(), **extra)
        elif path == "/token":
            known = self.headers.get("Authorization") == BASIC
            self._send(200 if known or registry.anonymous else 401, b'{"token": "let-me-in"}')
        elif not self._let_in():
            self._challenge()
        elif path in registry.redirects:
            # The length is a lie: whoever wants all of the body waits for it.
            self._send(307, b"", Location=registry.redirects[path], length=10**9)
        elif path in registry.held:
            kind, content = registry.held[path]
            self._send(
                200,
                content,
                **{"Content-Type": kind, "Docker-Content-Digest": digest_of(content)},
            )
        else:
            error = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}
            self._send(404, json.dumps(error).encode())

    def _let_in(self) -> bool:
        shown = self.headers.get("Authorization")
        return {"": True, "basic": shown == BASIC, "token": shown == "Bearer let-me-in"}[
            self.registry.auth
        ]

    def _challenge(self) -> None:
        realm = self.registry.realm or f"{self.registry.base}/token"
        asks = {
            "basic": 'Basic realm="registry, of ours"',
            "token": f'Bearer realm="{realm}",service="ours",scope="repository:app:pull"',
        }[self.registry.auth]
        self._send(401, b"{}", **{"WWW-Authenticate": asks})

    def _send(self, status: int, content: bytes, length: int = 0, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, **self.registry.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length or len(content)))
        self.end_headers()
        # A client that has seen enough breaks off.
        with contextlib.suppress(OSError):
            self.wfile.write(content)


@contextlib.contextmanager
def serving(pem: Path | None = None) -> Iterator[Registry]:
    """Serve an empty registry on a free port of loopback; over TLS with a PEM file."""
    registry = Registry()
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), type("Bound", (Handler,), {"registry": registry})
    )
    if pem:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # clients may break off
    registry.base = f"{'https' if pem else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
