"""A WS-Management endpoint that answers from a script, for what a sound node never does."""

from __future__ import annotations

import base64
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from wincnode.transport.wsman import ADDRESSING, SHELL

FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"


@dataclass
class Stub:
    """One stub: what it answers, and what it was asked."""

    answer: Callable[[Stub, str, str], tuple[int, str] | None] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    connections: int = 0
    client_ca: Path | None = None
    tls_versions: list[str | None] = field(default_factory=list)
    output: list[bytes] = field(default_factory=lambda: [b"one\r\ntw", b"o\r\n"])
    replayed: dict[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    ended: bool = False
    port: int = 0

    def sound(self, action: str, body: str) -> tuple[int, str]:
        """Answer as a sound node does that runs a command with the scripted output."""
        found = re.search(r"MessageID>([^<]+)<", body)
        message_id = found.group(1) if found else ""
        if message_id in self.replayed:
            return 200, self.replayed[message_id]
        match action:
            case "Create":
                inner = '<w:S xmlns:w="w" Name="ShellId">SHELL-1</w:S>'
            case "Command":
                inner = (
                    "<r:CommandResponse><r:CommandId>COMMAND-1</r:CommandId></r:CommandResponse>"
                )
            case "Send":
                text = re.search(r"<rsp:Stream[^>]*>([^<]*)<", body)
                self.stdin += base64.b64decode(text.group(1) if text else "")
                self.ended = 'End="true"' in body
                inner = ""
            case "Receive":
                inner = self._received()
            case _:
                inner = ""
        self.replayed[message_id] = (
            f'<s:Envelope xmlns:s="{ENVELOPE}" xmlns:a="{ADDRESSING}" xmlns:r="{SHELL}"><s:Header>'
            f"<a:RelatesTo>{message_id}</a:RelatesTo></s:Header><s:Body>{inner}</s:Body></s:Envelope>"
        )
        return 200, self.replayed[message_id]

    def _received(self) -> str:
        if self.output:
            data = base64.b64encode(self.output.pop(0)).decode()
            state = '<r:CommandState State="x/CommandState/Running"/>'
            return f'<r:Stream Name="stdout">{data}</r:Stream>{state}'
        data = base64.b64encode(b"oops").decode()
        state = '<r:CommandState State="x/CommandState/Done"><r:ExitCode>-1</r:ExitCode>'
        return f'<r:Stream Name="stderr" End="true">{data}</r:Stream>{state}</r:CommandState>'


def fault(code: int, *, wmi: bool = False) -> tuple[int, str]:
    """Return a SOAP fault as Windows words it."""
    detail = f'<f:WSManFault xmlns:f="{FAULT}" Code="{code}"/>'
    if wmi:
        name = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError"
        inner = f"<m:error_Code>{code}</m:error_Code>"
        detail = f'<m:MSFT_WmiError xmlns:m="{name}">{inner}</m:MSFT_WmiError>'
    return 500, (
        f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Body><s:Fault><s:Code><s:Value>s:Receiver</s:Value>'
        f'</s:Code><s:Reason><s:Text xml:lang="">Nein\x1b</s:Text></s:Reason>'
        f"<s:Detail>{detail}</s:Detail></s:Fault></s:Body></s:Envelope>"
    ).replace("\x1b", "&#9;")


@contextmanager
def serving(stub: Stub, *, certificate: Path | None = None) -> Iterator[Stub]:
    """Serve a stub on a loopback port, over TLS with a PEM that holds key and certificate."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            if certificate is not None:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(certificate)
                if stub.client_ca is not None:
                    context.verify_mode = ssl.CERT_REQUIRED
                    context.load_verify_locations(stub.client_ca)
                self.request = context.wrap_socket(self.request, server_side=True)
                stub.tls_versions.append(self.request.version())
            stub.connections += 1
            super().setup()

        def finish(self) -> None:
            super().finish()
            self.request.close()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            found = re.search(r"Action[^>]*>[^<]*/(\w+)<", body)
            action = found.group(1) if found else ""
            stub.asked.append(action)
            stub.bodies.append(body)
            stub.authorizations.append(self.headers.get("Authorization", ""))
            answer = stub.answer(stub, action, body) if stub.answer else stub.sound(action, body)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer[0])
            for name, value in stub.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer[1].encode())))
            self.end_headers()
            self.wfile.write(answer[1].encode())

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output clean."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Keep the test's output clean: clients that refuse a certificate leave early."""

    server = Server(("127.0.0.1", 0), Handler)
    stub.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
