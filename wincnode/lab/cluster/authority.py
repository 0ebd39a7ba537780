"""The cluster's certificate authority.

What a certificate must carry for Go's and Python's checks: RFC 5280 4.2.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# A clock that goes a little after ours still accepts what was just signed: the signer of
# kubernetes/kubernetes:pkg/controller/certificates/signer/signer.go allows five minutes.
BACKDATE = dt.timedelta(minutes=5)
# What lab nodes may call the host of the control plane: to a node, 127.0.0.1 is the node itself.
# Source: RFC 5737, TEST-NET-1
NODES_SEE = "192.0.2.10"
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER = ExtendedKeyUsageOID.SERVER_AUTH


@dataclass(frozen=True, kw_only=True, slots=True)
class Authority:
    """A key and the certificate that goes with it."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        """The certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def pin(self) -> str:
        """What `--discovery-token-ca-cert-hash` takes.

        Source: kubernetes/kubernetes:cmd/kubeadm/app/util/pubkeypin/pubkeypin.go
        """
        return pin_of(self.certificate)

    def issue(
        self,
        subject: x509.Name,
        key: CertificateIssuerPublicKeyTypes,
        *,
        usage: x509.ObjectIdentifier,
        names: x509.SubjectAlternativeName | None = None,
        lifetime: dt.timedelta = dt.timedelta(days=365),
    ) -> str:
        """Sign a certificate; gives its PEM."""
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATE)
            .not_valid_after(now + lifetime)
            .add_extension(_key_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        signed = builder.sign(self.key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode()


def make_authority(name: str = "kubernetes") -> Authority:
    """Make an authority as kubeadm does, with another kind of key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = named(name)
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + dt.timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True, signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(key=key, certificate=certificate)


def named(name: str, groups: Sequence[str] = ()) -> x509.Name:
    """Give a subject: a user and the groups."""
    rows = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*rows, x509.NameAttribute(NameOID.COMMON_NAME, name)])


def loopback(*hosts: str) -> x509.SubjectAlternativeName:
    """Give the names of a server on loopback, which lab nodes know by an address of its own too."""
    return x509.SubjectAlternativeName(
        [
            *(x509.IPAddress(ipaddress.ip_address(row)) for row in ("127.0.0.1", NODES_SEE)),
            *(x509.DNSName(host) for host in ("localhost", *hosts)),
        ]
    )


def pin_of(certificate: x509.Certificate) -> str:
    """Give the SHA-256 of a certificate's public key as kubeadm writes it."""
    der = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"sha256:{hashlib.sha256(der).hexdigest()}"


def new_key() -> tuple[ec.EllipticCurvePrivateKey, str]:
    """Make a key; gives it and its PEM, in the form that client-go writes."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return key, pem.decode()


def _key_usage(*, digital_signature: bool, signs: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
