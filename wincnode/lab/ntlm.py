"""The acceptor of Negotiate tokens that hold NTLM, and what such tokens say.

Source: [MS-NLMP] 2.2.1.3 (the authenticate message), 2.2.2.1 and 2.2.2.7 (its channel binding).
"""

from __future__ import annotations

import hashlib
import hmac
import struct
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import spnego
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import BadBindingsError, SpnegoError

from wincnode.lab.environment import changed

# [MS-WSMV] 2.2.4.34 ServiceAuthType; what each does:
# learn.microsoft.com/windows/win32/api/http/ne-http-http_authentication_hardening_levels
HardeningLevel = Literal["None", "Relaxed", "Strict"]
_AUTHENTICATE = b"NTLMSSP\0" + struct.pack("<I", 3)
_NT_RESPONSE_FIELDS, _DOMAIN_FIELDS, _USER_FIELDS = 20, 28, 36
# The proof (16 bytes) and the fixed start of NTLMv2_CLIENT_CHALLENGE (28) come before the pairs.
_AV_PAIRS_OFFSET = 44
_MSV_AV_EOL, _MSV_AV_CHANNEL_BINDINGS = 0, 10
_NO_BINDING = bytes(16)
# What Windows says inside CredSSP of a wrong password: github.com/diyan/pywinrm/issues/235
_LOGON_FAILURE = 0xC000006D
# pyspnego finds the credentials of its acceptor through the process's environment only.


class NtlmAcceptor:
    """One handshake and the sealing that follows it; the shape that pyspnego's CredSSP expects.

    Args:
        binding: what names this TLS connection's end point; None where there is no TLS.
        hardening: whether a client's channel binding must be right, or also there.
    """

    def __init__(
        self, users: Mapping[str, str], *, binding: bytes | None, hardening: HardeningLevel
    ) -> None:
        self._users = users
        self._binding = binding
        self._hardening = hardening
        self._context: spnego.ContextProxy | None = None

    def step(self, token: bytes) -> bytes | None:
        """Take one step of the handshake; gives the token to send back.

        Raises: SpnegoError: the client is not let in.
        """
        self._refuse_wrong_binding(token)
        with _credentials(self._users, token):
            if self._context is None:
                options = spnego.NegotiateOptions
                self._context = spnego.server(
                    protocol="negotiate", options=options.use_negotiate | options.use_ntlm
                )
            try:
                return self._context.step(token)
            except SpnegoError as err:
                raise SpnegoError(_LOGON_FAILURE, context_msg=str(err)) from err

    @property
    def complete(self) -> bool:
        """Whether the handshake is over and went well."""
        return self._context is not None and self._context.complete

    @property
    def keys(self) -> spnego.ContextProxy:
        """What seals and unseals; there is none before the first step."""
        if self._context is None:
            raise LookupError("The handshake has not begun.")
        return self._context

    def wrap(self, data: bytes) -> spnego.WrapResult:
        """Seal a piece of CredSSP's own handshake."""
        return self.keys.wrap(data)

    def unwrap(self, data: bytes) -> spnego.UnwrapResult:
        """Open a piece of CredSSP's own handshake."""
        return self.keys.unwrap(data)

    def wrap_winrm(self, data: bytes) -> spnego.WinRMWrapResult:
        """Seal a message."""
        return self.keys.wrap_winrm(data)

    def unwrap_winrm(self, header: bytes, data: bytes) -> bytes:
        """Open a message."""
        return self.keys.unwrap_winrm(header, data)

    def _refuse_wrong_binding(self, token: bytes) -> None:
        message = authenticate_message(token)
        if self._binding is None or self._hardening == "None" or not message:
            return
        sent = channel_binding(message)
        if sent is None and self._hardening == "Relaxed":
            return
        if sent is None or not hmac.compare_digest(sent, hashed(self._binding)):
            raise BadBindingsError(context_msg="The channel binding is wrong or missing.")


def hashed(binding: bytes) -> bytes:
    """Give the form in which NTLM carries a channel binding: MD5 of RFC 2744's structure."""
    packed = GssChannelBindings(application_data=binding).pack()
    return hashlib.md5(packed, usedforsecurity=False).digest()


def authenticate_message(token: bytes) -> bytes:
    """Find the authenticate message in a token, bare or inside SPNEGO; else empty."""
    start = token.find(_AUTHENTICATE)
    return token[start:] if start >= 0 else b""


def named_in(message: bytes) -> tuple[str, str]:
    """Read domain and user from an authenticate message."""
    domain, user = (_field(message, offset) for offset in (_DOMAIN_FIELDS, _USER_FIELDS))
    return domain.decode("utf-16-le"), user.decode("utf-16-le")


def channel_binding(message: bytes) -> bytes | None:
    """Read the channel binding from an authenticate message; None when it carries none.

    All zeros mean none: [MS-NLMP] 2.2.2.1, MsvAvChannelBindings.
    """
    response = _field(message, _NT_RESPONSE_FIELDS)
    position = _AV_PAIRS_OFFSET
    while position + 4 <= len(response):
        kind, length = struct.unpack_from("<HH", response, position)
        value = response[position + 4 : position + 4 + length]
        if kind == _MSV_AV_CHANNEL_BINDINGS:
            return None if value == _NO_BINDING else value
        if kind == _MSV_AV_EOL:
            break
        position += 4 + length
    return None


def password_of(users: Mapping[str, str], user: str) -> str | None:
    """Find a user's password; Windows account names do not differ by case."""
    return {name.lower(): value for name, value in users.items()}.get(user.lower())


def _field(message: bytes, offset: int) -> bytes:
    length, _, position = struct.unpack_from("<HHI", message, offset)
    return message[position : position + length]


@contextmanager
def _credentials(users: Mapping[str, str], token: bytes) -> Iterator[None]:
    """Let pyspnego find the password of the user that a token names, under the domain it names.

    A password with a colon cannot be written in that file and is refused.
    Source: jborean93/pyspnego src/spnego/_ntlm.py@v0.12.0 (NTLM_USER_FILE, LM_COMPAT_LEVEL)
    """
    message = authenticate_message(token)
    domain, user = named_in(message) if message else ("", "")
    password = password_of(users, user)
    line = f"{domain}:{user}:{password}\n" if password is not None else ""
    with tempfile.TemporaryDirectory(prefix="wincnode-lab-") as folder:
        store = Path(folder) / "users"
        store.write_text(line, encoding="utf-8")
        # Level 5 refuses NTLMv1, which no client of this century needs.
        with changed(NTLM_USER_FILE=str(store), LM_COMPAT_LEVEL="5"):
            yield
