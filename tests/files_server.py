"""A real web server of files on loopback that can break in the ways that servers break."""

from __future__ import annotations

import contextlib
import re
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Files:
    """What is served, how it breaks, and what was asked and sent.

    Args:
        cuts: for each path, after how many bytes of its answers the connection is cut.
        statuses: for each path, what its first requests are answered with.
        says_size: whether answers tell their length. trickle_s: seconds before each byte.
        shift: how far from the bytes asked for the bytes sent start.
    """

    contents: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    cuts: dict[str, list[int]] = field(default_factory=dict)
    statuses: dict[str, list[int]] = field(default_factory=dict)
    ranges: bool = True
    says_size: bool = True
    shift: int = 0
    trickle_s: float = 0.0
    sent: dict[str, int] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    base: str = ""

    def url(self, path: str) -> str:
        """Give the address of a file."""
        return self.base + path

    def spans(self, path: str) -> list[str]:
        """Give the Range header of each request for a file; empty where none was sent."""
        return [headers.get("Range", "") for asked, headers in self.seen if asked == path]


class Handler(BaseHTTPRequestHandler):
    """Answers GET as the server's files say."""

    protocol_version = "HTTP/1.1"
    files: Files

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer one request."""
        files = self.files
        files.seen.append((self.path, dict(self.headers.items())))
        content = files.contents.get(self.path)
        if files.statuses.get(self.path):
            self._head(files.statuses[self.path].pop(0), 0)
        elif self.path in files.redirects:
            self._head(302, 0, Location=files.redirects[self.path])
        elif content is None:
            self._head(404, 0)
        else:
            self._send(content)

    def do_HEAD(self) -> None:
        """Answer one request without its content."""
        self.files.seen.append((self.path, dict(self.headers.items())))
        planned = self.files.statuses.get(self.path)
        self._head(
            planned.pop(0) if planned else 200 if self.path in self.files.contents else 404, 0
        )

    def _head(self, status: int, length: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if self.files.says_size:
            self.send_header("Content-Length", str(length))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()

    def _send(self, content: bytes) -> None:
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if span and self.files.ranges:
            start, last = int(span[1]) + self.files.shift, int(span[2] or len(content) - 1)
            if start >= len(content):
                self._head(416, 0)
                return
            part = content[start : last + 1]
            span_text = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
            self._head(206, len(part), Content_Range=span_text)
        else:
            part = content
            self._head(200, len(part))
        cuts = self.files.cuts.get(self.path)
        limit = cuts.pop(0) if cuts else len(part)
        self._body(part[:limit])
        if limit < len(part):
            self.close_connection = True

    def _body(self, part: bytes) -> None:
        step = 1 if self.files.trickle_s else 65536
        for start in range(0, len(part), step):
            time.sleep(self.files.trickle_s)
            piece = part[start : start + step]
            # Counted before it is sent, so that a client that has it finds it counted.
            self.files.sent[self.path] = self.files.sent.get(self.path, 0) + len(piece)
            try:
                self.wfile.write(piece)
            except OSError:  # the client has gone
                self.close_connection = True
                return


@contextlib.contextmanager
def serving(pem: Path | None = None) -> Iterator[Files]:
    """Serve files on a free port of loopback; over TLS with the certificate of a PEM file."""
    files = Files()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"files": files}))
    if pem:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # clients may break off
    files.base = f"{'https' if pem else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield files
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
