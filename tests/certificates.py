"""Certificates of servers on loopback and of the clients that they know."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def certificate(folder: Path) -> tuple[Path, str]:
    """Return a PEM with a key and its self-signed certificate for 127.0.0.1, and its SHA-256."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "win1")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1000)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = _written(folder / "node.pem", key, made)
    return pem, hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest()


def client_certificate(folder: Path, principal: str, *, issuer: Path | None = None) -> Path:
    """Return a PEM with a key and its certificate for a user principal name.

    Args: issuer: the PEM that signs it; itself when there is none.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    user = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, principal.partition("@")[0])])
    signer, signer_key = user, key
    if issuer is not None:
        data = issuer.read_bytes()
        signer = x509.load_pem_x509_certificate(data).subject
        signer_key = serialization.load_pem_private_key(data, None)
    value = b"\x0c" + bytes([len(principal)]) + principal.encode()
    name = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), value)
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(user)
        .issuer_name(signer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .sign(signer_key, hashes.SHA256())
    )
    return _written(folder / f"{principal}.pem", key, made)


def _written(pem: Path, key: ec.EllipticCurvePrivateKey, made: x509.Certificate) -> Path:
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pem.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return pem
