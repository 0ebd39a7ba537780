"""TLS of the lab's https listener: its certificate, and the client certificates that it maps.

Source: [MS-WSMV] 2.2.4.3 (CertMappingType); which name of a certificate is compared:
ansible/ansible-documentation docs/docsite/rst/os_guide/windows_winrm_certificate.rst
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

# The user principal name among a certificate's alternative names: [MS-WCCE] 2.2.2.7.7.3
_PRINCIPAL_NAME = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
_UTF8_STRING = 0x0C


@dataclass(frozen=True, kw_only=True, slots=True)
class CertMapping:
    """Lets holders of certificates in as a user.

    Args:
        issuer: PEM file of the certificate that signed theirs.
        subject: their principal name; one * may stand at its start or end.
    """

    issuer: Path
    subject: str
    user: str


def self_signed(path: Path, kind: Literal["sound", "expired", "other-name"]) -> Path:
    """Write a PEM with a key and its self-signed certificate for 127.0.0.1.

    Args: kind: `expired` was valid until yesterday, `other-name` is for another machine.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "lab")])
    now = datetime.now(UTC)
    until = now + timedelta(days=-1 if kind == "expired" else 30)
    san: x509.GeneralName = x509.IPAddress(ip_address("127.0.0.1"))
    if kind == "other-name":
        san = x509.DNSName("other.lab.example")
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([san]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


def server_context(
    certificate: Path | str, key: Path | str, mappings: Sequence[CertMapping]
) -> ssl.SSLContext:
    """Build the listener's TLS; it asks for a client certificate when any could be mapped."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    for mapping in mappings:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(mapping.issuer)
    return context


def end_point_binding(certificate: Path | str) -> bytes:
    """Give the tls-server-end-point channel binding of a PEM certificate: RFC 5929 4.1."""
    loaded = x509.load_pem_x509_certificate(Path(certificate).read_bytes())
    algorithm = loaded.signature_hash_algorithm
    if algorithm is None or isinstance(algorithm, hashes.MD5 | hashes.SHA1):
        algorithm = hashes.SHA256()
    return b"tls-server-end-point:" + loaded.fingerprint(algorithm)


def mapped_user(connection: ssl.SSLSocket, mappings: Sequence[CertMapping]) -> str | None:
    """Find whom the connection's client certificate stands for.

    WinRM asks for it in a renegotiation, which TLS 1.3 does not have, so that a client of
    TLS 1.3 is seen without one: github.com/ansible-collections/ansible.windows/issues/333
    """
    der = connection.getpeercert(binary_form=True)
    if der is None or connection.version() == "TLSv1.3":
        return None
    certificate = x509.load_der_x509_certificate(der)
    names = _principal_names(certificate)
    for mapping in mappings:
        if any(fnmatchcase(name.lower(), mapping.subject.lower()) for name in names) and _signed(
            certificate, mapping.issuer
        ):
            return mapping.user
    return None


def _principal_names(certificate: x509.Certificate) -> list[str]:
    with contextlib.suppress(x509.ExtensionNotFound):
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return [
            # A short UTF8String: one byte of tag, one of length.
            other.value[2:].decode()
            for other in names.get_values_for_type(x509.OtherName)
            if other.type_id == _PRINCIPAL_NAME and other.value[:1] == bytes([_UTF8_STRING])
        ]
    return []


def _signed(certificate: x509.Certificate, issuer: Path) -> bool:
    try:
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(issuer.read_bytes()))
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True
