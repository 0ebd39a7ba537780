"""A WS-Management server on loopback: HTTP, authentication and the faults that a test asks for."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from wincnode.lab import wsman
from wincnode.lab.auth import SOAP, Conversation, RefusedError, UnsealError
from wincnode.lab.engine import Engine
from wincnode.lab.shells import MAX_ENVELOPE_KB, Shells


@dataclass(frozen=True, kw_only=True, slots=True)
class Faults:
    """What goes wrong; k counts operations from 1, in the order of `WsmanServer.requests`."""

    drop_before: int | None = None
    """Close the connection instead of carrying operation k out."""
    drop_at_request: int | None = None
    """Carry operation k out, then close the connection instead of replying."""
    delay_s: float = 0.0
    """Wait before each reply."""
    garbage: bool = False
    """Answer each operation with a proxy's HTML page and HTTP 502."""
    refuse_auth: bool = False
    """Answer 401 to every credential, at the end of the handshake."""


class WsmanServer:
    """One simulated node's WinRM service.

    Args: auth: of basic and ntlm; Basic over http needs allow_unencrypted, as on Windows.
    tls: PEM files of the certificate and its key.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        users: Mapping[str, str] | None = None,
        auth: Sequence[str] = ("basic", "ntlm"),
        tls: tuple[Path | str, Path | str] | None = None,
        allow_unencrypted: bool = False,
        faults: Faults | None = None,
        port: int = 0,
    ) -> None:
        self.users = {"Administrator": "password"} if users is None else dict(users)
        self.faults = faults or Faults()
        self.shells = Shells(engine)
        self.requests: list[str] = []
        self.http_requests = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.allow_unencrypted = allow_unencrypted
        self._count_lock = threading.Lock()
        context = None
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
        self.encrypted = context is not None
        safe = self.encrypted or allow_unencrypted
        self.auth = tuple(scheme for scheme in auth if scheme != "basic" or safe)
        self._http = _Listener(("127.0.0.1", port), self, context)
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """Where a client connects to."""
        return f"{'https' if self.encrypted else 'http'}://127.0.0.1:{self.port}/wsman"

    def start(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End every command, close every connection and stop listening."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self.shells.close()
        self._http.close_connections()
        self._http.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def count(self, *, requests: int = 0, received: int = 0, sent: int = 0) -> None:
        """Add HTTP requests and the bytes of bodies to the counters."""
        with self._count_lock:
            self.http_requests += requests
            self.bytes_in += received
            self.bytes_out += sent

    def enter(self, name: str) -> int:
        """Record an operation; gives its number, from 1."""
        with self._count_lock:
            self.requests.append(name)
            return len(self.requests)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], owner: WsmanServer, context: ssl.SSLContext | None
    ) -> None:
        self.owner = owner
        self._context = context
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection; runs in its own thread, so that a slow TLS start stops no other."""
        try:
            connection = request
            if self._context is not None:
                connection = self._context.wrap_socket(request, server_side=True)
            with connection:
                with self._open_lock:
                    self._open.add(connection)
                try:
                    _Handler(connection, client_address, self)
                finally:
                    with self._open_lock:
                        self._open.discard(connection)
        except OSError:
            return  # the client went away, which is its right

    def close_connections(self) -> None:
        """Wake the threads that wait for a next request."""
        with self._open_lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # it was closed already


class _Handler(BaseHTTPRequestHandler):
    """One connection, with the authentication that belongs to it."""

    protocol_version = "HTTP/1.1"
    # Head and body leave in two writes; without this each reply waits 40 ms for an ACK.
    disable_nagle_algorithm = True
    server: _Listener

    def setup(self) -> None:
        """Begin a connection that has proved nothing."""
        super().setup()
        self.node = self.server.owner
        self.conversation = Conversation(self.node.users, self.node.auth)

    def version_string(self) -> str:
        """Name the server as Windows does."""
        return "Microsoft-HTTPAPI/2.0"

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: the counters tell what happened."""

    def do_POST(self) -> None:
        """Answer one request."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.node.count(requests=1, received=len(body))
        if self.path.partition("?")[0].rstrip("/") != "/wsman":
            self._respond(404)
        elif self.headers.get("WSMANIDENTIFY", "").lower() == "unauthenticated":
            # Nobody has proved anything yet, so the product version stays hidden:
            # MicrosoftDocs/win32 desktop-src/WinRM/
            # detecting-whether-a-remote-computer-supports-ws-management-protocol.md
            reply = wsman.identified("OS: 0.0.0 SP: 0.0 Stack: 3.0")
            self._respond(200, reply.text.encode(), {"Content-Type": SOAP})
        else:
            self._authenticated(body)

    def _authenticated(self, body: bytes) -> None:
        try:
            token = self.conversation.authenticate(
                self.headers.get("Authorization"), blank=not body
            )
        except RefusedError as refusal:
            self._respond(401, challenges=refusal.challenges)
            return
        if self.node.faults.refuse_auth:
            self.conversation.forget()
            self._respond(401, challenges=self.conversation.offers())
            return
        headers = {"WWW-Authenticate": token} if token else {}
        if body:
            self._opened(body, headers)
        else:
            self._respond(200, headers=headers)

    def _opened(self, body: bytes, headers: dict[str, str]) -> None:
        """Unseal, carry out, seal: a reply is sealed exactly when its request was."""
        content_type = self.headers.get("Content-Type", "")
        sealed = content_type.startswith("multipart/")
        if not (sealed or self.node.encrypted or self.node.allow_unencrypted):
            # What a real service does with AllowUnencrypted=false: diyan/pywinrm#129.
            self._respond(500, headers=headers)
            return
        try:
            plain = self.conversation.unseal(content_type, body) if sealed else body
        except UnsealError:
            # The keys' state has advanced wrongly, so nothing later on this connection opens.
            self.close_connection = True
            self._respond(400)
            return
        if len(plain) > MAX_ENVELOPE_KB * 1024:
            self._respond(413)
            return
        reply = self._carried_out(plain)
        if reply is None:
            return
        status, text = reply
        kind = SOAP
        if sealed:
            kind, text = self.conversation.seal(content_type, text)
        self._respond(status, text, {**headers, "Content-Type": kind})

    def _carried_out(self, plain: bytes) -> tuple[int, bytes] | None:
        """Let the node act; nothing when the reply is not to be sent from here."""
        faults = self.node.faults
        try:
            request = wsman.parse_request(plain)
            number = self.node.enter(request.name)
            if faults.garbage:
                page = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
                self._respond(502, page, {"Content-Type": "text/html"})
                return None
            if faults.drop_before == number:
                self._drop()
                return None
            reply = self.node.shells.answer(request)
        except (wsman.MessageError, ValueError):
            self._respond(400)
            return None
        time.sleep(faults.delay_s)
        if faults.drop_at_request == number:
            self._drop()
            return None
        return reply.status, reply.text.encode()

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _respond(
        self,
        status: int,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        challenges: Sequence[str] = (),
    ) -> None:
        self.send_response(status)
        for line in challenges:
            self.send_header("WWW-Authenticate", line)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.node.count(sent=len(body))
        self.wfile.write(body)
