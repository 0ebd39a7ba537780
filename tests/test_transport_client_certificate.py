"""Client certificates, which let a user in without a password, against the lab's server."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from certificates import certificate, client_certificate
from echo_engine import EchoEngine
from lab_links import USERS, link_to
from requests.adapters import HTTPAdapter

from wincnode.errors import NotLetIn
from wincnode.lab.auth import CLIENT_CERTIFICATE
from wincnode.lab.server import WsmanServer
from wincnode.lab.tls import CertMapping
from wincnode.transport.shell import WinrmTransport


@contextmanager
def node(folder: Path, *mappings: CertMapping) -> Iterator[tuple[WsmanServer, str]]:
    """Run a node that knows certificates only; gives it and the SHA-256 of its own."""
    pem, sha256 = certificate(folder)
    with WsmanServer(
        EchoEngine(), users=USERS, auth=("certificate",), tls=(pem, pem), mappings=mappings
    ) as server:
        yield server, sha256


def link(server: WsmanServer, sha256: str, client: Path) -> WinrmTransport:
    """Return a link that shows a client certificate."""
    files = {"cert_file": str(client), "key_file": str(client)}
    return link_to(server, auth="certificate", user="", password="", fingerprint=sha256, **files)


@pytest.mark.parametrize("subject", ["alice@localhost", "ALICE@*", "*@localhost", "*"])
def test_a_mapped_certificate_lets_its_user_in(subject: str, tmp_path: Path) -> None:
    """The mapping names an issuer and a pattern of principal names, as WinRM's does."""
    issuer = client_certificate(tmp_path, "ca@localhost")
    client = client_certificate(tmp_path, "alice@localhost", issuer=issuer)
    mapping = CertMapping(issuer=issuer, subject=subject, user="alice")
    with node(tmp_path, mapping) as (server, sha256):
        alice = link(server, sha256, client)
        assert list(alice.run("x", b"ab\n")) == [b"3", b"ab"]
        alice.close()

    assert server.http_requests == len(server.requests)  # no handshake, no challenge


def test_an_unmapped_certificate_is_refused_once(tmp_path: Path) -> None:
    """That its issuer is known does not help; the remedy names the place of the mapping."""
    issuer = client_certificate(tmp_path, "ca@localhost")
    client = client_certificate(tmp_path, "mallory@localhost", issuer=issuer)
    mapping = CertMapping(issuer=issuer, subject="alice@localhost", user="alice")
    with node(tmp_path, mapping) as (server, sha256):
        mallory = link(server, sha256, client)
        for _ in range(2):
            with pytest.raises(NotLetIn, match="does not accept the client certificate") as caught:
                list(mallory.run("x", b""))
        mallory.close()

        assert (server.http_requests, server.requests) == (1, [])
    assert "ClientCertificate" in caught.value.remedy


def test_a_certificate_of_a_strange_issuer_is_refused_in_the_handshake(tmp_path: Path) -> None:
    """The alert that ends the handshake becomes the same words as a refusal."""
    issuer = client_certificate(tmp_path, "ca@localhost")
    client = client_certificate(tmp_path, "alice@localhost")
    mapping = CertMapping(issuer=issuer, subject="alice@localhost", user="alice")
    with node(tmp_path, mapping) as (server, sha256):
        with pytest.raises(NotLetIn, match="does not accept the client certificate"):
            list(link(server, sha256, client).run("x", b""))

        assert server.http_requests == 0


def test_a_name_counts_only_with_its_issuer(tmp_path: Path) -> None:
    """An authority that may name bobs cannot name an alice."""
    ours, theirs = (client_certificate(tmp_path, f"{name}@localhost") for name in ("ca", "other"))
    client = client_certificate(tmp_path, "alice@localhost", issuer=theirs)
    mappings = (
        CertMapping(issuer=ours, subject="alice@*", user="alice"),
        CertMapping(issuer=theirs, subject="bob@*", user="bob"),
    )
    with node(tmp_path, *mappings) as (server, sha256), pytest.raises(NotLetIn):
        list(link(server, sha256, client).run("x", b""))


def test_a_mapping_to_nobody_lets_nobody_in(tmp_path: Path) -> None:
    """The user must exist on the node."""
    client = client_certificate(tmp_path, "alice@localhost")
    mapping = CertMapping(issuer=client, subject="*", user="nobody")
    with node(tmp_path, mapping) as (server, sha256), pytest.raises(NotLetIn):
        list(link(server, sha256, client).run("x", b""))


class NewestTls(HTTPAdapter):
    """Speaks TLS 1.3, as any client does that sets no limit."""

    def init_poolmanager(self, *args: object, **more: object) -> None:
        more |= {"ssl_minimum_version": ssl.TLSVersion.TLSv1_3, "assert_hostname": False}
        super().init_poolmanager(*args, **more)  # type: ignore[arg-type] # passed on


def test_over_tls_1_3_the_node_sees_no_certificate(tmp_path: Path) -> None:
    """Which is why the link keeps to TLS 1.2 with this scheme."""
    client = client_certificate(tmp_path, "alice@localhost")
    mapping = CertMapping(issuer=client, subject="*", user="alice")
    with node(tmp_path, mapping) as (server, _), requests.Session() as session:
        session.trust_env = False
        session.mount("https://", NewestTls())
        reply = session.post(
            server.url,
            headers={"Authorization": CLIENT_CERTIFICATE},
            cert=str(client),
            verify=str(tmp_path / "node.pem"),
            timeout=5,
        )

    assert reply.status_code == 401
