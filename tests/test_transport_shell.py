"""Commands over WinRM against an endpoint that misbehaves on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest
from certificates import certificate
from wsman_stub import Stub, fault, serving

from wincnode.errors import BadReply, NodeRefused, NodeUnreachable, NotLetIn, UntrustedNode
from wincnode.transport import ConnectionLost, ConnectionSettings
from wincnode.transport.shell import WinrmTransport


def link_to(stub: Stub, **more: object) -> WinrmTransport:
    """Return a link with Basic to a stub."""
    settings: dict[str, object] = {
        "address": "127.0.0.1",
        "port": stub.port,
        "scheme": "http",
        "auth": "basic",
        "user": "alice",
        "password": "pass-1",
        "allow_unencrypted": True,
    }
    return WinrmTransport(
        ConnectionSettings(**(settings | more)),  # type: ignore[arg-type] # test data
        resend_delays_s=(0, 0),
        quota_delays_s=(),
    )


def test_lines_exit_code_and_stderr_of_two_commands_in_one_shell() -> None:
    """One shell and one connection serve several commands; every command gets its Signal."""
    with serving(Stub()) as stub:
        link = link_to(stub)
        first = list(link.run("whoami", b"in"))
        seen = link.exit_code, link.stderr
        second = list(link.run("whoami", b""))
        link.close()

    assert (first, seen, second) == ([b"one", b"two"], (0xFFFFFFFF, b"oops"), [])
    assert stub.asked == [
        *["Create", "Command", "Send", "Receive", "Receive", "Receive", "Signal"],
        *["Command", "Send", "Receive", "Signal", "Delete"],
    ]
    assert stub.connections == 1
    assert 'Name="WINRS_CODEPAGE">65001<' in stub.bodies[0]
    assert 'Name="WINRS_CONSOLEMODE_STDIN">FALSE<' in stub.bodies[1]
    assert all(">512000<" in body for body in stub.bodies)


def test_stdin_is_cut_and_ends_once() -> None:
    """A megabyte of stdin arrives whole, in parts that fit the envelope."""
    data = bytes(range(256)) * 4096
    with serving(Stub()) as stub:
        list(link_to(stub).run("cat", data))

    assert stub.stdin == data
    assert stub.ended
    assert stub.asked.count("Send") == 3
    assert sum('End="true"' in body for body in stub.bodies) == 1
    assert max(map(len, stub.bodies)) < 512_000


def test_stdin_parts_shrink_for_a_small_envelope() -> None:
    """A node that answers 413 gets smaller parts, and every byte once."""

    def small(stub: Stub, action: str, body: str) -> tuple[int, str] | None:
        return (413, "") if len(body) > 153_600 else stub.sound(action, body)

    data = bytes(range(256)) * 2000
    with serving(Stub(answer=small)) as stub:
        list(link_to(stub).run("cat", data))

    assert stub.stdin == data


def test_a_lost_receive_reply_is_asked_for_again_with_the_same_message() -> None:
    """The output whose reply got lost still arrives, because the MessageID stays the same."""
    lost: list[str] = []

    def once(stub: Stub, action: str, body: str) -> tuple[int, str] | None:
        answer = stub.sound(action, body)
        if action == "Receive" and not lost:
            lost.append(body)
            return None
        return answer

    with serving(Stub(answer=once)) as stub:
        lines = list(link_to(stub).run("x", b""))

    assert lines == [b"one", b"two"]
    assert stub.bodies.count(lost[0]) == 2


def test_a_link_that_stays_lost_is_told_apart() -> None:
    """After its resends the caller learns that it may attach again; the end is tidied up."""

    def never(stub: Stub, action: str, body: str) -> tuple[int, str] | None:
        return None if action == "Receive" else stub.sound(action, body)

    with serving(Stub(answer=never)) as stub, pytest.raises(ConnectionLost):
        list(link_to(stub).run("x", b""))

    assert stub.asked[-5:] == ["Receive", "Receive", "Receive", "Signal", "Delete"]


def test_no_output_yet_is_no_error() -> None:
    """Fault 2150858793 means that the next Receive may bring something."""
    quiet: list[str] = []

    def late(stub: Stub, action: str, body: str) -> tuple[int, str] | None:
        if action == "Receive" and len(quiet) < 3:
            quiet.append(body)
            return fault(2150858793)
        return stub.sound(action, body)

    with serving(Stub(answer=late)) as stub:
        assert list(link_to(stub).run("x", b"")) == [b"one", b"two"]

    assert len(set(quiet)) == 3


def test_a_wrong_password_is_tried_once() -> None:
    """A 401 is final, for later runs on the same link too: lock-out counts every attempt."""
    challenge = {"WWW-Authenticate": 'Basic realm="WSMAN"'}
    with serving(Stub(answer=lambda *_: (401, ""), headers=challenge)) as stub:
        link = link_to(stub)
        for _ in range(2):
            with pytest.raises(NotLetIn, match="password of alice") as caught:
                list(link.run("x", b""))
        link.close()

    assert len(stub.asked) == 1
    assert "pass-1" not in str(caught.value)


def test_schemes_that_the_node_offers_are_named() -> None:
    """A scheme that is off on the node is no wrong password."""
    challenge = {"WWW-Authenticate": "Negotiate, Kerberos"}
    with (
        serving(Stub(answer=lambda *_: (401, ""), headers=challenge)) as stub,
        pytest.raises(NotLetIn, match="it offers kerberos, negotiate"),
    ):
        list(link_to(stub).run("x", b""))


@pytest.mark.parametrize(
    ("code", "wmi", "error", "word"),
    [
        (5, False, NotLetIn, "access denied"),
        (2150859173, True, NodeRefused, "shells"),
        (2150859174, True, NodeRefused, "operations"),
        (2150859180, False, NodeRefused, "remote shells"),
        (87, False, NodeRefused, "fault 87"),
    ],
)
def test_faults_become_errors(code: int, wmi: bool, error: type[Exception], word: str) -> None:
    """Codes decide, because texts are in the node's language."""
    with (
        serving(Stub(answer=lambda *_: fault(code, wmi=wmi))) as stub,
        pytest.raises(error, match=word),
    ):
        list(link_to(stub).run("x", b""))


