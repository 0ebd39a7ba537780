"""The connections of one WinRM listener: a thread for each, with the logon that belongs to it."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from wincnode.lab import wsman
from wincnode.lab.auth import Channel, Conversation, RefusedError, Rules
from wincnode.lab.faults import Faults
from wincnode.lab.refusals import Refusal
from wincnode.lab.sealing import SOAP, UnsealError
from wincnode.lab.shaping import Shape, filled, shaped, small_buffers
from wincnode.lab.shells import MAX_ENVELOPE_KB, Shells


class Service(Protocol):
    """What a listener serves."""

    faults: Faults
    requests: list[str]
    shells: Shells
    rules: Rules
    encrypted: bool
    allow_unencrypted: bool

    def count(self, *, requests: int = 0, received: int = 0, sent: int = 0) -> None:
        """Add to the counters of HTTP requests and of the bytes of bodies."""

    def enter(self, name: str) -> int:
        """Record an operation; gives its number, from 1."""
        ...

    def leave(self, number: int) -> None:
        """Take note that an operation's reply has left."""

    def channel(self, connection: socket.socket) -> Channel:
        """Say what TLS says of a connection."""
        ...

    def reached(self, client: str) -> bool:
        """Tell whether a client reaches it at this moment."""
        ...


def shape_of(faults: Faults) -> Shape:
    """Give what the network does to a connection."""
    return Shape(
        latency_s=faults.latency_s,
        bytes_per_s=faults.bytes_per_s,
        loss=faults.loss,
        idle_cut_s=faults.idle_cut_s,
    )


class Listener(ThreadingHTTPServer):
    """Accepts connections on loopback.

    Args:
        context: the TLS of an https listener. closed: hold the port without listening.
        unanswered: listen, but let the packets of those who connect go unanswered.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        service: Service,
        context: ssl.SSLContext | None,
        *,
        closed: bool,
        unanswered: bool = False,
    ) -> None:
        self.service = service
        self._context = context
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        self._fillers: list[socket.socket] = []
        self._ended = threading.Event()
        active = not (closed or unanswered)
        super().__init__(address, _Handler, bind_and_activate=active)
        if not active:
            self.server_bind()
        if service.faults.bytes_per_s:
            small_buffers(self.socket)
        if unanswered:
            self._fillers = filled(self.socket)

    def server_close(self) -> None:
        """Give the port back."""
        for filler in self._fillers:
            filler.close()
        super().server_close()

    def serve(self) -> None:
        """Accept connections until the end; hundreds of listeners that wait cost nothing."""
        while not self._ended.is_set():
            try:
                connection, address = self.get_request()
            except OSError:
                continue  # it broke before it was taken
            if self._ended.is_set():
                connection.close()
            else:
                self.process_request(connection, address)

    def end(self) -> None:
        """Accept no further connection; one of our own wakes whoever waits for one."""
        self._ended.set()
        host, port = str(self.server_address[0]), int(self.server_address[1])
        with suppress(OSError), socket.create_connection((host, port), timeout=5):
            pass

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection; runs in its own thread, so that a slow TLS start stops no other."""
        try:
            if not self.service.reached(client_address[0]):
                return  # closed at once: what is lost here would only make clients wait
            if self.service.faults.black_hole:
                with self._tracked(request):
                    _swallow(request)
                return
            connection = shaped(request, shape_of(self.service.faults))
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection, self._tracked(connection):
                _Handler(connection, client_address, self)
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

    @contextmanager
    def _tracked(self, connection: socket.socket) -> Iterator[None]:
        with self._open_lock:
            self._open.add(connection)
        try:
            yield
        finally:
            with self._open_lock:
                self._open.discard(connection)


def _swallow(connection: socket.socket) -> None:
    """Take whatever comes, until the client leaves."""
    while connection.recv(65536):
        pass


class _Handler(BaseHTTPRequestHandler):
    """One connection, with the authentication that belongs to it."""

    protocol_version = "HTTP/1.1"
    server: Listener

    def setup(self) -> None:
        """Begin a connection that has proved nothing."""
        super().setup()
        # Head and body leave in two writes; without this each reply waits 40 ms for an ACK. The end
        # of a link that is not sound is no TCP socket.
        if self.connection.family == socket.AF_INET:
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.node = self.server.service
        self.conversation = Conversation(self.node.rules, self.node.channel(self.connection))

    def version_string(self) -> str:
        """Name the server as Windows does."""
        return "Microsoft-HTTPAPI/2.0"

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: the counters tell what happened."""

    def do_POST(self) -> None:
        """Answer one request."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.node.reached(self.client_address[0]):
            self._drop()
            return
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
        if self._refuses():
            self.conversation.forget()
            self._respond(401, challenges=self.conversation.offers())
            return
        headers = {"WWW-Authenticate": token} if token else {}
        if body:
            self._opened(body, headers)
        else:
            self._respond(200, headers=headers)

    def _refuses(self) -> bool:
        faults = self.node.faults
        since = faults.refuse_auth_from
        return faults.refuse_auth or (since is not None and len(self.node.requests) >= since)

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
        if len(plain) > (self.node.faults.envelope_kb or MAX_ENVELOPE_KB) * 1024:
            self._respond(413)
            return
        done = self._carried_out(plain)
        if done is None:
            return
        number, status, text = done
        kind = SOAP
        if sealed:
            kind, text = self.conversation.seal(content_type, text)
        self._respond(status, text, {**headers, "Content-Type": kind})
        self.node.leave(number)

    def _carried_out(self, plain: bytes) -> tuple[int, int, bytes] | None:
        """Let the node act; gives the operation's number, status and text of its reply.

        Nothing when the reply is not to be sent from here.
        """
        try:
            request = wsman.parse_request(plain)
            number = self.node.enter(request.name)
            # Who hears of the operation may choose what happens to it.
            faults = self.node.faults
            if faults.garbage:
                page = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
                self._respond(502, page, {"Content-Type": "text/html"})
                return None
            if number in (faults.drop_before, faults.reset_before, faults.refuse_auth_from):
                self._drop(reset=number == faults.reset_before)
                return None
            if faults.shell_gone_at == number:
                self.node.shells.close()
            refusal = faults.refusal
            if refusal is not None and self._is_refused(refusal, request.name):
                reply = wsman.refused(request, refusal)
            else:
                reply = self.node.shells.answer(request)
        except (wsman.MessageError, ValueError):
            self._respond(400)
            return None
        if faults.drop_at_request == number or not self.node.reached(self.client_address[0]):
            self._drop()
            return None
        return number, reply.status, reply.text.encode()

    def _is_refused(self, refusal: Refusal, name: str) -> bool:
        tried = self.node.requests.count(name)
        return name == refusal.operation and (not refusal.times or tried <= refusal.times)

    def _drop(self, *, reset: bool = False) -> None:
        self.close_connection = True
        if reset:
            # Closed with bytes that must not linger, it is reset: socket(7), SO_LINGER.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        with suppress(OSError):  # it may be closed already
            self.connection.shutdown(socket.SHUT_RDWR)

    def _respond(
        self,
        status: int,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        challenges: Sequence[str] = (),
    ) -> None:
        time.sleep(self.node.faults.delay_s)
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
