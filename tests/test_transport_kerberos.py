"""Kerberos tickets against the lab's server, in a realm on loopback."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import kdc
import pytest
from certificates import certificate
from echo_engine import EchoEngine
from lab_links import link_to

from wincnode.errors import ConfigError, NotLetIn
from wincnode.lab.server import WsmanServer
from wincnode.transport import ConnectionSettings, open_transport

USER = f"alice@{kdc.REALM}"
ABSENT = [
    *kdc.missing(),
    *(name for name in ("kerberos", "gssapi", "krb5") if importlib.util.find_spec(name) is None),
]
REQUIRED = bool(os.environ.get("WINCNODE_REQUIRE_KERBEROS"))
REALM = pytest.mark.skipif(
    bool(ABSENT) and not REQUIRED, reason=f"not installed: {', '.join(ABSENT)}"
)


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run a realm in which alice has a ticket."""
    folder = tmp_path_factory.mktemp("realm")
    with kdc.realm(folder, user="alice", password="pass-1") as environment:
        yield environment


@pytest.fixture
def ticket(realm: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process find the realm, the ticket and the service's key."""
    for name, value in realm.items():
        monkeypatch.setenv(name, value)


@REALM
@pytest.mark.usefixtures("ticket")
def test_over_http_messages_are_sealed() -> None:
    """The ticket is enough: no password, and no challenge before the first message."""
    data = b"line \xe6\x97\xa5\r\n" * 50_000
    with WsmanServer(EchoEngine(), users={}, auth=("kerberos",)) as server:
        link = link_to(server, auth="kerberos", user=USER, password="")
        lines = list(link.run("x", data))
        link.close()

    assert (lines[0], len(lines)) == (b"500000", 50_001)
    assert server.http_requests == len(server.requests) + 1


@REALM
@pytest.mark.usefixtures("ticket")
def test_over_https(tmp_path: Path) -> None:
    """TLS seals, the ticket lets in."""
    pem, sha256 = certificate(tmp_path)
    with WsmanServer(EchoEngine(), users={}, auth=("kerberos",), tls=(pem, pem)) as server:
        link = link_to(server, auth="kerberos", user=USER, password="", fingerprint=sha256)
        assert list(link.run("x", b"ab\n")) == [b"3", b"ab"]
        link.close()


@REALM
@pytest.mark.usefixtures("ticket")
def test_without_a_ticket_nothing_is_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The remedy is kinit."""
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path}/none")
    with WsmanServer(EchoEngine(), users={}, auth=("kerberos",)) as server:
        with pytest.raises(NotLetIn, match="Kerberos failed: Can't find client") as caught:
            list(link_to(server, auth="kerberos", user=USER, password="").run("x", b""))

        assert server.http_requests == 0
    assert f"kinit {USER}" in caught.value.remedy


@REALM
@pytest.mark.usefixtures("ticket")
def test_a_ticket_that_the_node_refuses() -> None:
    """A node outside the realm offers Negotiate as well, so the message speaks of the ticket."""
    with WsmanServer(EchoEngine(), auth=("ntlm",)) as server:
        with pytest.raises(NotLetIn, match=f"refused the Kerberos ticket of {USER}"):
            list(link_to(server, auth="kerberos", user=USER, password="").run("x", b""))

        assert server.requests == []


@pytest.mark.skipif("kerberos" not in ABSENT, reason="the kerberos extra is installed")
def test_without_the_extra_the_remedy_is_to_install_it() -> None:
    """It is an extra because it is built from C; the others do without."""
    settings = ConnectionSettings(address="127.0.0.1", port=9, auth="kerberos", user=USER)
    with pytest.raises(ConfigError, match="kerberos") as caught:
        open_transport(settings)

    assert "pip install wincnode[kerberos]" in caught.value.remedy
