"""The certificate of a node that is not trusted yet, fetched only to be shown."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
from dataclasses import dataclass
from datetime import datetime

from wincnode.errors import UntrustedNode
from wincnode.transport import endpoint
from wincnode.transport.endpoint import normal_fingerprint
from wincnode.transport.errors_map import link_error, sanitised


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What a person compares before trusting a certificate.

    Args: since, until: when it is valid, in UTC; None where that cannot be read.
    """

    subject: str
    names: str
    sha256: str
    since: datetime | None = None
    until: datetime | None = None


def peer_certificate(host: str, port: int, timeout_s: float) -> Shown | None:
    """Return what the node shows in a TLS handshake, after which nothing is sent; None if none."""
    try:
        der = _handshake(host, port, timeout_s)
    except OSError:
        return None
    return described(der) if der else None


def presented(address: str, port: int, timeout_s: float) -> Shown:
    """Return the certificate that a node shows now; no credentials are sent.

    Raises: ConfigError: the address is none. NodeError: nothing answers there, or not with TLS.
    """
    node = endpoint.place(address, port)
    try:
        der = _handshake(endpoint.host_of(address), port, timeout_s)
    except OSError as err:
        raise link_error(node, err, connect_timeout_s=timeout_s, started=False) from err
    if not der:
        raise UntrustedNode(f"{node}: it shows no certificate", id="link.untrusted")
    return described(der)


def _handshake(host: str, port: int, timeout_s: float) -> bytes | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((host, port), timeout=timeout_s) as link,
        context.wrap_socket(link, server_hostname=host) as tls,
    ):
        return tls.getpeercert(binary_form=True)


def described(der: bytes) -> Shown:
    """Return a certificate's subject, alternative names, time and SHA-256."""
    from cryptography import x509

    subject, names, since, until = "unreadable", "", None, None
    # A stranger's bytes: what cannot be read of them is not told, whatever it is.
    with contextlib.suppress(Exception):
        certificate = x509.load_der_x509_certificate(der)
        subject = certificate.subject.rfc4514_string()
        since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = ", ".join(str(name.value) for name in alternative.value)
    return Shown(
        subject=sanitised(subject),
        names=sanitised(names),
        sha256=in_pairs(hashlib.sha256(der).hexdigest()),
        since=since,
        until=until,
    )


def in_pairs(digest: str) -> str:
    """Give a SHA-256 as Windows, browsers and openssl show it: `AB:CD:...`; "" stays ""."""
    return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2)).upper()


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
        was = in_pairs(normal_fingerprint(pin))
        return UntrustedNode(
            f"{node}: the certificate is not the pinned one, SHA-256 {was}{seen}",
            remedy="If the node's certificate was renewed, compare the SHA-256 on the node itself"
            " and pin the new one with `wincnode trust NODE`; else somebody is between you and the"
            " node.",
            id="link.pin",
        )
    return UntrustedNode(
        f"{node}: the certificate is not trusted ({sanitised(why)}){seen}",
        remedy="Compare the SHA-256 on the node itself and pin it with `wincnode trust NODE`, or"
        " set `ca_file` to the authority that signed it.",
        id="link.untrusted",
    )
