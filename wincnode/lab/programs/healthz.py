"""Where a kubelet tells its health: on the loopback that the lab's nodes share with the host.

They share its port, too: whichever node gets a request answers it, so that no node's health ends
with another's. Where something else has the port, a node gets a free one, and `machine.loopback`
tells which, so that what knows the machine finds it.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from wincnode.lab.windows.machine import Machine


class Healthz:
    """A server that says ok."""

    def __init__(self, machine: Machine, address: str, port: int) -> None:
        self._machine = machine
        self._address = address
        self._port = port
        self._server: ThreadingHTTPServer | None = None
        self._lock = threading.Lock()
        self._over = False

    def start(self) -> None:
        """Begin to answer; a port of 0 turns it off, as it does in a kubelet."""
        with self._lock:
            if self._over or not self._port:
                return
            try:
                server = _Server((self._address, self._port), _Handler)
            except OSError:
                server = _Server((self._address, 0), _Handler)
            self._server = server
            self._machine.loopback[self._port] = server.server_address[1]
            threading.Thread(
                target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
            ).start()

    def stop(self) -> None:
        """Answer no more."""
        with self._lock:
            self._over = True
            server, self._server = self._server, None
        if server is not None:
            self._machine.loopback.pop(self._port, None)
            server.shutdown()
            server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    allow_reuse_port = True


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer /healthz."""
        is_there = self.path in {"/healthz", "/healthz/ping", "/healthz/syncloop"}
        body = b"ok" if is_there else b"404 page not found\n"
        self.send_response(200 if is_there else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
