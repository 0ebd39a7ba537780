"""The lab's WS-Management server, spoken to with pywinrm as it is."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
import xmltodict
from echo_engine import EchoEngine
from winrm import Protocol, Session
from winrm.exceptions import (
    InvalidCredentialsError,
    WinRMOperationTimeoutError,
    WinRMTransportError,
    WSManFaultError,
)

from wincnode.lab.faults import Faults
from wincnode.lab.sealing import Part, UnsealError, framed, parse_parts
from wincnode.lab.server import WsmanServer

USER, PASSWORD = "Administrator", "password"


@pytest.fixture
def node() -> Iterator[WsmanServer]:
    """Give a node that speaks plain http with sealed NTLM, as Windows does by default."""
    with WsmanServer(EchoEngine()) as server:
        yield server


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Give certificate, key and CA of 127.0.0.1 as PEM files."""
    folder = tmp_path_factory.mktemp("tls")
    ca = trustme.CA()
    issued = ca.issue_cert("127.0.0.1")
    paths = folder / "cert.pem", folder / "key.pem", folder / "ca.pem"
    issued.cert_chain_pems[0].write_to_path(paths[0])
    issued.private_key_pem.write_to_path(paths[1])
    ca.cert_pem.write_to_path(paths[2])
    return paths


def protocol(server: WsmanServer, **changes: Any) -> Protocol:
    """Give pywinrm's Protocol for a server."""
    options = {"transport": "ntlm", "username": USER, "password": PASSWORD, "proxy": None}
    # Without a path, pywinrm warns where the environment names a CA bundle.
    options |= {"ca_trust_path": None, "operation_timeout_sec": 5, "read_timeout_sec": 8}
    return Protocol(server.url, **{**options, **changes})


def collect(client: Protocol, shell: str, command: str) -> tuple[bytes, bytes, int]:
    """Receive until the command is done."""
    stdout = stderr = b""
    done = False
    while not done:
        out, err, code, done = client.get_command_output_raw(shell, command)
        stdout, stderr = stdout + out, stderr + err
    return stdout, stderr, code


def run(client: Protocol, line: str) -> tuple[bytes, bytes, int]:
    """Run one command in its own shell."""
    shell = client.open_shell(codepage=65001)
    command = client.run_command(shell, line)
    result = collect(client, shell, command)
    client.cleanup_command(shell, command)
    client.close_shell(shell)
    return result


def test_basic_over_http_works_where_unencrypted_traffic_is_allowed() -> None:
    """It takes exactly the five operations of WinRS."""
    with WsmanServer(EchoEngine(), allow_unencrypted=True) as server:
        session = Session(
            server.url, auth=(USER, PASSWORD), transport="plaintext", proxy=None, ca_trust_path=None
        )
        result = session.run_cmd("say", ["hello"])
        assert (result.status_code, result.std_out, result.std_err) == (0, b"hello\r\n", b"")
        assert server.requests == ["Create", "Command", "Receive", "Signal", "Delete"]
        assert server.shells.open == 0


def test_basic_over_http_is_refused_by_default(node: WsmanServer) -> None:
    """AllowUnencrypted is false on Windows: a password in clear gets 401."""
    with pytest.raises(InvalidCredentialsError):
        run(protocol(node, transport="plaintext"), "say hello")
    assert node.requests == []


def test_ntlm_over_http_is_sealed_both_ways(node: WsmanServer) -> None:
    """Session and Protocol both run; the three requests of the handshake come first."""
    session = Session(
        node.url, auth=(USER, PASSWORD), transport="ntlm", proxy=None, ca_trust_path=None
    )
    assert session.run_cmd("say", ["hello"]).std_out == b"hello\r\n"
    assert node.http_requests == 8
    assert run(protocol(node), "exit 7") == (b"", b"", 7)
    assert run(protocol(node), "err oops") == (b"", b"oops", 0)
    assert node.bytes_in > 0 and node.bytes_out > 0


def test_ntlm_without_sealing_over_http_gets_an_empty_500(node: WsmanServer) -> None:
    """diyan/pywinrm#129: the handshake goes well, then the clear body is refused."""
    with pytest.raises(WinRMTransportError) as caught:
        run(protocol(node, message_encryption="never"), "say hello")
    assert caught.value.code == 500


