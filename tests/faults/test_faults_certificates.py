"""F16 and F17: certificates of nodes, and their pins."""

from __future__ import annotations

import os
import pty
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from fault_rows import PREFLIGHT, Row, Run, fault, inventory

from wincnode.lab.nodes import CERTIFICATE, LabNode, closed_port
from wincnode.transport.certificate import described

Lab = Callable[..., LabNode]
HTTPS = "  scheme: https\n  auth: ntlm\n"


@fault(
    "F16",
    "the certificate is not trusted, is for another name, or has expired",
    does="refuses before any credentials leave, and shows subject, names and SHA-256 with how to pin"
    " it",
    error="link.untrusted",
    exit_code=4,
    rehearse=("tls", "tls-other-name", "tls-expired"),
)
@pytest.mark.parametrize(
    ("kind", "trusted", "why", "names"),
    [
        ("tls", False, "self-signed certificate", "127.0.0.1"),
        ("tls-other-name", True, "IP address mismatch", "other.lab.example"),
        ("tls-expired", True, "certificate has expired", "127.0.0.1"),
    ],
)
def test_f16_a_certificate_that_is_not_trusted(
    kind: str, trusted: bool, why: str, names: str, row: Row, run: Run, lab: Lab, tmp_path: Path
) -> None:
    node = lab(kind)
    pem = node.machine.folder / CERTIFICATE
    more = f"  ca_file: {pem}\n" if trusted else ""
    inventory(tmp_path / "wincnode.yaml", {"web-1": ("127.0.0.1", node.port)}, HTTPS + more)

    end = run(*PREFLIGHT)

    row.holds(end)
    assert node.server.http_requests == 0
    shown = sha256_of(pem)
    for text in (why, f"CN=lab for {names}", shown, "`wincnode trust NODE`"):
        assert text in end.message


def sha256_of(pem: Path) -> str:
    """Give a PEM's certificate as it is shown."""
    loaded = x509.load_pem_x509_certificate(pem.read_bytes())
    return described(loaded.public_bytes(serialization.Encoding.DER)).sha256


@fault(
    "F17",
    "the pinned certificate has changed",
    does="refuses before any credentials leave, and shows the SHA-256 of both; `wincnode trust` asks"
    " whether the new one is the node's, and pins it in the inventory",
    error="link.pin",
    exit_code=4,
    rehearse=("tls",),
)
def test_f17_a_pin_that_fits_no_more(row: Row, run: Run, lab: Lab, tmp_path: Path) -> None:
    node = lab("tls")
    where = {"web-1": ("127.0.0.1", node.port)}
    inventory(tmp_path / "wincnode.yaml", where, f"{HTTPS}  fingerprint: {'ab' * 32}\n")

    end = run(*PREFLIGHT)

    row.holds(end)
    assert node.server.http_requests == 0
    new = sha256_of(node.machine.folder / CERTIFICATE)
    assert f"not the pinned one, SHA-256 {':'.join(['AB'] * 32)}; it shows CN=lab" in end.message
    assert new in end.message
    assert "`wincnode trust NODE`" in end.message

    before = (tmp_path / "wincnode.yaml").read_text(encoding="utf-8")
    trusted = run("trust", "web-1", "--sha256", new, "-o", "json")

    assert (trusted.exit_code, node.server.http_requests) == (0, 0)
    assert any("CN=lab for 127.0.0.1, valid 20" in text for text in trusted.node["notes"])
    written = (tmp_path / "wincnode.yaml").read_text(encoding="utf-8")
    assert written == f'{before.rstrip()}\n      fingerprint: "{new}"\n'
    assert run(*PREFLIGHT).exit_code == 0
    assert run("trust", "web-1", "--yes", "-o", "json").node["status"] == "as-wanted"
    assert run("trust", "web-1", "--sha256", "cd" * 32, "-o", "json").ids == ("trust.other",)


