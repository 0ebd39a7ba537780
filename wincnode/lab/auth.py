"""Authentication of one TCP connection to the lab's server, and the sealing that comes with it."""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import spnego
from spnego.exceptions import SpnegoError

from wincnode.lab import sealing
from wincnode.lab.ntlm import HardeningLevel, NtlmAcceptor, password_of
from wincnode.lab.sealing import UnsealError

# [MS-WSMV] 3.1.4.1.29.2: the security profiles of the service's auth settings.
CLIENT_CERTIFICATE = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
# The order of a real 401: github.com/rundeck/rundeck/issues/7804
_CHALLENGES = {
    "Negotiate": ("ntlm", "kerberos"),
    "Kerberos": ("kerberos",),
    'Basic realm="WSMAN"': ("basic",),
    "CredSSP": ("credssp",),
}
# All but the first are what pyspnego's parsers raise on a malformed token.
_MALFORMED = (SpnegoError, ValueError, LookupError, StopIteration, struct.error)


class RefusedError(Exception):
    """The client is not who it says; `challenges` are the WWW-Authenticate lines of the 401."""

    def __init__(self, challenges: Sequence[str]) -> None:
        super().__init__("401")
        self.challenges = tuple(challenges)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """Who is let in, and how.

    Args:
        users: names and passwords.
        schemes: of ntlm, kerberos, basic, credssp and certificate.
        hardening: the service's CbtHardeningLevel.
    """

    users: Mapping[str, str]
    schemes: Sequence[str]
    hardening: HardeningLevel = "Relaxed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """What TLS says of a connection: its channel binding, and whom the client certificate names."""

    binding: bytes | None = None
    user: str | None = None


class Conversation:
    """What one TCP connection has proved so far.

    NTLM and CredSSP authenticate the connection, Basic each request: [MS-WSMV] 3.2.5, RFC 7617.
    """

    def __init__(self, rules: Rules, channel: Channel) -> None:
        self._rules = rules
        self._channel = channel
        self._context: NtlmAcceptor | spnego.ContextProxy | None = None

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
        if label == CLIENT_CERTIFICATE:
            self._certificate()
            return None
        data = self._decoded(token)
        scheme = self._scheme(label.lower(), data)
        if scheme not in self._rules.schemes:
            raise RefusedError(self.offers())
        if scheme == "basic":
            self._basic(data)
            return None
        return self._step(scheme, label, data)

    @property
    def authenticated(self) -> bool:
        """Whether the handshake on this connection is over and went well."""
        return self._context is not None and self._context.complete

    def unseal(self, content_type: str, body: bytes) -> bytes:
        """Open a sealed body.

        Raises: UnsealError: it was damaged, or sealed for another connection or order.
        """
        sealing.protocol_of(content_type)
        if self._context is None or not self.authenticated:
            raise UnsealError("The connection has no keys.")
        parts = sealing.parse_parts(body)
        try:
            return b"".join(self._context.unwrap_winrm(header, data) for header, data in parts)
        except (SpnegoError, ValueError) as err:
            raise UnsealError(str(err)) from err

    def seal(self, content_type: str, text: bytes) -> tuple[str, bytes]:
        """Seal a reply under the protocol name of its request; gives content type and body."""
        protocol = sealing.protocol_of(content_type)
        if self._context is None:
            raise UnsealError("The connection has no keys.")
        size = sealing.CREDSSP_PART_BYTES if "CredSSP" in protocol else max(1, len(text))
        parts = []
        for start in range(0, len(text), size):
            plain = text[start : start + size]
            sealed = self._context.wrap_winrm(plain)
            length = len(plain) + sealed.padding_length
            parts.append(sealing.Part(header=sealed.header, data=sealed.data, length=length))
        return sealing.framed(protocol, parts)

    def forget(self) -> None:
        """Take back what the connection has proved."""
        self._context = None

    def offers(self) -> list[str]:
        """Give the WWW-Authenticate lines of a fresh 401; a client certificate has none."""
        schemes = set(self._rules.schemes)
        return [line for line, any_of in _CHALLENGES.items() if schemes & set(any_of)]

    def _scheme(self, label: str, token: bytes) -> str:
        """Tell which scheme a request uses; Negotiate stands for two."""
        if label in ("negotiate", "ntlm"):
            kerberos = "kerberos" in self._rules.schemes and b"NTLMSSP\0" not in token
            return "kerberos" if kerberos else "ntlm"
        return label if label in ("basic", "credssp", "kerberos") else ""

    def _decoded(self, token: str) -> bytes:
        try:
            return base64.b64decode(token, validate=True)
        except binascii.Error as err:
            raise RefusedError(self.offers()) from err

    def _certificate(self) -> None:
        user = self._channel.user
        if "certificate" not in self._rules.schemes or user is None:
            raise RefusedError(self.offers())
        if password_of(self._rules.users, user) is None:
            raise RefusedError(self.offers())

    def _basic(self, data: bytes) -> None:
        user, _, password = data.decode("utf-8", "replace").partition(":")
        known = password_of(self._rules.users, user)
        if known is None or not hmac.compare_digest(known.encode(), password.encode()):
            raise RefusedError(self.offers())

    def _step(self, scheme: str, label: str, token: bytes) -> str | None:
        if self._context is None or self._context.complete:
            self._context = self._acceptor(scheme)
        try:
            answer = self._context.step(token)
        except _MALFORMED as err:
            self._context = None
            raise RefusedError(self.offers()) from err
        line = f"{label} {base64.b64encode(answer).decode()}" if answer else None
        if not self._context.complete:
            raise RefusedError([line] if line else self.offers())
        return line

    def _acceptor(self, scheme: str) -> NtlmAcceptor | spnego.ContextProxy:
        users = self._rules.users
        if scheme == "credssp":
            # It binds to the TLS of its own handshake instead: [MS-CSSP] 3.1.5
            inner = NtlmAcceptor(users, binding=None, hardening="None")
            return spnego.server(protocol="credssp", credssp_negotiate_context=inner)
        if scheme == "kerberos":
            # Its key comes from the keytab that KRB5_KTNAME names, as with any Kerberos service.
            return spnego.server(
                protocol="negotiate", options=spnego.NegotiateOptions.use_negotiate
            )
        return NtlmAcceptor(users, binding=self._channel.binding, hardening=self._rules.hardening)