@pytest.mark.parametrize("transport", ["ntlm", "basic"])
@pytest.mark.parametrize("message_encryption", ["auto", "always"])
def test_https_works_with_a_checked_certificate(
    certificate: tuple[Path, Path, Path], transport: str, message_encryption: str
) -> None:
    """Over TLS, sealing is possible with NTLM and never needed."""
    if (transport, message_encryption) == ("basic", "always"):
        message_encryption = "never"
    cert, key, ca = certificate
    with WsmanServer(EchoEngine(), tls=(cert, key)) as server:
        client = protocol(
            server,
            transport=transport,
            ca_trust_path=str(ca),
            message_encryption=message_encryption,
        )
        assert run(client, "say hello") == (b"hello\r\n", b"", 0)


def test_untrusted_certificate_is_an_ssl_error(certificate: tuple[Path, Path, Path]) -> None:
    """And the server goes on to serve the next client."""
    cert, key, ca = certificate
    with WsmanServer(EchoEngine(), tls=(cert, key)) as server:
        with pytest.raises(requests.exceptions.SSLError):
            run(protocol(server), "say hello")
        assert run(protocol(server, ca_trust_path=str(ca)), "exit 3")[2] == 3


@pytest.mark.parametrize(("user", "password"), [(USER, "wrong"), ("nobody", PASSWORD)])
def test_wrong_credentials_are_refused(node: WsmanServer, user: str, password: str) -> None:
    """A 401 after the handshake, which pywinrm raises as InvalidCredentialsError."""
    with pytest.raises(InvalidCredentialsError):
        run(protocol(node, username=user, password=password), "say hello")


def test_user_names_do_not_differ_by_case_and_may_carry_a_domain(node: WsmanServer) -> None:
    """The lab knows its users by name, under whatever domain the client believes them in."""
    client = protocol(node, username="WORK\\administrator")
    assert run(client, "say hello")[0] == b"hello\r\n"


def test_stdin_reaches_the_command_in_parts(node: WsmanServer) -> None:
    """Every byte value arrives, and output larger than an envelope comes back in several."""
    data = bytes(range(256)) * 1000
    client = protocol(node)
    shell = client.open_shell()
    command = client.run_command(shell, "cat", console_mode_stdin=False)
    client.send_command_input(shell, command, data[:200_000])
    client.send_command_input(shell, command, data[200_000:], end=True)
    assert collect(client, shell, command) == (data, b"", 0)
    assert node.requests.count("Receive") == 3
    client.cleanup_command(shell, command)
    client.close_shell(shell)


def test_receive_without_output_times_out_and_may_be_repeated(node: WsmanServer) -> None:
    """The long poll ends after OperationTimeout with 2150858793, and the command goes on."""
    client = protocol(node, operation_timeout_sec=1, read_timeout_sec=5)
    shell = client.open_shell()
    command = client.run_command(shell, "sleep 1.3")
    with pytest.raises(WinRMOperationTimeoutError):
        client.get_command_output_raw(shell, command)
    assert collect(client, shell, command) == (b"", b"", 0)
    client.cleanup_command(shell, command)
    client.close_shell(shell)


def test_finished_command_is_unknown_to_a_new_receive(node: WsmanServer) -> None:
    """Fault 2150858843, as real servers answer after Done."""
    client = protocol(node)
    shell = client.open_shell()
    command = client.run_command(shell, "exit 0")
    collect(client, shell, command)
    with pytest.raises(WSManFaultError) as caught:
        client.get_command_output_raw(shell, command)
    assert caught.value.wsman_fault_code == 2150858843
    client.close_shell(shell)


def receive(client: Protocol, shell: str, command: str) -> str:
    """Build a Receive whose text can be sent twice."""
    namespace = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
    envelope = client.build_wsman_header(f"{namespace}/Receive", f"{namespace}/cmd", shell)
    stream = {"@CommandId": command, "#text": "stdout stderr"}
    body = {"rsp:Receive": {"rsp:DesiredStream": stream}}
    return str(xmltodict.unparse({"env:Envelope": {**envelope, "env:Body": body}}))


def test_identical_receive_after_a_lost_reply_gets_the_lost_output(node: WsmanServer) -> None:
    """Real servers keep the last reply for its MessageID; pypsrp 0.9 builds on it."""
    client = protocol(node)
    shell = client.open_shell()
    command = client.run_command(shell, "say precious")
    message = receive(client, shell, command)
    node.faults = Faults(drop_at_request=3)
    with pytest.raises(requests.ConnectionError):
        client.send_message(message)
    # The keys died with the connection: diyan/pywinrm rebuilds them for a new session only.
    client.transport.close_session()
    again = client.send_message(message)
    assert b"cHJlY2lvdXMNCg==" in again
    assert client.send_message(message) == again
    client.close_shell(shell)


