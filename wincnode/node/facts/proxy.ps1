<#
.SYNOPSIS
Reads the proxies of the machine: variables of all programs, variables of services, and WinHTTP's.
.DESCRIPTION
WinHTTP's are read where netsh.exe keeps them, as hexadecimal digits. Credentials in addresses are masked.
.NOTES
Source: docs.rs/proxyconf/latest/proxyconf/internet_settings/modern
Source: learn.microsoft.com/troubleshoot/windows-server/group-policy/use-group-policy-apply-winhttp-proxy-settings-clients
#>
function Get-WnFactsProxy {
    param()
    $control = 'HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet'
    $hide = { param([string]$text) $text -replace '(^|//)[^/\s@]+@', '$1***@' }
    $machine = @{}
    foreach ($name in 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY') { $machine[$name.ToLowerInvariant()] = & $hide ([string][Microsoft.Win32.Registry]::GetValue("$control\Control\Session Manager\Environment", $name, '')) }
    $services = @{}
    foreach ($service in 'containerd', 'kubelet') {
        $own = @{}
        foreach ($pair in @([Microsoft.Win32.Registry]::GetValue("$control\Services\$service", 'Environment', $null))) {
            if ($pair -match '^(HTTP_PROXY|HTTPS_PROXY|NO_PROXY)=(.*)$') { $own[$Matches[1].ToLowerInvariant()] = & $hide $Matches[2] }
        }
        if ($own.Count) { $services[$service] = $own }
    }
    $blob = [Microsoft.Win32.Registry]::GetValue('HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections', 'WinHttpSettings', $null)
    $hex = ''
    if ($blob -is [byte[]] -and $blob.Length -le 4096) { $hex = [BitConverter]::ToString($blob).Replace('-', '') }
    @{ machine = $machine; services = $services; winhttp = $hex }
}
