"""Sealed NTLM over http against an acceptor on loopback that loses connections on purpose."""

from __future__ import annotations

import base64
import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import spnego
from wsman_stub import Stub

from wincnode.errors import BadReply, NotLetIn
from wincnode.transport import ConnectionSettings
from wincnode.transport.shell import WinrmTransport

BOUNDARY = b"--Encrypted Boundary"
SEALED = "application/HTTP-SPNEGO-session-encrypted"


class Acceptor(ThreadingHTTPServer):
    """Counts logons, and answers wrongly as often as it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.stub = Stub()
        self.logons = 0
        self.lost_replies = 0
        self.early_closes = 0
        self.sealing = True


class Handler(BaseHTTPRequestHandler):
    """One connection with its own security context, as in HTTP.sys."""

    protocol_version = "HTTP/1.1"
    server: Acceptor
    context: spnego.ContextProxy | None = None

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send one reply."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        token = self.headers.get("Authorization", "").removeprefix("Negotiate ")
        if token and not self.logged_on(base64.b64decode(token)):
            return
        if self.context is None:
            self.answer(401, WWW_Authenticate="Negotiate")
        elif not body:
            self.answer(200)
        else:
            self.unseal(body)

    def logged_on(self, token: bytes) -> bool:
        """Take one step of the handshake; False when it has answered."""
        if self.context is None or token[8] == 1:
            self.context = spnego.server(protocol="ntlm", hostname="h", service="http")
        try:
            out = self.context.step(token)
        except spnego.exceptions.SpnegoError:
            self.server.logons += 1
            self.context = None
            self.answer(401, WWW_Authenticate="Negotiate")
            return False
        if not self.context.complete:
            challenge = base64.b64encode(out or b"").decode()
            self.answer(401, WWW_Authenticate=f"Negotiate {challenge}")
            return False
        self.server.logons += 1
        return True

    def unseal(self, body: bytes) -> None:
        """Open a message and hand it to the stub; 400 when it was sealed for another connection."""
        assert self.context is not None
        sealed = body.split(b"application/octet-stream\r\n", 1)[1]
        sealed = sealed.removesuffix(BOUNDARY + b"--\r\n")
        try:
            message = self.context.unwrap(sealed[4:]).data.decode()
        except spnego.exceptions.SpnegoError:
            self.close_connection = True
            self.answer(400)
            return
        found = re.search(r"Action[^>]*>[^<]*/(\w+)<", message)
        assert found
        stub = self.server.stub
        stub.asked.append(found.group(1))
        reply = stub.sound(found.group(1), message)[1].encode()
        if found.group(1) == "Receive" and self.server.lost_replies:
            self.server.lost_replies -= 1
            self.close_connection = True
            return
        self.seal(reply)

    def seal(self, reply: bytes) -> None:
        """Send a reply, sealed if it should be."""
        assert self.context is not None
        if not self.server.sealing:
            self.answer(200, reply, Content_Type="application/soap+xml")
            return
        kind = f'multipart/encrypted;protocol="{SEALED}";boundary="Encrypted Boundary"'
        about = f"\tContent-Type: {SEALED}\r\n\tOriginalContent: Length={len(reply)}\r\n"
        parts = (
            *(BOUNDARY, b"\r\n", about.encode(), BOUNDARY, b"\r\n"),
            b"\tContent-Type: application/octet-stream\r\n",
            *((16).to_bytes(4, "little"), self.context.wrap(reply).data, BOUNDARY, b"--\r\n"),
        )
        self.answer(200, b"".join(parts), Content_Type=kind)
        if self.server.early_closes:
            self.server.early_closes -= 1
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def acceptor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Acceptor]:
    """Serve an acceptor that knows alice."""
    name = socket.gethostname()
    users = tmp_path / "users"
    domains = ("", name, name.upper(), "WORKSTATION")
    users.write_text("".join(f"{domain}:alice:pass-1\n" for domain in domains))
    monkeypatch.setenv("NTLM_USER_FILE", str(users))
    server = Acceptor()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


def link_to(acceptor: Acceptor, password: str = "pass-1") -> WinrmTransport:  # noqa: S107 - planted
    """Return a link with NTLM over http."""
    settings = ConnectionSettings(
        address="127.0.0.1",
        port=acceptor.server_port,
        scheme="http",
        user="alice",
        password=password,
    )
    return WinrmTransport(settings, resend_delays_s=(0, 0))


def test_one_logon_serves_a_whole_run(acceptor: Acceptor) -> None:
    """Everything is sealed on one connection, a megabyte of stdin included."""
    data = bytes(range(256)) * 4096
    link = link_to(acceptor)

    lines = list(link.run("cat", data))
    link.close()

    assert lines == [b"one", b"two"]
    assert acceptor.stub.stdin == data
    assert acceptor.logons == 1


def test_a_lost_reply_is_fetched_on_a_new_connection(acceptor: Acceptor) -> None:
    """The same message under new keys gets the output that was lost."""
    acceptor.lost_replies = 1

    assert list(link_to(acceptor).run("x", b"")) == [b"one", b"two"]
    assert acceptor.logons == 2


def test_a_connection_that_was_closed_in_between(acceptor: Acceptor) -> None:
    """A message sealed for the old connection is refused with 400, and sealed anew once."""
    acceptor.early_closes = 3

    assert list(link_to(acceptor).run("x", b"")) == [b"one", b"two"]
    assert acceptor.stub.asked.count("Command") == 1


def test_a_wrong_password_costs_one_attempt(acceptor: Acceptor) -> None:
    """Later commands on the link do not try again, and closing it does not either."""
    link = link_to(acceptor, password="pass-2")
    for _ in range(2):
        with pytest.raises(NotLetIn, match="password of alice"):
            list(link.run("x", b""))
    link.close()

    assert acceptor.logons == 1
    assert acceptor.stub.asked == []


def test_an_unsealed_reply_is_refused(acceptor: Acceptor) -> None:
    """Who cannot seal does not know the password, so that the reply is not the node's."""
    acceptor.sealing = False

    with pytest.raises(BadReply, match="unsealed"):
        list(link_to(acceptor).run("x", b""))
