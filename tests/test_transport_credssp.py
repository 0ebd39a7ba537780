"""CredSSP, the scheme that gives the node the password, against the lab's server."""

from __future__ import annotations

from pathlib import Path

import pytest
from certificates import certificate
from echo_engine import EchoEngine
from lab_links import USERS, link_to

from wincnode.errors import NotLetIn
from wincnode.lab.faults import Faults
from wincnode.lab.server import WsmanServer


def test_over_http_messages_of_any_length_are_sealed_both_ways() -> None:
    """What is longer than a TLS record travels in several parts."""
    data = b"line \xe6\x97\xa5\r\n" * 50_000
    with WsmanServer(EchoEngine(), users=USERS, auth=("credssp",)) as server:
        link = link_to(server, auth="credssp")
        lines = list(link.run("x", data))
        again = list(link.run("x", b""))
        link.close()

    assert (lines[0], len(lines), set(lines[1:])) == (b"500000", 50_001, {b"line \xe6\x97\xa5"})
    assert again == [b"0"]
    assert (server.requests.count("Create"), server.requests[-1]) == (1, "Delete")


def test_over_https_it_works_too(tmp_path: Path) -> None:
    """The listener's TLS and that of CredSSP are two."""
    pem, sha256 = certificate(tmp_path)
    with WsmanServer(
        EchoEngine(), users=USERS, auth=("credssp",), tls=(pem, pem), hardening="Strict"
    ) as server:
        link = link_to(server, auth="credssp", fingerprint=sha256)
        assert list(link.run("x", b"ab\n")) == [b"3", b"ab"]
        link.close()


def test_a_wrong_password_is_one_attempt() -> None:
    """Later commands on the link do not try again, and closing it does not either."""
    with WsmanServer(EchoEngine(), users=USERS, auth=("credssp",)) as server:
        link = link_to(server, auth="credssp", password="pass-2")
        with pytest.raises(NotLetIn, match="password of alice") as caught:
            list(link.run("x", b""))
        asked = server.http_requests
        with pytest.raises(NotLetIn):
            list(link.run("x", b""))
        link.close()

        assert (server.http_requests, server.requests) == (asked, [])
    assert "pass-2" not in str(caught.value)


def test_where_it_is_off_the_offered_schemes_are_named() -> None:
    """CredSSP is off by default on Windows, so this is the usual answer."""
    with WsmanServer(EchoEngine(), users=USERS, auth=("ntlm",)) as server:
        with pytest.raises(NotLetIn, match="does not offer credssp; it offers negotiate"):
            list(link_to(server, auth="credssp").run("x", b""))


def test_a_lost_reply_is_fetched_on_a_new_connection() -> None:
    """A new connection means a new handshake and new keys; the output arrives once."""
    faults = Faults(drop_at_request=4)
    with WsmanServer(EchoEngine(), users=USERS, auth=("credssp",), faults=faults) as server:
        assert list(link_to(server, auth="credssp").run("x", b"abc\n")) == [b"4", b"abc"]
