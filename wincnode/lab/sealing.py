"""The encrypted multipart that carries sealed messages over HTTP.

Source: [MS-WSMV] 2.2.9.1; the parts of a long CredSSP message: diyan/pywinrm winrm/encryption.py.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

SOAP = "application/soap+xml;charset=UTF-8"
# A TLS record holds no more (RFC 8446 5.1), so CredSSP cuts longer messages into several parts.
CREDSSP_PART_BYTES = 16384
_BOUNDARY = b"--Encrypted Boundary"
_OCTETS = b"\tContent-Type: application/octet-stream\r\n"
_PROTOCOL = re.compile(r'protocol="([^"]+)"')


class UnsealError(Exception):
    """A sealed body does not open; the connection's sealing is broken for good."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One sealed piece of a message; `length` is that of its plain text with padding."""

    header: bytes
    data: bytes
    length: int


def protocol_of(content_type: str) -> str:
    """Name the sealing that a content type speaks of.

    Raises: UnsealError: it speaks of none.
    """
    found = _PROTOCOL.search(content_type)
    if found is None:
        raise UnsealError("The content type names no protocol.")
    return found[1]


def parse_parts(body: bytes) -> list[tuple[bytes, bytes]]:
    """Read header and data of each sealed part.

    Raises: UnsealError: the body is no encrypted multipart.
    """
    inner, end, _ = body.rpartition(_BOUNDARY + b"--")
    pieces = inner.split(_BOUNDARY + b"\r\n")[1:]
    sealed = [piece.removeprefix(_OCTETS) for piece in pieces[1::2]]
    if not end or len(pieces) % 2 or not sealed or any(len(piece) < 4 for piece in sealed):
        raise UnsealError("The body is not an encrypted multipart.")
    lengths = [struct.unpack("<I", piece[:4])[0] for piece in sealed]
    return [
        (piece[4 : 4 + length], piece[4 + length :])
        for piece, length in zip(sealed, lengths, strict=True)
    ]


def framed(protocol: str, parts: Sequence[Part]) -> tuple[str, bytes]:
    """Build the multipart of sealed parts; gives content type and body."""
    kind = "multipart/x-multi-encrypted" if len(parts) > 1 else "multipart/encrypted"
    about = f"\tContent-Type: {protocol}\r\n\tOriginalContent: type={SOAP};Length="
    body = b"".join(
        _BOUNDARY
        + f"\r\n{about}{part.length}\r\n".encode()
        + _BOUNDARY
        + b"\r\n"
        + _OCTETS
        + struct.pack("<I", len(part.header))
        + part.header
        + part.data
        for part in parts
    )
    content_type = f'{kind};protocol="{protocol}";boundary="Encrypted Boundary"'
    return content_type, body + _BOUNDARY + b"--\r\n"
