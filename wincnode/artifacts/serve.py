"""A web server of one run on the workstation, for nodes that reach it but not the internet.

It gives the files that it was told of and nothing else, at addresses that cannot be guessed; what
a node gets is held to its SHA-256 there, so that http is enough.
"""

from __future__ import annotations

import re
import secrets
import shutil
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from wincnode.errors import ConfigError

# Who says nothing for so long is gone.
SILENT_S = 60
PIECE_BYTES = 256 * 1024
# Any port does: nothing is sent to where a UDP socket is connected.
DISCARD = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """Where each artifact is found while the server runs."""

    urls: Mapping[str, str]


def own_address(towards: str) -> str:
    """Give the address of this host that another one sees it by; nothing is sent.

    Raises: ConfigError: there is no way to that host.
    """
    try:
        family, _, _, _, target = socket.getaddrinfo(towards, DISCARD, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(target)
            address: str = probe.getsockname()[0]
    except OSError as error:
        raise ConfigError(f"{towards}: this host finds no way there: {error}") from error
    return address


@contextmanager
def serving(files: Mapping[str, Path], *, address: str, port: int = 0) -> Iterator[Served]:
    """Serve files by their artifact until the context ends.

    Args: address: the one that nodes reach this host by. port: 0 for a free one.
    Raises: ConfigError: the address or port cannot be had.
    """
    token = secrets.token_urlsafe(24)
    paths = {f"/{token}/{quote(name)}/{quote(file.name)}": file for name, file in files.items()}
    try:
        server = _Server((address, port), paths)
    except OSError as error:
        text = f"{address}:{port}: cannot serve files there: {error.strerror}"
        raise ConfigError(text) from error
    host = f"[{address}]" if ":" in address else address
    base = f"http://{host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield Served(urls=dict(zip(files, (base + path for path in paths), strict=True)))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A download that hangs does not keep the run from its end.
    block_on_close = False

    def __init__(self, at: tuple[str, int], files: Mapping[str, Path]) -> None:
        self.files = files
        self.address_family = socket.AF_INET6 if ":" in at[0] else socket.AF_INET
        super().__init__(at, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = SILENT_S
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent: the nodes tell how their downloads go."""

    def version_string(self) -> str:
        """Name no versions."""
        return "wincnode"

    def do_GET(self) -> None:
        """Give a file, or its rest."""
        file = self.server.files.get(self.path)
        if file is None:
            self._head(HTTPStatus.NOT_FOUND, 0)
            return
        try:
            with file.open("rb") as content:
                self._give(content, file.stat().st_size)
        except OSError:  # the node broke off, or the file has gone
            self.close_connection = True

    def _give(self, content: BinaryIO, size: int) -> None:
        start = _start(self.headers.get("Range", ""))
        if start >= size:
            self._head(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, 0, f"bytes */{size}")
            return
        if start:
            span = f"bytes {start}-{size - 1}/{size}"
            self._head(HTTPStatus.PARTIAL_CONTENT, size - start, span)
        else:
            self._head(HTTPStatus.OK, size)
        content.seek(start)
        shutil.copyfileobj(content, self.wfile, PIECE_BYTES)

    def _head(self, status: HTTPStatus, length: int, span: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("Accept-Ranges", "bytes")
        if span:
            self.send_header("Content-Range", span)
        self.end_headers()


def _start(span: str) -> int:
    """Give the first byte that a Range header asks for; what else it may hold gets all.

    Source: RFC 9110 14.2, a server may ignore a Range.
    """
    found = re.fullmatch(r"bytes=([0-9]{1,15})-", span)
    return int(found[1]) if found else 0