@pytest.mark.parametrize(
    ("words", "id", "exit_code"),
    [
        (("web-1", "--sha256", "cd" * 32), "trust.other", 4),
        (("web-1", "--sha256", "cd" * 20), "", 2),
        (("web-1", "--sha256", "sha256:"), "", 2),
        (("web-1", "--sha256", "", "--yes"), "", 2),
        (("web-1", "web-2", "--sha256", "cd" * 32), "", 2),
        (("web-1", "--no-input"), "", 2),
        (("web-2", "--yes"), "link.not-tls", 4),
        (("web-3", "--yes"), "link.refused", 4),
        (("web-4", "--yes"), "trust.http", 2),
        ((), "", 2),
    ],
)
def test_f17_trust_writes_nothing_that_nobody_vouches_for(
    words: tuple[str, ...], id: str, exit_code: int, run: Run, lab: Lab, tmp_path: Path
) -> None:
    """Another certificate than the expected one, no TLS, nobody there, nobody asked."""
    ports = {"web-1": lab("tls").port, "web-2": lab(name="web-2").port}
    where = {name: ("127.0.0.1", port) for name, port in ports.items()}
    path = tmp_path / "wincnode.yaml"
    inventory(path, {**where, "web-3": ("127.0.0.1", closed_port())}, HTTPS)
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}  web-4: {{connection: {{scheme: http}}}}\n", encoding="utf-8")
    before = path.read_bytes()

    end = run("trust", *words, "-o", "json")

    assert (end.exit_code, path.read_bytes()) == (exit_code, before)
    assert end.ids == ((id,) if id else ())
    assert "Traceback" not in end.text


def test_f17_a_pin_that_has_no_place_is_told_as_a_line(run: Run, lab: Lab, tmp_path: Path) -> None:
    """Ansible has no word for a pin; the file is left alone."""
    node = lab("tls")
    hosts = tmp_path / "hosts.ini"
    hosts.write_text(
        "[win]\nweb-1 ansible_host=127.0.0.1\n[win:vars]\nansible_connection=winrm\n"
        f"ansible_port={node.port}\nansible_winrm_scheme=https\nansible_user=u\n"
        "ansible_password=p\n",
        encoding="utf-8",
    )
    hosts.chmod(0o600)
    before = hosts.read_bytes()

    end = run("trust", "web-1", "--yes", "-i", "hosts.ini", "-o", "json")

    assert "SHA-256 that is pinned: none" in end.node["notes"]

    assert (end.exit_code, end.ids, hosts.read_bytes()) == (2, ("trust.by-hand",), before)
    new = sha256_of(node.machine.folder / CERTIFICATE)
    assert f'nodes: {{web-1: {{connection: {{fingerprint: "{new}"}}}}}}' in end.message


@pytest.mark.parametrize(("answer", "exit_code"), [("y", 0), ("n", 4)])
def test_f17_a_person_is_asked_with_both_in_sight(
    answer: str, exit_code: int, run: Run, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = lab("tls")
    where = {"web-1": ("127.0.0.1", node.port)}
    inventory(tmp_path / "wincnode.yaml", where, f"{HTTPS}  fingerprint: {'ab' * 32}\n")
    before = (tmp_path / "wincnode.yaml").read_bytes()
    master, terminal = pty.openpty()
    os.write(master, f"{answer}\n".encode())

    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        end = run("trust", "web-1", "-o", "json")
    os.close(master)

    assert end.exit_code == exit_code
    assert ((tmp_path / "wincnode.yaml").read_bytes() == before) is (answer == "n")
    for text in (":".join(["AB"] * 32), sha256_of(node.machine.folder / CERTIFICATE)):
        assert text in end.text


def test_f17_trust_waits_no_longer_than_a_connection_may_take(
    run: Run, lab: Lab, tmp_path: Path
) -> None:
    """Packets that vanish, and a port that takes connections and says nothing."""
    lost = lab("no-answer")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ports = {"web-1": lost.port, "web-2": silent.getsockname()[1]}
        where = {name: ("127.0.0.1", port) for name, port in ports.items()}
        inventory(tmp_path / "wincnode.yaml", where, f"{HTTPS}  connect_timeout_s: 1\n")

        end = run("trust", "web-1", "web-2", "--yes", "-o", "json")

    assert (end.exit_code, end.ids) == (4, ("link.no-answer", "link.no-answer"))
    assert end.seconds < 8
