<#
.SYNOPSIS
The Windows Time service takes its time from the wanted servers, or from the domain.
.NOTES
Source: Type, NtpServer, their policies and w32tm, learn.microsoft.com/windows-server/networking/windows-time-service/windows-time-service-tools-and-settings
#>
function Get-WnTimeSource {
    param([hashtable]$Key, [hashtable]$Want)
    $values = @{ type = ''; servers = @() }
    $state = 'settled'
    $policy = 'SOFTWARE\Policies\Microsoft\W32Time\Parameters'
    foreach ($path in @('SYSTEM\CurrentControlSet\Services\W32Time\Parameters', $policy)) {
        $item = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey($path)
        if ($null -eq $item) { continue }
        $type = [string]$item.GetValue('Type')
        $servers = [string]$item.GetValue('NtpServer')
        $item.Dispose()
        if ($path -eq $policy -and ($type -or $servers)) { $state = 'policy_owned' }
        if ($type) { $values['type'] = $type.ToLowerInvariant() -replace '^nt5ds$', 'domain' }
        # Behind a server stand flags that say how it is asked.
        if ($servers) { $values['servers'] = @(foreach ($part in ($servers -split '\s+')) { if ($part) { $part.Split(',')[0] } }) }
    }
    @{ state = $state; values = $values }
}
function Set-WnTimeSource {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    $item = [Microsoft.Win32.Registry]::LocalMachine.CreateSubKey('SYSTEM\CurrentControlSet\Services\W32Time\Parameters')
    try {
        $item.SetValue('Type', (@{ ntp = 'NTP'; domain = 'NT5DS'; nosync = 'NoSync'; allsync = 'AllSync' }[$Want['type']]))
        # 0x8: as a client.
        if ($Want.ContainsKey('servers')) { $item.SetValue('NtpServer', (@(foreach ($server in $Want['servers']) { "$server,0x8" }) -join ' ')) }
    } finally { $item.Dispose() }
    $service = Get-CimInstance -ClassName Win32_Service -Filter "Name='W32Time'"
    # A service that stands reads it when it starts.
    if ($null -eq $service -or $service.State -ne 'Running') { return }
    $null = & "$env:SystemRoot\System32\w32tm.exe" /config /update
    if ($LASTEXITCODE -ne 0) { throw "w32tm.exe /config /update ended with $LASTEXITCODE." }
}
