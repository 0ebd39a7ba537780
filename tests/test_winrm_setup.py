"""Facts about what turns on WinRM over HTTPS."""

from __future__ import annotations

import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from winps import machine, winps

from wincnode.commands.winrm_setup import EC2_LIMIT_BYTES, render
from wincnode.errors import ConfigError

# Stand-ins that note each call; functions of these names are found before any cmdlet.
PRELUDE = r"""
function Write-Call($name, $bound) {
    $text = ($bound.Keys | Sort-Object | ForEach-Object { "$_=" + (ConvertTo-Json -Compress -InputObject $bound[$_]) }) -join ' '
    Add-Content -LiteralPath C:\calls.txt -Value "$name $text"
}
function Set-Service { param($Name, $StartupType) Write-Call Set-Service $PSBoundParameters }
function Start-Service { param($Name) Write-Call Start-Service $PSBoundParameters }
function Enable-PSRemoting { param([switch]$SkipNetworkProfileCheck, [switch]$Force) Add-Content C:\calls.txt 'Enable-PSRemoting' }
function New-SelfSignedCertificate {
    param($Subject, $FriendlyName, $CertStoreLocation, $KeyAlgorithm, $KeyLength, $KeyExportPolicy, $NotAfter, $TextExtension)
    Add-Content C:\calls.txt "New-SelfSignedCertificate $KeyExportPolicy $($TextExtension -join ' ')"
    [pscustomobject]@{ Thumbprint = 'AB12'; RawData = [byte[]](1, 2, 3) }
}
function Get-WSManInstance { param($ResourceURI, [switch]$Enumerate)
    [pscustomobject]@{ Transport = 'HTTP'; Address = '*'; CertificateThumbprint = '' }
    [pscustomobject]@{ Transport = 'HTTPS'; Address = '*'; CertificateThumbprint = 'OLD' } }
function Remove-WSManInstance { param($ResourceURI, $SelectorSet) Write-Call Remove-WSManInstance $SelectorSet }
function New-WSManInstance { param($ResourceURI, $SelectorSet, $ValueSet) Write-Call New-WSManInstance $ValueSet }
function Set-WSManInstance { param($ResourceURI, $ValueSet) Write-Call Set-WSManInstance $ValueSet }
function Get-NetFirewallRule { param($Name) }
function New-NetFirewallRule { param($Name, $DisplayName, $Direction, $Protocol, $LocalPort, $RemoteAddress, $Action, $Profile)
    Write-Call New-NetFirewallRule $PSBoundParameters }
function Set-NetFirewallRule { param($Name, $RemoteAddress, $Action, $Enabled) Write-Call Set-NetFirewallRule $PSBoundParameters }
$null = New-Item -ItemType Directory -Path C:\certificates\LocalMachine\My -Force
$null = New-PSDrive -Name Cert -PSProvider FileSystem -Root C:\certificates
"""


def test_the_script_binds_a_certificate_and_opens_one_port(tmp_path: Path) -> None:
    """An HTTPS listener with another certificate is replaced; Basic is turned off."""
    node = machine(tmp_path)
    text = PRELUDE + render("script", names=["10.0.0.7"], remote=["10.0.0.0/8"])
    file = tmp_path / "c" / "setup.ps1"
    file.write_text(text, encoding="ascii")

    done = subprocess.run(
        [winps(), "-NoProfile", "-NonInteractive", "-File", r"C:\setup.ps1"],
        env=node.variables(),
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
