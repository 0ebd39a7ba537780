"""The certificate of a node that is not trusted yet, fetched only to be shown."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
from dataclasses import dataclass

from wincnode.errors import UntrustedNode
from wincnode.transport.endpoint import normal_fingerprint
from wincnode.transport.errors_map import sanitised


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What a person compares before trusting a certificate."""

    subject: str
    names: str
    sha256: str


def peer_certificate(host: str, port: int, timeout_s: float) -> Shown | None:
    """Return what the node shows in a TLS handshake, after which nothing is sent; None if none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    der = None
    with (
        contextlib.suppress(OSError),
        socket.create_connection((host, port), timeout=timeout_s) as link,
        context.wrap_socket(link, server_hostname=host) as tls,
    ):
        der = tls.getpeercert(binary_form=True)
    return described(der) if der else None


def described(der: bytes) -> Shown:
    """Return a certificate's subject, alternative names and SHA-256."""
    from cryptography import x509

    subject, names = "unreadable", ""
    with contextlib.suppress(ValueError, x509.ExtensionNotFound):
        certificate = x509.load_der_x509_certificate(der)
        subject = certificate.subject.rfc4514_string()
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = ", ".join(str(name.value) for name in alternative.value)
    return Shown(
        subject=sanitised(subject),
        names=sanitised(names),
        sha256=_in_pairs(hashlib.sha256(der).hexdigest()),
    )


def _in_pairs(digest: str) -> str:
    return ":".join(digest[i : i + 2] for i in range(0, 64, 2)).upper()


def untrusted(node: str, why: str, shown: Shown | None, *, pin: str) -> UntrustedNode:
    """Return the error for a certificate that is not trusted, with what it takes to trust it.

    Args: pin: the fingerprint that another certificate was trusted by; empty where there is none.
    """
    if shown is None:
        seen = ""
    else:
        names = f" for {shown.names}" if shown.names else ""
        seen = f"; it shows {shown.subject}{names}, SHA-256 {shown.sha256}"
    if pin:
        was = _in_pairs(normal_fingerprint(pin))
        return UntrustedNode(
            f"{node}: the certificate is not the pinned one, SHA-256 {was}{seen}",
            remedy="If the node's certificate was renewed, compare the SHA-256 on the node itself"
            " and set it as `fingerprint` of the node's connection; else somebody is between you"
            " and the node.",
            id="link.pin",
        )
    return UntrustedNode(
        f"{node}: the certificate is not trusted ({sanitised(why)}){seen}",
        remedy="Compare the SHA-256 on the node itself and set it as `fingerprint` of the node's"
        " connection, or set `ca_file` to the authority that signed it.",
        id="link.untrusted",
    )
