"""A WS-Management server on loopback: one simulated node's WinRM service."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from wincnode.lab.auth import Channel, Rules
from wincnode.lab.engine import Engine
from wincnode.lab.faults import Faults, FaultyEngine
from wincnode.lab.listener import Listener
from wincnode.lab.ntlm import HardeningLevel
from wincnode.lab.shells import Shells
from wincnode.lab.tls import CertMapping, end_point_binding, mapped_user, server_context

LOOPBACK = "127.0.0.1"


class WsmanServer:
    """One simulated node's WinRM service.

    Args:
        auth: of basic, ntlm, kerberos, credssp and certificate; Basic over http needs
            allow_unencrypted, as on Windows.
        tls: PEM files of the certificate and its key.
        mappings: whom client certificates stand for.
        hardening: the service's CbtHardeningLevel.
        reached: tells whether a client's packets get to a port; the others are lost.
    `on_request` hears the number of each operation before it is carried out, `on_reply` when its
    reply has left.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        users: Mapping[str, str] | None = None,
        auth: Sequence[str] = ("basic", "ntlm"),
        tls: tuple[Path | str, Path | str] | None = None,
        mappings: Sequence[CertMapping] = (),
        hardening: HardeningLevel = "Relaxed",
        allow_unencrypted: bool = False,
        faults: Faults | None = None,
        port: int = 0,
        reached: Callable[[str, int], bool] = lambda _client, _port: True,
    ) -> None:
        self.faults = faults or Faults()
        self.address = LOOPBACK
        self._reached = reached
        self.shells = Shells(FaultyEngine(engine, lambda: self.faults))
        self.requests: list[str] = []
        self.on_request: list[Callable[[int], None]] = []
        self.on_reply: list[Callable[[int], None]] = []
        self.http_requests = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.allow_unencrypted = allow_unencrypted
        self._count_lock = threading.Lock()
        self.encrypted = tls is not None
        self._mappings = tuple(mappings)
        self._binding = end_point_binding(tls[0]) if tls else None
        safe = self.encrypted or allow_unencrypted
        self.rules = Rules(
            users={"Administrator": "password"} if users is None else dict(users),
            schemes=tuple(scheme for scheme in auth if scheme != "basic" or safe),
            hardening=hardening,
        )
        self._context = server_context(*tls, self._mappings) if tls else None
        self._listen(port)

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        return int(self._listener.server_address[1])

    @property
    def url(self) -> str:
        """Where a client connects to."""
        return f"{'https' if self.encrypted else 'http'}://{self.address}:{self.port}/wsman"

    def start(self) -> Self:
        """Begin to answer."""
        if not (self.faults.closed or self.faults.unanswered):
            self._thread.start()
        return self

    def stop(self) -> None:
        """End every command, close every connection and stop listening."""
        if self._thread.is_alive():
            self._listener.end()
            self._thread.join()
        # The client is told of no command that ends with the machine.
        self._listener.close_connections()
        self.shells.close()
        self._listener.server_close()

    def reached(self, client: str) -> bool:
        """Tell whether a client reaches it at this moment."""
        return self._reached(client, self.port)

    def cut(self) -> None:
        """Close every connection, as an adapter does whose address goes."""
        self._listener.close_connections()

    def move(self, address: str) -> None:
        """Listen at another address of loopback, on the same port."""
        if address == self.address or not self._thread.is_alive():
            return
        self._listener.end()
        self._thread.join()
        self._listener.close_connections()
        self._listener.server_close()
        self.address = address
        self._listen(self.port)
        self.start()

    def again(self) -> None:
        """Listen again, on the same port, after a stop."""
        self._listen(self.port)
        self.start()

    def _listen(self, port: int) -> None:
        self._listener = Listener(
            (self.address, port),
            self,
            self._context,
            closed=self.faults.closed,
            unanswered=self.faults.unanswered,
        )
        self._thread = threading.Thread(target=self._listener.serve, daemon=True)

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
            number = len(self.requests)
        for hear in self.on_request:
            hear(number)
        return number

    def leave(self, number: int) -> None:
        """Take note that an operation's reply has left."""
        for hear in self.on_reply:
            hear(number)

    def channel(self, connection: socket.socket) -> Channel:
        """Say what TLS says of a connection."""
        if not isinstance(connection, ssl.SSLSocket):
            return Channel()
        return Channel(binding=self._binding, user=mapped_user(connection, self._mappings))