def test_dropped_before_means_that_the_server_did_not_act(node: WsmanServer) -> None:
    """The client cannot tell the two apart; the test can."""
    node.faults = Faults(drop_before=1)
    with pytest.raises(requests.ConnectionError):
        protocol(node).open_shell()
    assert (node.requests, node.shells.open) == (["Create"], 0)


def test_garbage_and_refusal_look_like_a_proxy_and_a_locked_account() -> None:
    """HTML with 502, and 401 for a right password."""
    with WsmanServer(EchoEngine(), allow_unencrypted=True, faults=Faults(garbage=True)) as server:
        with pytest.raises(WinRMTransportError) as caught:
            protocol(server, transport="plaintext").open_shell()
        assert caught.value.code == 502
        server.faults = Faults(refuse_auth=True)
        with pytest.raises(InvalidCredentialsError):
            protocol(server).open_shell()


def test_identify_needs_no_credentials_and_hides_the_version(node: WsmanServer) -> None:
    """A probe may ask what listens before it has a password."""
    reply = requests.post(
        node.url, data=b"", headers={"WSMANIDENTIFY": "unauthenticated"}, timeout=5
    )
    assert (reply.status_code, "OS: 0.0.0" in reply.text) == (200, True)


def test_message_that_does_not_open_is_a_400_and_ends_the_connection(node: WsmanServer) -> None:
    """A body sealed for another connection cannot be read by anyone."""
    client = protocol(node)
    shell = client.open_shell()
    client.transport.session.close()
    with pytest.raises(WinRMTransportError) as caught:
        client.run_command(shell, "exit 0")
    assert caught.value.code == 400


def test_stop_ends_running_commands_and_open_connections() -> None:
    """A test that fails in between leaves nothing behind."""
    server = WsmanServer(EchoEngine()).start()
    client = protocol(server)
    shell = client.open_shell()
    client.run_command(shell, "sleep 30")
    server.stop()
    assert server.shells.open == 0
    with pytest.raises(requests.ConnectionError):
        client.open_shell()


def test_send_is_served_while_a_receive_waits(node: WsmanServer) -> None:
    """A shell belongs to the user: a second connection may write while the first one polls."""
    reader, writer = protocol(node), protocol(node)
    shell = reader.open_shell()
    command = reader.run_command(shell, "cat", console_mode_stdin=False)
    with ThreadPoolExecutor(1) as pool:
        output = pool.submit(collect, reader, shell, command)
        writer.send_command_input(shell, command, b"late", end=True)
        assert output.result(timeout=4) == (b"late", b"", 0)
    reader.close_shell(shell)


def test_envelope_over_the_limit_gets_a_bare_413(node: WsmanServer) -> None:
    """MaxEnvelopeSizekb is 500 by default; the answer has no SOAP: masterzen/winrm#156."""
    client = protocol(node)
    shell = client.open_shell()
    command = client.run_command(shell, "cat")
    with pytest.raises(WinRMTransportError) as caught:
        client.send_command_input(shell, command, bytes(400_000))
    assert caught.value.code == 413
    client.close_shell(shell)


@pytest.mark.parametrize(
    "token", ["", "AAAA", "TlRMTVNTUAADAAAA", "TlRMTVNTUAAJAAAA", "YIIBAAAA", "not base64"]
)
def test_malformed_token_is_refused(node: WsmanServer, token: str) -> None:
    """401, and the server goes on."""
    headers = {"Authorization": f"Negotiate {token}"}
    assert requests.post(node.url, headers=headers, timeout=5).status_code == 401


def test_sealed_parts_come_out_as_they_went_in() -> None:
    """Whatever bytes they have, line ends and hyphens included."""
    data = (b"", b"\r\n--\r\n", bytes(range(256)))
    parts = [Part(header=bytes(16), data=one, length=len(one)) for one in data]
    content_type, body = framed("application/HTTP-CredSSP-session-encrypted", parts)

    assert content_type.startswith("multipart/x-multi-encrypted;")
    assert parse_parts(body) == [(bytes(16), one) for one in data]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"sealed",
        b"--Encrypted Boundary--",
        b"--Encrypted Boundary\r\nabout--Encrypted Boundary--",
        b"--Encrypted Boundary\r\nabout--Encrypted Boundary\r\nabc--Encrypted Boundary--",
        b"--Encrypted Boundary\r\nabout--Encrypted Boundary\r\n" + bytes(20),
    ],
)
def test_a_body_that_is_no_encrypted_multipart(body: bytes) -> None:
    """Cut short, empty, or without its end: none of it is opened."""
    with pytest.raises(UnsealError):
        parse_parts(body)
