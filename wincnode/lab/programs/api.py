"""What the programs of a lab node need of a Kubernetes API: a kubeconfig, requests and watches."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import yaml

from wincnode.lab.cluster.authority import NODES_SEE
from wincnode.lab.windows.machine import Machine

Json: TypeAlias = dict[str, Any]
TIMEOUT_S = 30.0
STRATEGIC = "application/strategic-merge-patch+json"


class ApiFailed(Exception):
    """A request was not answered as it should; `code` is 0 where nobody answered."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """How a program speaks to an API server.

    Args: ca: PEM; without one any certificate will do. pem: file with certificate and key.
    """

    server: str
    ca: str | None = None
    token: str = ""
    pem: Path | None = None
    agent: str = "kubelet.exe"

    def call(
        self, method: str, path: str, body: Json | None = None, kind: str = "application/json"
    ) -> Json:
        """Send a request and give its answer.

        Raises: ApiFailed.
        """
        link, response = self._asked(method, path, body, kind, TIMEOUT_S)
        with contextlib.closing(link):
            content = json.loads(response.read() or b"{}")
        if response.status >= 400:
            raise ApiFailed(str(content.get("message", response.reason)), response.status)
        answer: Json = content
        return answer

    def watch(self, path: str, silent_s: float) -> Iterator[Json]:
        """Give the events of a watch until it ends, or nothing comes for silent_s seconds.

        Raises: ApiFailed: it did not begin.
        """
        link, response = self._asked("GET", path, None, "", silent_s)
        with contextlib.closing(link):
            if response.status >= 400:
                content = json.loads(response.read() or b"{}")
                raise ApiFailed(str(content.get("message", response.reason)), response.status)
            with contextlib.suppress(OSError, HTTPException, ValueError):
                while line := response.readline():
                    yield json.loads(line)

    def _asked(
        self, method: str, path: str, body: Json | None, kind: str, timeout_s: float
    ) -> tuple[HTTPSConnection, HTTPResponse]:
        parts = urlsplit(self.server)
        headers = {"User-Agent": f"{self.agent}/v1 (windows/amd64)", "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers["Content-Type"] = kind
        link = _Link(parts.hostname or "", parts.port, timeout_s, self._context())
        try:
            link.request(method, path, json.dumps(body) if body is not None else None, headers)
            return link, link.getresponse()
        except (OSError, HTTPException) as error:
            link.close()
            raise ApiFailed(f'{method.title()} "{self.server}{path}": {_told(error)}') from error

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.ca is None:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        else:
            context.load_verify_locations(cadata=self.ca)
        if self.pem is not None:
            context.load_cert_chain(self.pem)
        return context


class _Link(HTTPSConnection):
    """A connection from a lab node, to which the control plane has an address of its own."""

    def __init__(
        self, host: str, port: int | None, timeout_s: float, context: ssl.SSLContext
    ) -> None:
        super().__init__(host, port, timeout=timeout_s, context=context)
        self._tls = context

    def connect(self) -> None:
        """Connect, and be shown the certificate of the host that was asked for."""
        asked, here = self.host, "127.0.0.1" if self.host == NODES_SEE else self.host
        plain = socket.create_connection((here, self.port), self.timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._tls.wrap_socket(plain, server_hostname=asked)


def _told(error: Exception) -> str:
    """Say in Go's words what went wrong."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if "self" in error.verify_message or "issuer" in error.verify_message:
            cause = "certificate signed by unknown authority"
        else:
            cause = error.verify_message
        return f"tls: failed to verify certificate: x509: {cause}"
    if isinstance(error, ConnectionRefusedError):
        return (
            "dial tcp: connectex: No connection could be made because the target machine "
            "actively refused it."
        )
    if isinstance(error, TimeoutError):
        return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    return "EOF"


def load(machine: Machine, path: str, agent: str = "kubelet.exe") -> Client:
    """Give the client of a kubeconfig on a machine.

    Raises: ApiFailed: there is none, or what it names is not there.
    """
    file = machine.path(path)
    if not file.is_file():
        text = f"unable to load kubeconfig: open {path}: The system cannot find the file specified."
        raise ApiFailed(text)
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    return client_of(machine, config, agent)


def client_of(machine: Machine, config: Mapping[str, Any], agent: str) -> Client:
    """Give the client of a kubeconfig's current context.

    Raises: ApiFailed: what it names is not there.
    """
    context = _named(config, "contexts", "context", config.get("current-context", ""))
    cluster = _named(config, "clusters", "cluster", context.get("cluster", ""))
    user = _named(config, "users", "user", context.get("user", ""))
    ca = None
    if not cluster.get("insecure-skip-tls-verify"):
        ca = _content(machine, cluster, "certificate-authority")
    pem = None
    if "client-certificate" in user:
        pem = machine.path(user["client-certificate"])
        if not pem.is_file():
            raise ApiFailed(f"unable to read client-cert {user['client-certificate']}")
    elif "client-certificate-data" in user:
        pem = _kept(machine, user)
    return Client(
        server=cluster["server"], ca=ca, token=user.get("token", ""), pem=pem, agent=agent
    )


def _named(config: Mapping[str, Any], many: str, one: str, name: str) -> Json:
    rows = config.get(many) or ()
    found = next((row[one] for row in rows if row["name"] == name), None)
    if found is None:
        raise ApiFailed(f"invalid configuration: no {one} called {name!r}")
    row: Json = found
    return row


def _content(machine: Machine, row: Json, name: str) -> str | None:
    if f"{name}-data" in row:
        return base64.b64decode(row[f"{name}-data"]).decode()
    if name not in row:
        return None
    file = machine.path(row[name])
    if not file.is_file():
        raise ApiFailed(f"unable to read {name} {row[name]}")
    return file.read_text(encoding="utf-8")


def _kept(machine: Machine, user: Json) -> Path:
    """Write a kubeconfig's own certificate to where OpenSSL can read it."""
    text = "".join(
        base64.b64decode(user[name]).decode()
        for name in ("client-certificate-data", "client-key-data")
    )
    with tempfile.NamedTemporaryFile("w", dir=machine.folder, suffix=".pem", delete=False) as file:
        file.write(text)
    return Path(file.name)
