"""Facts about what turns on WinRM over HTTPS."""

from __future__ import annotations

import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from winps import Machine, winps

from wincnode.assets import node_script
from wincnode.commands.winrm_setup import EC2_LIMIT_BYTES, render
from wincnode.errors import ConfigError

# What the first run leaves: its certificate with days to go, its listener and its rule.
AGAIN = r"""
function Get-ChildItem { param($LiteralPath)
    [pscustomobject]@{ FriendlyName = [IO.File]::ReadAllText('C:\label.txt'); HasPrivateKey = $true
        NotAfter = (Get-Date).AddDays([int]$env:DAYS); Thumbprint = 'OURS'; RawData = [byte[]](1, 2, 3) } }
function Get-WSManInstance { param($ResourceURI, [switch]$Enumerate)
    [pscustomobject]@{ Transport = 'HTTPS'; Address = '*'; CertificateThumbprint = 'OURS' } }
function Get-NetFirewallRule { param($Name) $Name }
"""
PRELUDE = Path(__file__).with_name("winrm-setup.ps1").read_text(encoding="ascii")


def test_the_script_binds_a_certificate_and_opens_one_port(node: Machine) -> None:
    """An HTTPS listener with another certificate is replaced; Basic is turned off."""
    text = PRELUDE + render("script", names=["10.0.0.7"], remote=["10.0.0.0/8"])
    (node.drive / "setup.ps1").write_text(text, encoding="ascii")

    done = subprocess.run(
        [winps(), "-NoProfile", "-NonInteractive", "-File", r"C:\setup.ps1"],
        env=node.engine.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    calls = (node.drive / "calls.txt").read_text().splitlines()

    assert done.returncode == 0, done.stdout + done.stderr
    # SHA-256 of the bytes 1, 2, 3.
    assert "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81" in done.stdout
    assert any("IPAddress=10.0.0.7" in call and "NonExportable" in call for call in calls)
    assert any(call.startswith("Remove-WSManInstance") for call in calls)
    assert 'New-WSManInstance CertificateThumbprint="AB12"' in calls
    assert any('Basic="false"' in call for call in calls)
    assert any('RemoteAddress=["10.0.0.0/8"]' in c and 'Profile="Any"' in c for c in calls)


def calls(node: Machine, prelude: str, **environment: str) -> list[str]:
    """Run the shipped script over stand-ins, and give what it called."""
    drive = node.drive
    (drive / "prelude.ps1").write_text(PRELUDE + prelude, encoding="ascii")
    (drive / "setup.ps1").write_text(node_script("winrm-setup"), encoding="ascii")
    (drive / "calls.txt").write_text("")
    subprocess.run(
        [
            winps(),
            "-NoProfile",
            "-NonInteractive",
            "-Command",
            ". C:\\prelude.ps1; C:\\setup.ps1 -Name 10.0.0.7",
        ],
        env={**node.engine.environment, **environment},
        capture_output=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return [line.split()[0] for line in (drive / "calls.txt").read_text().splitlines()]


def test_a_second_run_keeps_what_is_there(node: Machine) -> None:
    """Clients pin the certificate, so it changes only when it is about to end."""
    calls(node, "")
    kept = calls(node, AGAIN, DAYS="31")
    renewed = calls(node, AGAIN, DAYS="29")

    made = {"New-SelfSignedCertificate", "New-WSManInstance", "Remove-WSManInstance"}
    assert made & set(kept) == set()
    assert "Set-NetFirewallRule" in kept and "New-NetFirewallRule" not in kept
    assert made <= set(renewed)


@pytest.mark.parametrize("value", ["a'; Remove-Item C:", "$(x)", "\u2019", "", "-Verbose", "a b"])
def test_no_value_can_be_read_as_code(value: str) -> None:
    """Quotes of any kind, expressions and switches are refused by name."""
    with pytest.raises(ConfigError):
        render("script", names=[value])


def test_user_data_fits_and_is_tagged() -> None:
    """EC2 runs what stands in powershell tags, up to 16 KB."""
    text = render("ec2", names=["node.example.org"] * 20, remote=["10.0.0.0/8"])

    assert text.startswith("<powershell>\n")
    assert text.endswith("</powershell>\n")
    assert len(text) < EC2_LIMIT_BYTES


def test_the_unattend_fragment_is_xml() -> None:
    """The fragment can be put into an answer file as it is."""
    root = ET.fromstring(render("unattend"))  # noqa: S314 - our own text

    assert root.attrib == {"pass": "specialize"}
