"""The link and the lab's server, which any other WinRM client can use too, talk to each other."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from certificates import certificate
from echo_engine import EchoEngine
from lab_links import USERS, link_to

from wincnode.errors import BadReply, NodeUnreachable, NotLetIn, UntrustedNode
from wincnode.lab.faults import Faults
from wincnode.lab.server import WsmanServer
from wincnode.transport import ConnectionLost


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
def test_http(auth: str) -> None:
    """Plain Basic and sealed NTLM carry a command both ways, twice in one shell."""
    data = b"line \xe6\x97\xa5\r\n" * 50_000
    server = WsmanServer(EchoEngine(), users=USERS, allow_unencrypted=auth == "basic")
    with server:
        link = link_to(server, auth=auth, allow_unencrypted=True)
        lines = list(link.run("x", data))
        again = list(link.run("x", b""))
        seen = link.exit_code, link.stderr
        link.close()

    assert (lines[0], len(lines), set(lines[1:])) == (b"500000", 50_001, {b"line \xe6\x97\xa5"})
    assert (again, seen) == ([b"0"], (0, b""))
    assert server.requests.count("Create") == 1
    assert server.requests[-1] == "Delete"


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
def test_https_by_ca_and_by_pin(auth: str, tmp_path: Path) -> None:
    """The server is trusted by its authority or by its fingerprint."""
    pem, sha256 = certificate(tmp_path)
    with WsmanServer(EchoEngine(), users=USERS, tls=(pem, pem)) as server:
        for trust in ({"ca_file": str(pem)}, {"fingerprint": sha256}):
            link = link_to(server, auth=auth, **trust)
            assert list(link.run("x", b"ab\n")) == [b"3", b"ab"]
            link.close()


@pytest.mark.parametrize("trust", [{}, {"fingerprint": "00" * 32}])
def test_no_request_reaches_an_untrusted_server(trust: dict[str, str], tmp_path: Path) -> None:
    """Credentials leave only after the certificate was accepted."""
    pem, _ = certificate(tmp_path)
    with WsmanServer(EchoEngine(), users=USERS, tls=(pem, pem)) as server:
        with pytest.raises(UntrustedNode, match="CN=win1"):
            list(link_to(server, auth="basic", **trust).run("x", b""))

        assert server.http_requests == 0


def test_a_wrong_password_is_one_handshake() -> None:
    """The blank message, the challenge and one answer: three requests, whatever follows."""
    with WsmanServer(EchoEngine(), users=USERS) as server:
        link = link_to(server, password="pass-2")
        for _ in range(2):
            with pytest.raises(NotLetIn, match="password of alice"):
                list(link.run("x", b""))
        link.close()

        assert server.http_requests == 3


def test_a_scheme_that_is_off_is_named() -> None:
    """The message lists what the server offers instead."""
    with WsmanServer(EchoEngine(), users=USERS, auth=("ntlm",), allow_unencrypted=True) as server:
        with pytest.raises(NotLetIn, match="does not offer basic; it offers negotiate"):
            list(link_to(server, auth="basic", allow_unencrypted=True).run("x", b""))


@pytest.mark.parametrize("number", [4, 5])
@pytest.mark.parametrize("when", ["drop_before", "drop_at_request"])
def test_a_dropped_receive_loses_nothing(number: int, when: str) -> None:
    """Whether the request or its reply is lost, the output arrives once."""
    faults = Faults(**{when: number})  # type: ignore[arg-type] # an integer field by name
    with WsmanServer(EchoEngine(), users=USERS, faults=faults) as server:
        assert list(link_to(server).run("x", b"abc\n")) == [b"4", b"abc"]


def test_a_dropped_command_is_not_sent_twice() -> None:
    """The caller learns that it may have started."""
    with WsmanServer(EchoEngine(), users=USERS, faults=Faults(drop_at_request=2)) as server:
        with pytest.raises(ConnectionLost):
            list(link_to(server).run("x", b""))

        assert server.requests.count("Command") == 1


def test_a_proxys_page_is_not_winrm() -> None:
    """An HTML answer on a sealed session is shown as what it is."""
    with (
        WsmanServer(EchoEngine(), users=USERS, faults=Faults(garbage=True)) as server,
        pytest.raises(BadReply, match=r"not WinRM.*502 Bad Gateway"),
    ):
        list(link_to(server).run("x", b""))


def test_threads_of_many_nodes_leave_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them sets NO_PROXY for a moment, which another one would then miss."""
    seen: list[str] = []

    class Watched(dict[str, str]):
        def __setitem__(self, name: str, value: str) -> None:
            seen.append(name)
            super().__setitem__(name, value)

    with WsmanServer(EchoEngine(), users=USERS) as server:
        monkeypatch.setattr(os, "environ", Watched(os.environ))
        link = link_to(server)
        list(link.run("x", b""))
        link.close()

    assert [name for name in seen if "proxy" in name.lower()] == []


def test_a_node_that_answers_nothing_costs_the_connect_timeout() -> None:
    """Its first answer checks no password, so that it is soon there or never."""
    with WsmanServer(EchoEngine(), users=USERS, faults=Faults(black_hole=True)) as server:
        began = time.monotonic()
        with pytest.raises(NodeUnreachable) as caught:
            list(link_to(server, connect_timeout_s=0.2).run("x", b""))

    assert caught.value.id == "link.silent"
    assert time.monotonic() - began < 5


def test_a_node_that_has_answered_may_take_longer() -> None:
    """Passwords may be checked far away, and a shell may take long to start."""
    with WsmanServer(EchoEngine(), users=USERS) as server:
        link = link_to(server, connect_timeout_s=0.2)

        def slow(number: int) -> None:
            server.faults = Faults(delay_s=0.5 if number == 1 else 0.0)

        server.on_request.append(slow)
        assert list(link.run("x", b"")) == [b"0"]
        link.close()
