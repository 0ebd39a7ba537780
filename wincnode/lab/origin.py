"""The lab's origin: a mirror of every file that the catalogue knows, and a registry of images.

The programs in it are the lab's own: small scripts that ask the model of the machine they lie on.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import ssl
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from wincnode.artifacts.catalogue import Artifact, load_catalogue
from wincnode.lab import registry
from wincnode.lab.cluster import authority
from wincnode.lab.cluster.authority import Authority
from wincnode.lab.windows.programs import script

VERSION = r"(?P<version>[0-9A-Za-z.-]+?)"


def content(row: Artifact, version: str) -> bytes:
    """Give an artifact's file; the same version always has the same bytes."""
    programs = {
        name: script(PurePosixPath(name).stem, version).encode("ascii") for name in row.files
    }
    match row.archive:
        case "tar.gz":
            return _tar(programs)
        case "zip":
            return _zip(programs)
    return next(iter(programs.values()))


def checksum(row: Artifact, version: str) -> bytes:
    """Give the text that is published beside an artifact, in its form."""
    digest = hashlib.sha256(content(row, version)).hexdigest()
    name = PurePosixPath(urlsplit(row.url.format(version=version)).path).name
    match row.checksum:
        case "digest":
            return digest.encode()
        case "names":
            return f"{digest}  {name}\n".encode()
    assets = [{"name": name, "digest": f"sha256:{digest}"}]
    return json.dumps({"tag_name": f"v{version}", "assets": assets}).encode()


@dataclass
class Origin:
    """What runs: its base address, and the paths that were asked for in order.

    Args: replaced: bytes by path that stand in the place of an artifact's.
    """

    url: str
    asked: list[str] = field(default_factory=list)
    replaced: dict[str, bytes] = field(default_factory=dict)
    catalogue: tuple[Artifact, ...] = field(default_factory=load_catalogue)

    def find(self, path: str) -> bytes | None:
        """Give what lies at /HOST/PATH; nothing where no artifact has that address."""
        if path in self.replaced:
            return self.replaced[path]
        for row in self.catalogue:
            if version := _version(row.url, path):
                return content(row, version)
            if version := _version(row.checksum_url.replace("{url}", row.url), path):
                return checksum(row, version)
        return None


@contextmanager
def origin(*, signer: Authority | None = None, folder: Path | None = None) -> Iterator[Origin]:
    """Serve all artifacts on loopback.

    Args: signer: with it over https, by a certificate that it issues, kept in `folder`.
    """
    server = _Server()
    if signer is not None and folder is not None:
        server.socket = _context(signer, folder).wrap_socket(server.socket, server_side=True)
    scheme = "https" if signer is not None else "http"
    server.origin.url = f"{scheme}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.origin
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        self.origin = Origin(url="")
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client may go away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        """Answer without a body."""
        self._answer(urlsplit(self.path).path)

    def do_GET(self) -> None:
        """Answer with a file, or with the part of it that is asked for."""
        self._answer(urlsplit(self.path).path)

    def _answer(self, path: str) -> None:
        if registry.asks_for_login(path):
            self._send(401, b"{}", {"WWW-Authenticate": 'Basic realm="lab"'})
            return
        if path.startswith(registry.BASE):
            held = registry.find(path)
            told = {"Content-Type": held.kind, "Docker-Content-Digest": held.digest} if held else {}
            self._send(200 if held else 404, held.content if held else b"{}", told)
            return
        self.server.origin.asked.append(path)
        found = self.server.origin.find(path)
        if found is None:
            self._send(404, b"", {})
            return
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if span is None:
            self._send(200, found, {"Accept-Ranges": "bytes"})
            return
        start, end = int(span[1]), min(int(span[2] or len(found)), len(found) - 1)
        if start >= len(found):
            self._send(416, b"", {"Content-Range": f"bytes */{len(found)}"})
            return
        told = {"Content-Range": f"bytes {start}-{end}/{len(found)}"}
        self._send(206, found[start : end + 1], told)

    def _send(self, code: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(code)
        for name, value in {"Content-Type": "application/octet-stream", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _context(signer: Authority, folder: Path) -> ssl.SSLContext:
    key, key_pem = authority.new_key()
    subject, names = authority.named("origin"), authority.loopback()
    pem = signer.issue(subject, key.public_key(), usage=authority.SERVER, names=names)
    file = folder / "origin.pem"
    file.touch(mode=0o600)
    file.write_text(key_pem + pem, encoding="ascii")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def _version(url: str, path: str) -> str:
    """Give the version that makes a catalogue's URL the one at a mirror's path, if one does."""
    parts = urlsplit(url)
    first, *others = re.escape(f"/{parts.netloc}{parts.path}").split(re.escape("{version}"))
    if not others:
        return ""
    found = re.fullmatch(first + VERSION + "(?P=version)".join(others), path)
    return found["version"] if found else ""


def _tar(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, data in files.items():
            row = tarfile.TarInfo(name)
            row.size, row.mode = len(data), 0o755
            tar.addfile(row, io.BytesIO(data))
    return gzip.compress(packed.getvalue(), mtime=0)


def _zip(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            row = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            row.external_attr = 0o755 << 16
            archive.writestr(row, data)
    return packed.getvalue()