@pytest.mark.parametrize("status", [200, 404, 502])
def test_a_web_page_is_not_winrm(status: int) -> None:
    """What answers is shown, without what could steer a terminal."""
    page = "<!DOCTYPE html><h1>It\x1b[31m works</h1>" + "x" * 5000
    with (
        serving(Stub(answer=lambda *_: (status, page))) as stub,
        pytest.raises(BadReply, match="not WinRM") as caught,
    ):
        list(link_to(stub).run("x", b""))

    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_redirects_are_refused() -> None:
    """The password goes to the node that was named, nowhere else."""
    with serving(Stub()) as other:
        target = {"Location": f"http://127.0.0.1:{other.port}/wsman"}
        with (
            serving(Stub(answer=lambda *_: (307, ""), headers=target)) as stub,
            pytest.raises(BadReply, match="redirect"),
        ):
            list(link_to(stub).run("x", b""))

    assert other.asked == []


def test_a_flood_is_cut_off() -> None:
    """A reply of more than 16 MiB is not read to its end."""
    with (
        serving(Stub(answer=lambda *_: (200, "<a>" + " " * (17 << 20)))) as stub,
        pytest.raises(BadReply, match="bytes"),
    ):
        list(link_to(stub).run("x", b""))


@pytest.mark.parametrize("reply", ["<a/>", "<a>", "", "<!DOCTYPE a []><a/>", "no"])
def test_odd_replies_are_the_nodes_fault(reply: str) -> None:
    """Whatever is no WS-Management ends as BadReply, never as a traceback."""
    with serving(Stub(answer=lambda *_: (200, reply))) as stub, pytest.raises(BadReply):
        list(link_to(stub).run("x", b""))


