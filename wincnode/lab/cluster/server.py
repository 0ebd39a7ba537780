"""The API server: HTTPS on loopback, each request authenticated, recorded, authorized, answered."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from wincnode.lab.cluster import discovery, operations, resources, reviews, status, watching
from wincnode.lab.cluster.requests import Raw, Request, understood
from wincnode.lab.cluster.resources import BUILT_IN, CALICO, REVIEWS, Resource
from wincnode.lab.cluster.rights import may, refusal
from wincnode.lab.cluster.status import ApiError, Json
from wincnode.lab.cluster.store import Store
from wincnode.lab.cluster.tables import WANTED, table
from wincnode.lab.cluster.users import ANONYMOUS, User, identify

CRDS = "customresourcedefinitions.apiextensions.k8s.io"


class Audited(NamedTuple):
    """One request: on what path resources stand as `pods/eviction`, other paths as they are."""

    user: str
    verb: str
    resource: str
    name: str
    dry: bool


class ApiServer(ThreadingHTTPServer):
    """Serves a store.

    Args: context: its TLS, which asks for client certificates. kubernetes: the version it tells.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, store: Store, context: ssl.SSLContext, kubernetes: str) -> None:
        self.store = store
        self.kubernetes = kubernetes
        self.audit: list[Audited] = []
        self.tokens: dict[str, User] = {}
        self.outage = False
        self.anonymous = True
        self.ended = False
        self._context = context
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_address[1]}"

    def served(self) -> tuple[Resource, ...]:
        """Give the resources that there are."""
        custom = [row for crd in self.store.rows(CRDS) for row in resources.defined_by(crd)]
        names = {row.name for row in custom}
        return (*BUILT_IN, *(r for r in CALICO if r.name not in names), *REVIEWS, *custom)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection, whose TLS starts in its own thread."""
        if self.outage:
            return
        try:
            with self._context.wrap_socket(request, server_side=True) as link, self._kept(link):
                _Handler(link, client_address, self)
        except OSError:
            return  # the client went away, or does not like the certificate

    def close_connections(self) -> None:
        """End every connection, watches included."""
        with self._open_lock:
            for link in self._open:
                with contextlib.suppress(OSError):
                    link.shutdown(socket.SHUT_RDWR)
        self.store.wake()

    @contextlib.contextmanager
    def _kept(self, link: socket.socket) -> Iterator[None]:
        with self._open_lock:
            self._open.add(link)
        try:
            yield
        finally:
            with self._open_lock:
                self._open.discard(link)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: ApiServer

    def log_message(self, *_: object) -> None:
        """Say nothing: the audit is what is kept."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Tell the time of the cluster's clock, which tests move on."""
        return super().date_time_string(
            self.server.store.now().timestamp() if timestamp is None else timestamp
        )

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(length)
        if self.server.outage:
            self.close_connection = True
            return
        raw = Raw(method=self.command, target=self.path, headers=headers, body=body)
        try:
            self._answer(raw)
        except ApiError as error:
            self._send(error.code, error.body())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - names of the base class

    def _answer(self, raw: Raw) -> None:
        server = self.server
        user = self._user(raw)
        served = server.served()
        request = understood(raw, user, served)
        action = request.action
        server.audit.append(
            Audited(
                user=user.name,
                verb=request.verb,
                resource=action.full or request.path,
                name=request.name or _name_in(request),
                dry=request.dry,
            )
        )
        if not may(server.store, user, action):
            why = refusal(user, action)
            if request.resource is None:
                raise ApiError(403, "Forbidden", f"forbidden: {why}")
            raise status.forbidden(request.resource.where, request.name, why)
        if request.resource is None:
            self._send(
                200, discovery.answer(request.path, served, server.kubernetes, server.address)
            )
        elif request.resource in REVIEWS:
            self._send(201, reviews.answer(server.store, request))
        elif request.verb == "watch":
            self._watch(request, request.resource)
        else:
            code, body = operations.answer(server.store, request, request.resource)
            if WANTED in raw.headers.get("accept", "") and request.verb in {"get", "list"}:
                body = table(body, server.store.now())
            self._send(code, body)

    def _user(self, raw: Raw) -> User:
        link = self.connection
        certificate = (
            link.getpeercert(binary_form=True) if isinstance(link, ssl.SSLSocket) else None
        )
        authorization = raw.headers.get("authorization", "")
        user = identify(self.server.store, self.server.tokens, certificate, authorization)
        if user == ANONYMOUS and not self.server.anonymous:
            raise status.unauthorized()
        return user

    def _send(self, code: int, body: Json | str) -> None:
        is_text = isinstance(body, str)
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/plain" if is_text else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _watch(self, request: Request, resource: Resource) -> None:
        server = self.server

        def goes_on() -> bool:
            return not (server.outage or server.ended)

        rows = watching.events(server.store, request, resource, goes_on)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with contextlib.suppress(OSError):
            for row in rows:
                line = json.dumps(row).encode() + b"\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            if goes_on():
                self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True


def _name_in(request: Request) -> str:
    """Give the name of what is created, which stands in the body alone."""
    if request.verb != "create":
        return ""
    with contextlib.suppress(ApiError):
        return str(request.content().get("metadata", {}).get("name", ""))
    return ""
