<#
.SYNOPSIS
Turns on WinRM over HTTPS on a new node; safe to run again.
.DESCRIPTION
Ensures the service, one HTTPS listener with a certificate that names the machine, and a firewall
rule for every profile, limited to the addresses that administer the node. Basic, CredSSP and
unencrypted traffic are turned off. Prints one JSON line with what a client needs to pin the node.
.PARAMETER Name
Further DNS names or IP addresses that clients use for this machine.
.PARAMETER RemoteAddress
Who may connect: addresses, ranges or LocalSubnet, as New-NetFirewallRule takes them.
.NOTES
Source: MicrosoftDocs/win32 desktop-src/WinRM/installation-and-configuration-for-windows-remote-management.md
Source: MicrosoftDocs/windows-powershell-docs docset/winserver2022-ps/pki/New-SelfSignedCertificate.md
Source: PowerShell-Docs reference/5.1 Microsoft.WSMan.Management, Enable-PSRemoting
#>
param([string[]]$Name = @(), [string[]]$RemoteAddress = @('LocalSubnet'))
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version 2

Set-Service -Name WinRM -StartupType Automatic
Start-Service -Name WinRM
Enable-PSRemoting -SkipNetworkProfileCheck -Force

# DNS names and IP addresses are different kinds of subject alternative names.
$names = @($env:COMPUTERNAME) + @($Name)
$names += @([Net.Dns]::GetHostEntry('').HostName)
$names = @($names | Where-Object -FilterScript { $_ } | Sort-Object -Unique)
$alternatives = @($names | ForEach-Object -Process {
        $address = $null
        if ([Net.IPAddress]::TryParse($_, [ref]$address)) { "IPAddress=$_" } else { "DNS=$_" }
    }) -join '&'
$label = 'wincnode WinRM ' + ($names -join ',')

# A certificate of ours for the same names that is good for another month is used again.
$soon = (Get-Date).AddDays(30)
$certificate = Get-ChildItem -LiteralPath 'Cert:\LocalMachine\My' |
    Where-Object -FilterScript { $_.FriendlyName -eq $label -and $_.HasPrivateKey -and $_.NotAfter -gt $soon } |
    Select-Object -First 1
if ($null -eq $certificate) {
    # 2.5.29.17 is subjectAltName, 2.5.29.37 extendedKeyUsage with serverAuth (RFC 5280).
    $certificate = New-SelfSignedCertificate -Subject "CN=$env:COMPUTERNAME" -FriendlyName $label `
        -CertStoreLocation 'Cert:\LocalMachine\My' -KeyAlgorithm RSA -KeyLength 2048 `
        -KeyExportPolicy NonExportable -NotAfter (Get-Date).AddYears(3) `
        -TextExtension @("2.5.29.17={text}$alternatives", '2.5.29.37={text}1.3.6.1.5.5.7.3.1')
}

$wanted = $certificate.Thumbprint
$bound = $false
foreach ($listener in @(Get-WSManInstance -ResourceURI 'winrm/config/Listener' -Enumerate)) {
    if ($listener.Transport -ne 'HTTPS') { continue }
    if ($listener.Address -eq '*' -and $listener.CertificateThumbprint -eq $wanted) { $bound = $true; continue }
    Remove-WSManInstance -ResourceURI 'winrm/config/Listener' -SelectorSet @{ Address = $listener.Address; Transport = 'HTTPS' }
}
if (-not $bound) {
    $null = New-WSManInstance -ResourceURI 'winrm/config/Listener' -SelectorSet @{ Address = '*'; Transport = 'HTTPS' } -ValueSet @{ CertificateThumbprint = $wanted }
}
$null = Set-WSManInstance -ResourceURI 'winrm/config/service/auth' -ValueSet @{ Basic = 'false'; CredSSP = 'false'; Negotiate = 'true' }
$null = Set-WSManInstance -ResourceURI 'winrm/config/service' -ValueSet @{ AllowUnencrypted = 'false' }

# 5986 is the HTTPS port of WinRM 2.0 and later. The rule holds for every profile, because a new
# adapter can become Public and would lock the client out.
$rule = 'wincnode-winrm-https'
if ($null -eq (Get-NetFirewallRule -Name $rule -ErrorAction SilentlyContinue)) {
    $null = New-NetFirewallRule -Name $rule -DisplayName 'wincnode: WinRM over HTTPS' -Direction Inbound `
        -Protocol TCP -LocalPort 5986 -RemoteAddress $RemoteAddress -Action Allow -Profile Any
} else {
    $null = Set-NetFirewallRule -Name $rule -RemoteAddress $RemoteAddress -Action Allow -Enabled True
}

$sha = New-Object -TypeName Security.Cryptography.SHA256CryptoServiceProvider
$fingerprint = [BitConverter]::ToString($sha.ComputeHash($certificate.RawData)).Replace('-', '').ToLowerInvariant()
ConvertTo-Json -Compress -InputObject @{ port = 5986; names = $names; thumbprint = $wanted; fingerprint = $fingerprint }
