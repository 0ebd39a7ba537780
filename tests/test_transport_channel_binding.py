"""NTLM over https bound to the node's certificate, as CbtHardeningLevel asks for it."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

import pytest
import requests
import spnego
from certificates import certificate
from echo_engine import EchoEngine
from lab_links import USERS, link_to
from spnego.channel_bindings import GssChannelBindings

from wincnode.lab.ntlm import HardeningLevel, channel_binding
from wincnode.lab.server import WsmanServer
from wincnode.lab.tls import end_point_binding


@pytest.mark.parametrize("hardening", ["None", "Relaxed", "Strict"])
def test_the_link_is_let_in_at_every_level(hardening: HardeningLevel, tmp_path: Path) -> None:
    """It sends the binding whether the certificate is trusted by its issuer or by a pin."""
    pem, sha256 = certificate(tmp_path)
    with WsmanServer(EchoEngine(), users=USERS, tls=(pem, pem), hardening=hardening) as server:
        for trust in ({"ca_file": str(pem)}, {"fingerprint": sha256}):
            link = link_to(server, **trust)
            assert list(link.run("x", b"ab\n")) == [b"3", b"ab"]
            link.close()


@pytest.mark.parametrize(
    ("hardening", "sent", "status"),
    [
        ("None", "none", 200),
        ("None", "wrong", 200),
        ("Relaxed", "none", 200),
        ("Relaxed", "wrong", 401),
        ("Relaxed", "right", 200),
        ("Strict", "none", 401),
        ("Strict", "wrong", 401),
        ("Strict", "right", 200),
    ],
)
def test_what_each_level_refuses(
    hardening: HardeningLevel, sent: str, status: int, tmp_path: Path
) -> None:
    """A wrong binding is what a proxy in between gives; a missing one is an old client's."""
    pem, _ = certificate(tmp_path)
    bindings = {"none": b"", "wrong": b"tls-server-end-point:x", "right": end_point_binding(pem)}
    with WsmanServer(EchoEngine(), users=USERS, tls=(pem, pem), hardening=hardening) as server:
        assert logged_on(server, pem, bindings[sent]) == status


def test_over_http_there_is_nothing_to_bind_to() -> None:
    """Strict refuses no client of the http listener."""
    with WsmanServer(EchoEngine(), users=USERS, hardening="Strict") as server:
        assert list(link_to(server).run("x", b"")) == [b"0"]


@pytest.mark.parametrize(
    ("pairs", "binding"),
    [
        (struct.pack("<HH", 10, 16) + b"b" * 16, b"b" * 16),
        (struct.pack("<HH", 10, 16) + bytes(16), None),
        (struct.pack("<HHIHH", 6, 4, 2, 10, 16) + b"b" * 16, b"b" * 16),
        (struct.pack("<HHHH", 0, 0, 10, 16) + b"b" * 16, None),
        (b"", None),
    ],
)
def test_the_binding_in_an_authenticate_message(pairs: bytes, binding: bytes | None) -> None:
    """All zeros say that the client knows of none; nothing after the end mark counts."""
    response = bytes(44) + pairs
    head = b"NTLMSSP\0" + bytes(12) + struct.pack("<HHI", len(response), len(response), 28)

    assert channel_binding(head + response) == binding


def logged_on(server: WsmanServer, pem: Path, binding: bytes) -> int:
    """Log on with a channel binding; gives the HTTP status of the last answer."""
    bound = GssChannelBindings(application_data=binding) if binding else None
    client = spnego.client("alice", "pass-1", protocol="ntlm", channel_bindings=bound)
    with requests.Session() as session:
        session.trust_env = False
        challenge = None
        for _ in range(2):
            token = base64.b64encode(client.step(challenge) or b"").decode()
            headers = {"Authorization": f"Negotiate {token}"}
            reply = session.post(server.url, headers=headers, verify=str(pem), timeout=5)
            line = reply.headers.get("WWW-Authenticate", "").removeprefix("Negotiate")
            challenge = base64.b64decode(line.partition(",")[0])
        return reply.status_code
