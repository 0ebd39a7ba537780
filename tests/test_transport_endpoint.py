"""What settings say before a packet leaves, and what sockets say when none arrives."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import pytest

from wincnode.errors import ConfigError, NodeUnreachable
from wincnode.transport import ConnectionSettings, endpoint, open_transport
from wincnode.transport.local import LocalTransport


@pytest.mark.parametrize(
    ("address", "scheme", "port", "url"),
    [
        ("win1", "https", 0, "https://win1:5986/wsman"),
        ("win1.lab.example", "http", 0, "http://win1.lab.example:5985/wsman"),
        ("10.0.0.7", "https", 443, "https://10.0.0.7:443/wsman"),
        ("::1", "http", 0, "http://[::1]:5985/wsman"),
        ("[2001:DB8::7]", "https", 0, "https://[2001:db8::7]:5986/wsman"),
        ("fe80::1%eth0", "https", 0, "https://[fe80::1%25eth0]:5986/wsman"),
        ("bücher.example", "https", 0, "https://xn--bcher-kva.example:5986/wsman"),
    ],
)
def test_url(address: str, scheme: str, port: int, url: str) -> None:
    """The URL names the host that was given; pywinrm's own builder mangles IPv6 literals."""
    settings = ConnectionSettings(address=address, scheme=scheme, port=port)  # type: ignore[arg-type] # test data

    assert endpoint.endpoint_url(settings) == url


@pytest.mark.parametrize(
    "address",
    [
        "",
        "bad host",
        "http://win1",
        "u@win1",
        "win1/x",
        "win1:5986",
        "-x",
        "a..b",
        "1::2::3",
        "x\n",
    ],
)
def test_addresses_that_are_none(address: str) -> None:
    """Anything but a bare name or an IP literal is refused, never half used."""
    with pytest.raises(ConfigError):
        endpoint.host_of(address)


@pytest.mark.parametrize("text", ["sha256:" + "AB:" * 31 + "AB", "ab" * 32, "AB " * 32])
def test_fingerprint_spellings(text: str) -> None:
    """The spellings of Windows, openssl and browsers are one fingerprint."""
    assert endpoint.normal_fingerprint(text) == "ab" * 32


def test_a_sha1_thumbprint_is_refused() -> None:
    """The thumbprint that Windows shows is too weak to pin by."""
    with pytest.raises(ConfigError, match="SHA-256"):
        endpoint.normal_fingerprint("ab" * 20)


@pytest.mark.parametrize(
    "more",
    [
        {"scheme": "http", "auth": "basic"},
        {"scheme": "http", "auth": "certificate"},
        {"scheme": "http", "fingerprint": "ab" * 32},
        {"auth": "certificate", "cert_file": "/no/such", "key_file": "/no/such"},
        {"ca_file": "/no/such"},
        {"user": ""},
        {"port": 70000},
        {"read_timeout_s": 20},
    ],
)
def test_contradictions_are_refused_before_any_packet(more: dict[str, object]) -> None:
    """What cannot work, or would show the password, is a mistake of the configuration."""
    settings: dict[str, object] = {"address": "win1", "user": "alice", "password": "pass-1"}
    with pytest.raises(ConfigError) as caught:
        open_transport(ConnectionSettings(**(settings | more)))  # type: ignore[arg-type] # test data

    assert "pass-1" not in str(caught.value)


def test_the_password_has_no_repr() -> None:
    """Settings in a traceback or a log show no password."""
    assert "pass-1" not in repr(ConnectionSettings(password="pass-1"))


@pytest.fixture
def bound() -> Iterator[socket.socket]:
    """Give a socket that is bound on loopback and does not listen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken


def reached(port: int, **more: object) -> NodeUnreachable:
    """Return the error of one attempt on a loopback port."""
    settings: dict[str, object] = {"address": "127.0.0.1", "port": port, "scheme": "http"}
    settings |= {"user": "alice", "password": "pass-1"} | more
    link = open_transport(ConnectionSettings(**settings))  # type: ignore[arg-type] # test data
    with pytest.raises(NodeUnreachable) as caught:
        list(link.run("x", b""))
    link.close()
    return caught.value


def test_nothing_listens(bound: socket.socket) -> None:
    """A refused connection says so at once."""
    assert reached(bound.getsockname()[1]).id == "link.refused"


@pytest.mark.skipif(sys.platform != "linux", reason="fills the accept queue as Linux counts it")
def test_a_black_hole_costs_the_connect_timeout(bound: socket.socket) -> None:
    """Dropped packets cost the connect timeout, not the read timeout."""
    bound.listen(0)
    waiting = [socket.socket() for _ in range(4)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(bound.getsockname())

    error = reached(bound.getsockname()[1], connect_timeout_s=0.1)

    for one in waiting:
        one.close()
    assert error.id == "link.no-answer"
    assert "0.1 s" in str(error)


def test_an_unknown_name() -> None:
    """A name that does not resolve is told apart from a node that is off."""
    assert reached(5985, address="no-such-node.invalid").id == "link.name"


def test_local_refuses_another_host() -> None:
    """PowerShell on this host means this host is Windows."""
    with pytest.raises(ConfigError, match="not Windows"):
        LocalTransport(platform="linux")


@pytest.mark.skipif(sys.platform == "win32", reason="uses cat")
def test_local_streams_lines_and_keeps_the_exit_code() -> None:
    """Stdin goes in whole while stdout comes out, however large both are."""
    link = LocalTransport(platform="win32")
    data = b"line\r\n" * 200_000

    lines = list(link.run("cat", data))

    assert (len(lines), set(lines), link.exit_code, link.stderr) == (200_000, {b"line"}, 0, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="uses cat")
def test_local_ends_the_child_when_left_early() -> None:
    """Closing the iterator ends the command."""
    lines = LocalTransport(platform="win32").run("yes", b"")

    assert next(lines) == b"y"
    lines.close()  # type: ignore[attr-defined] # a generator
