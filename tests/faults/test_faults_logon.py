"""F14, F15 and F18 to F20: passwords, schemes, tickets and rights."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from certificates import certificate
from echo_engine import EchoEngine
from fault_rows import PREFLIGHT, Row, Run, fault, raised
from lab_links import USERS, link_to

from wincnode.errors import NodeError
from wincnode.lab.nodes import LabNode
from wincnode.lab.server import WsmanServer
from wincnode.transport import errors_map

Lab = Callable[..., LabNode]
HTTPS = "  scheme: https\n  auth: ntlm\n"


@fault(
    "F14",
    "the password is wrong",
    does="makes one attempt; of many nodes, three are tried and the others not",
    error="link.password",
    exit_code=4,
    rehearse=("deny",),
)
def test_f14_a_wrong_password(row: Row, run: Run, lab: Lab) -> None:
    """Of many nodes: tests/test_lockout.py."""
    node = lab("deny")

    end = run(*PREFLIGHT)

    row.holds(end)
    assert "one attempt was made" in end.message
    # A blank request, the challenge's answer; no operation.
    assert (node.server.requests, node.server.http_requests) == ([], 3)


@fault(
    "F15",
    "the node does not offer the scheme, or no Basic over http",
    does="names what it offers, and the setting that goes with that",
    error="link.scheme",
    exit_code=4,
    rehearse=("credssp-only",),
)
@pytest.mark.parametrize(
    ("faults", "connection", "offers", "remedy"),
    [
        (("credssp-only",), "", "does not offer ntlm; it offers credssp", "`auth: credssp`"),
        (
            (),
            "  scheme: http\n  auth: basic\n  allow_unencrypted: true\n",
            "does not offer basic; it offers negotiate",
            "Set `auth: ntlm`",
        ),
    ],
)
def test_f15_a_scheme_that_is_not_offered(
    faults: tuple[str, ...], connection: str, offers: str, remedy: str, row: Row, run: Run, lab: Lab
) -> None:
    lab(*faults, connection=connection)

    end = run(*PREFLIGHT)

    row.holds(end)
    assert offers in end.message
    assert remedy in end.message


@fault(
    "F18",
    "the port speaks TLS and http is sent, or the other way round",
    does="names the mix-up; the other way round it is link.not-tls",
    error="link.tls",
    exit_code=4,
    rehearse=("tls",),
)
def test_f18_http_where_tls_is_spoken(row: Row, run: Run, lab: Lab) -> None:
    lab("tls")

    end = run(*PREFLIGHT)

    row.holds(end)
    assert "set `scheme: https`" in end.message

    lab(connection=HTTPS, name="web-2")
    other = run("preflight", "web-2", "-o", "json")
    assert (other.ids[0], other.exit_code) == ("link.not-tls", 4)


class KerberosExchangeError(Exception):
    """As requests-kerberos raises it from what GSSAPI says."""


@fault(
    "F19",
    "Kerberos: clocks that differ by more than 5 minutes, no principal of that name, an address in"
    " place of a name; a proxy that ends TLS before a node that wants channel bindings",
    does="tells the first three by ids of their own, link.spn for the names; the node's refusal of a"
    " binding looks as that of a password, so the remedy speaks of the proxy",
    error="link.clock-skew",
    exit_code=4,
)
@pytest.mark.parametrize(
    ("said", "id", "remedy"),
    [
        ("Clock skew too great", "link.clock-skew", "w32tm /resync"),
        ("Server not found in Kerberos database", "link.spn", "setspn -L"),
        (
            "Server krbtgt/10.0.0.5@LAB.EXAMPLE not found in Kerberos database",
            "link.spn",
            "not by an address",
        ),
    ],
)
def test_f19_kerberos_has_ids_of_its_own(said: str, id: str, remedy: str, row: Row) -> None:
    """The texts are MIT's; a realm of its own has tests/test_transport_kerberos.py."""
    failure = KerberosExchangeError("authGSSClientStep() failed")
    failure.__context__ = OSError(("Unspecified GSS failure", 851968), (said, -1765328347))
    end = raised(errors_map.kerberos_error("web-1:5985", failure, user="alice"))

    assert (end.ids, end.exit_code) == ((id,), row.exit_code)
    assert said in end.text
    assert remedy in end.text


@contextmanager
def tls_proxy(pem: Path, port: int) -> Iterator[int]:
    """Run what ends TLS with a certificate of its own and begins another one to a port."""
    mine = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    mine.load_cert_chain(pem)
    other = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    other.check_hostname, other.verify_mode = False, ssl.CERT_NONE

    def pump(source: ssl.SSLSocket, target: ssl.SSLSocket) -> None:
        with source, target:
            try:
                while data := source.recv(65536):
                    target.sendall(data)
            except OSError:
                return

    def serve() -> None:
        while True:
            try:
                accepted, _ = listening.accept()
                near = mine.wrap_socket(accepted, server_side=True)
            except OSError:
                return
            far = other.wrap_socket(socket.create_connection(("127.0.0.1", port)))
            for pair in ((near, far), (far, near)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


def test_f19_a_proxy_that_ends_tls_is_spoken_of(tmp_path: Path) -> None:
    """The node refuses the binding to the proxy's certificate, and says no more than 401."""
    pem, _ = certificate(tmp_path)
    proxy = tmp_path / "proxy"
    proxy.mkdir()
    shown, sha256 = certificate(proxy)
    with (
        WsmanServer(EchoEngine(), users=USERS, tls=(pem, pem), hardening="Strict") as server,
        tls_proxy(shown, server.port) as port,
        pytest.raises(NodeError) as caught,
    ):
        list(link_to(server, port=port, fingerprint=sha256).run("x", b""))

    assert (caught.value.id, caught.value.exit_code) == ("link.password", 4)
    assert "a proxy that ends TLS on the way breaks the channel binding" in caught.value.remedy
    assert server.requests == []


@fault(
    "F20",
    "the account is no administrator, or UAC filters its token",
    does="says so before anything else, with LocalAccountTokenFilterPolicy",
    error="link.access-denied",
    exit_code=4,
    rehearse=("not-admin", "sec.admin"),
)
def test_f20_an_account_without_rights(row: Row, run: Run, lab: Lab) -> None:
    """Where WinRM lets it in all the same, the check sec.admin blocks the node."""
    node = lab("not-admin")

    end = run(*PREFLIGHT)

    row.holds(end)
    assert "LocalAccountTokenFilterPolicy=1" in end.message
    assert node.server.requests == ["Create"]

    lab(profile="sec.admin", name="web-2")
    filtered = run("apply", "playbook.yaml", "web-2", "-o", "json")
    assert (filtered.exit_code, "sec.admin" in filtered.ids) == (5, True)
