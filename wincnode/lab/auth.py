"""Authentication of one TCP connection to the lab's server, and the sealing that comes with it.

Source: [MS-WSMV] 2.2.9.1 (the encrypted multipart), [MS-NLMP] 2.2.1.3 (the authenticate message).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re
import struct
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import spnego
from spnego.exceptions import SpnegoError

BOUNDARY = "Encrypted Boundary"
SPNEGO_PROTOCOL = "application/HTTP-SPNEGO-session-encrypted"
SOAP = "application/soap+xml;charset=UTF-8"
_PROTOCOL = re.compile(r'protocol="([^"]+)"')
_AUTHENTICATE = b"NTLMSSP\0" + struct.pack("<I", 3)
# pyspnego finds the credentials of its acceptor through the process's environment only.
_ENVIRONMENT_LOCK = threading.Lock()


class RefusedError(Exception):
    """The client is not who it says; `challenges` are the WWW-Authenticate lines of the 401."""

    def __init__(self, challenges: Sequence[str]) -> None:
        super().__init__("401")
        self.challenges = tuple(challenges)


class UnsealError(Exception):
    """A sealed body does not open; the connection's sealing is broken for good."""


class Conversation:
    """What one TCP connection has proved so far.

    NTLM authenticates the connection, Basic each request: [MS-WSMV] 3.2.5, RFC 7617.
    """

    def __init__(self, users: Mapping[str, str], schemes: Sequence[str]) -> None:
        self._users = users
        self._schemes = tuple(schemes)
        self._context: spnego.ContextProxy | None = None

    def authenticate(self, authorization: str | None, *, blank: bool) -> str | None:
        """Judge a request; gives the last token for WWW-Authenticate, when there is one.

        A blank request without credentials starts anew, as on a real server.
        Raises: RefusedError: the request is to be answered with 401.
        """
        if authorization is None:
            if self.authenticated and not blank:
                return None
            self._context = None
            raise RefusedError(self.offers())
        label, _, token = authorization.partition(" ")
        try:
            data = base64.b64decode(token, validate=True)
        except binascii.Error as err:
            raise RefusedError(self.offers()) from err
        if label.lower() == "basic" and "basic" in self._schemes:
            self._basic(data)
            return None
        if label.lower() in ("negotiate", "ntlm") and "ntlm" in self._schemes:
            return self._step(label, data)
        raise RefusedError(self.offers())

    @property
    def authenticated(self) -> bool:
        """Whether the handshake on this connection is over and went well."""
        return self._context is not None and self._context.complete

    def unseal(self, content_type: str, body: bytes) -> bytes:
        """Open a sealed body.

        Raises: UnsealError: it was damaged, or sealed for another connection or order.
        """
        if (
            self._context is None
            or not self.authenticated
            or _PROTOCOL.search(content_type) is None
        ):
            raise UnsealError("The connection has no keys.")
        _, mark, sealed = body.partition(b"Content-Type: application/octet-stream\r\n")
        sealed, end, _ = sealed.rpartition(f"--{BOUNDARY}--".encode())
        if not mark or not end or len(sealed) < struct.calcsize("<I"):
            raise UnsealError("The body is not an encrypted multipart.")
        (length,) = struct.unpack("<I", sealed[:4])
        try:
            return self._context.unwrap_winrm(sealed[4 : 4 + length], sealed[4 + length :])
        except (SpnegoError, ValueError) as err:
            raise UnsealError(str(err)) from err

    def seal(self, content_type: str, text: bytes) -> tuple[str, bytes]:
        """Seal a reply under the protocol name of its request; gives content type and body."""
        found = _PROTOCOL.search(content_type)
        if self._context is None or found is None:
            raise UnsealError("The connection has no keys.")
        protocol = found[1]
        sealed = self._context.wrap_winrm(text)
        head = (
            f"--{BOUNDARY}\r\n\tContent-Type: {protocol}\r\n"
            f"\tOriginalContent: type={SOAP};Length={len(text) + sealed.padding_length}\r\n"
            f"--{BOUNDARY}\r\n\tContent-Type: application/octet-stream\r\n"
        )
        body = struct.pack("<I", len(sealed.header)) + sealed.header + sealed.data
        return (
            f'multipart/encrypted;protocol="{protocol}";boundary="{BOUNDARY}"',
            head.encode() + body + f"--{BOUNDARY}--\r\n".encode(),
        )

    def forget(self) -> None:
        """Take back what the connection has proved."""
        self._context = None

    def offers(self) -> list[str]:
        """Give the WWW-Authenticate lines of a fresh 401."""
        lines = {"ntlm": "Negotiate", "basic": 'Basic realm="WSMAN"'}
        return [lines[scheme] for scheme in ("ntlm", "basic") if scheme in self._schemes]

    def _basic(self, data: bytes) -> None:
        user, _, password = data.decode("utf-8", "replace").partition(":")
        known = _password_of(self._users, user)
        if known is None or not hmac.compare_digest(known.encode(), password.encode()):
            raise RefusedError(self.offers())

    def _step(self, label: str, token: bytes) -> str | None:
        if self._context is not None and self._context.complete:
            self._context = None  # a new handshake on the same connection
        try:
            with _credentials(self._users, token):
                if self._context is None:
                    self._context = spnego.server(
                        protocol="negotiate",
                        options=spnego.NegotiateOptions.use_negotiate
                        | spnego.NegotiateOptions.use_ntlm,
                    )
                answer = self._context.step(token)
        except (SpnegoError, ValueError, LookupError, StopIteration, struct.error) as err:
            # All but the first are what pyspnego's parser raises on a malformed token.
            self._context = None
            raise RefusedError(self.offers()) from err
        line = f"{label} {base64.b64encode(answer).decode()}" if answer else None
        if not self._context.complete:
            raise RefusedError([line] if line else self.offers())
        return line


@contextmanager
def _credentials(users: Mapping[str, str], token: bytes) -> Iterator[None]:
    """Let pyspnego find the password of the user that a token names, under the domain it names.

    A password with a colon cannot be written in that file and is refused.
    Source: jborean93/pyspnego src/spnego/_ntlm.py@v0.12.0 (NTLM_USER_FILE, LM_COMPAT_LEVEL)
    """
    domain, user = _named_in(token)
    password = _password_of(users, user)
    line = f"{domain}:{user}:{password}\n" if password is not None else ""
    with _ENVIRONMENT_LOCK, tempfile.TemporaryDirectory(prefix="wincnode-lab-") as folder:
        store = Path(folder) / "users"
        store.write_text(line, encoding="utf-8")
        before = {name: os.environ.get(name) for name in ("NTLM_USER_FILE", "LM_COMPAT_LEVEL")}
        # Level 5 refuses NTLMv1, which no client of this century needs.
        os.environ.update(NTLM_USER_FILE=str(store), LM_COMPAT_LEVEL="5")
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _named_in(token: bytes) -> tuple[str, str]:
    """Read domain and user from an authenticate message, bare or inside SPNEGO; else both empty."""
    start = token.find(_AUTHENTICATE)
    if start < 0:
        return "", ""
    message = token[start:]
    names = []
    for offset in (28, 36):  # DomainNameFields, UserNameFields
        length, _, position = struct.unpack_from("<HHI", message, offset)
        names.append(message[position : position + length].decode("utf-16-le"))
    return names[0], names[1]


def _password_of(users: Mapping[str, str], user: str) -> str | None:
    # Windows account names do not differ by case.
    return {name.lower(): value for name, value in users.items()}.get(user.lower())
