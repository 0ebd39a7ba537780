"""Clients of other people, as users have them, run commands on the lab's nodes."""

from __future__ import annotations

import base64
import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from certificates import certificate
from echo_engine import EchoEngine
from nodes import lab_node
from pypsrp.shell import Process, SignalCode, WinRS
from pypsrp.wsman import WSMan

from wincnode.lab.engine import Process as NodeProcess
from wincnode.lab.nodes import PASSWORD, USER
from wincnode.lab.server import WsmanServer

ANSIBLE = pytest.mark.skipif(
    importlib.util.find_spec("ansible") is None, reason="ansible-core is not installed"
)


@pytest.mark.parametrize("auth", ["negotiate", "ntlm", "credssp"])
def test_pypsrp_over_http(auth: str) -> None:
    """SPNEGO tokens, prefixed mustUnderstand, a checked RelatesTo; all messages sealed."""
    with WsmanServer(EchoEngine(), auth=("ntlm", "credssp")) as server:
        pypsrp_runs_a_command(server, auth=auth, ssl=False)


@pytest.mark.parametrize("auth", ["basic", "negotiate", "ntlm", "credssp"])
def test_pypsrp_over_https(auth: str, tmp_path: Path) -> None:
    """With its channel binding checked."""
    pem, _ = certificate(tmp_path)
    schemes = ("basic", "ntlm", "credssp")
    with WsmanServer(EchoEngine(), auth=schemes, tls=(pem, pem), hardening="Strict") as server:
        pypsrp_runs_a_command(server, auth=auth, cert_validation=str(pem))


def pypsrp_runs_a_command(server: WsmanServer, **options: Any) -> None:
    """Read the config, and run a command with stdin and one with an environment."""
    options |= {"username": "Administrator", "password": "password", "port": server.port}
    data = b"line\r\n" * 10_000
    with WSMan("127.0.0.1", no_proxy=True, **options) as client:
        client.update_max_payload_size()
        with WinRS(client, environment={"COLOUR": "blue"}) as shell:
            process = Process(shell, "env", ["COLOUR"])
            process.invoke()
            process.signal(SignalCode.TERMINATE)
            assert (process.rc, process.stdout) == (0, b"blue")
            process = Process(shell, "cat")
            process.begin_invoke()
            process.send(data, end=True)
            process.end_invoke()
            process.signal(SignalCode.TERMINATE)
            assert (process.rc, process.stdout) == (0, data)
    assert "Get" in server.requests
    assert server.shells.open == 0


class EncodedEcho:
    """Runs what a PowerShell command line carries encoded, as if it were the command itself."""

    def start(self, command: str, environment: Mapping[str, str]) -> NodeProcess:
        """Start it."""
        _, _, encoded = command.partition(" -EncodedCommand ")
        line = base64.b64decode(encoded, validate=True).decode("utf-16-le")
        return EchoEngine().start(line, environment)


@ANSIBLE
def test_ansibles_winrm_plugin_runs_a_command(tmp_path: Path) -> None:
    """Output comes through its connection plugin, and its shell is given back."""
    with WsmanServer(EncodedEcho(), users={USER: PASSWORD}) as server:
        result = ansible(server.port, "say hello", tmp_path)

    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout == "127.0.0.1 | CHANGED | rc=0 >>\nhello\n\n"
    assert server.shells.open == 0


@ANSIBLE
def test_ansible_reaches_the_nodes_powershell(tmp_path: Path) -> None:
    """A lab node answers with its own name and an exit code, as a Windows machine does."""
    with lab_node(tmp_path / "node") as node:
        result = ansible(node.port, "$env:COMPUTERNAME; exit 3", tmp_path)

    assert result.returncode == 2, result.stdout + result.stderr
    assert "127.0.0.1 | FAILED | rc=3 >>\nWEB-1\n" in result.stdout


def ansible(port: int, line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Ansible's raw module, which needs nothing on the node but a shell."""
    variables = {
        "ansible_port": port,
        "ansible_winrm_scheme": "http",
        "ansible_winrm_transport": "ntlm",
        "ansible_user": USER,
        "ansible_password": PASSWORD,
    }
    words = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]
    connection = ["127.0.0.1", "-i", "127.0.0.1,", "-c", "winrm", "-m", "raw", "-a", line]
    return subprocess.run(
        [sys.executable, "-m", "ansible", "adhoc", *connection, *words],
        # It insists on UTF-8, and would keep its files in the home folder.
        env={**os.environ, "LC_ALL": "C.UTF-8", "ANSIBLE_HOME": str(folder / "ansible")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