def test_leaving_early_ends_the_command() -> None:
    """Closing the iterator sends the Signal; the shell stays for the next command."""
    with serving(Stub()) as stub:
        link = link_to(stub)
        lines = link.run("x", b"")
        next(iter(lines))
        lines.close()  # type: ignore[attr-defined] # a generator
        link.close()

    assert stub.asked[-2:] == ["Signal", "Delete"]


def test_a_vanished_shell_is_replaced() -> None:
    """A shell that idled away between two commands costs a new one, not an error."""
    gone: list[int] = []

    def vanish(stub: Stub, action: str, body: str) -> tuple[int, str] | None:
        if action == "Command" and stub.asked.count("Command") == 2 and not gone:
            gone.append(1)
            return fault(2150858843)
        return stub.sound(action, body)

    with serving(Stub(answer=vanish)) as stub:
        link = link_to(stub)
        list(link.run("x", b""))
        list(link.run("x", b""))

    assert stub.asked.count("Create") == 2


def test_proxies_and_netrc_are_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Traffic to a node never leaves by the workstation's proxy or with another's password."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password wrong\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with serving(Stub()) as stub:
        assert list(link_to(stub).run("x", b"")) == [b"one", b"two"]

    assert len(set(stub.authorizations)) == 1


def test_certificates(tmp_path: Path) -> None:
    """A CA file or the right pin lets in; without them nothing is sent but a handshake."""
    pem, sha256 = certificate(tmp_path)
    with serving(Stub(), certificate=pem) as stub:
        with pytest.raises(UntrustedNode, match="CN=win1") as caught:
            list(link_to(stub, scheme="https").run("x", b""))
        shown = str(caught.value).replace(":", "").lower()
        with pytest.raises(UntrustedNode, match="not the pinned one"):
            list(link_to(stub, scheme="https", fingerprint="00" * 32).run("x", b""))
        refused = list(stub.asked)
        by_pin = list(link_to(stub, scheme="https", fingerprint=sha256.upper()).run("x", b""))
        by_ca = list(link_to(stub, scheme="https", ca_file=str(pem)).run("x", b""))

    assert sha256 in shown
    assert refused == []
    assert (by_pin, by_ca) == ([b"one", b"two"], [])


def test_a_client_certificate_keeps_to_tls_1_2(tmp_path: Path) -> None:
    """HTTP.sys asks for it by a renegotiation, which TLS 1.3 has not; no password is sent."""
    pem, sha256 = certificate(tmp_path)
    more = {"auth": "certificate", "cert_file": str(pem), "key_file": str(pem)}
    with serving(Stub(client_ca=pem), certificate=pem) as stub:
        link = link_to(stub, scheme="https", fingerprint=sha256, **more)
        assert list(link.run("x", b"")) == [b"one", b"two"]
        link.close()

    assert stub.tls_versions == ["TLSv1.2"]
    assert set(stub.authorizations) == {
        "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
    }


def test_http_on_the_tls_port_and_tls_on_the_http_port(tmp_path: Path) -> None:
    """Each mix-up of the two ports is named."""
    pem, _ = certificate(tmp_path)
    with serving(Stub(), certificate=pem) as stub, pytest.raises(NodeUnreachable) as plain:
        list(link_to(stub).run("x", b""))
    with serving(Stub()) as stub, pytest.raises(NodeUnreachable) as tls:
        list(link_to(stub, scheme="https").run("x", b""))

    assert "5986 speaks https" in plain.value.remedy
    assert tls.value.id == "link.not-tls"


def test_a_command_whose_reply_is_lost_may_have_started() -> None:
    """It is not sent twice: the caller attaches to whatever started."""

    def lost(stub: Stub, action: str, body: str) -> tuple[int, str] | None:
        return None if action == "Command" else stub.sound(action, body)

    with serving(Stub(answer=lost)) as stub, pytest.raises(ConnectionLost):
        list(link_to(stub).run("x", b""))

    assert stub.asked == ["Create", "Command", "Delete"]
