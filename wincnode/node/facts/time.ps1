<#
.SYNOPSIS
Reads the clock and where it gets its time from.
.DESCRIPTION
The registry is read, as w32tm's text is localized. Type is NTP, NT5DS, AllSync or NoSync; the provider
VMICTimeProvider follows the host of a virtual machine.
.NOTES
Source: learn.microsoft.com/windows-server/networking/windows-time-service/windows-time-service-tools-and-settings
Source: learn.microsoft.com/windows/client-management/mdm/policy-csp-admx-w32time
#>
function Get-WnFactsTime {
    param()
    $service = 'HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\W32Time'
    $policy = 'HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\W32Time\Parameters'
    $read = { param([string]$key, [string]$name) [Microsoft.Win32.Registry]::GetValue($key, $name, $null) }
    $set = {
        param([string]$name)
        # What a policy sets goes before what is set here.
        $value = & $read $policy $name
        if ($null -eq $value) { $value = & $read "$service\Parameters" $name }
        [string]$value
    }
    @{
        utc           = [DateTime]::UtcNow.ToString('yyyy-MM-ddTHH:mm:ss.fffZ', [Globalization.CultureInfo]::InvariantCulture)
        zone          = [TimeZoneInfo]::Local.Id
        source        = & $set 'Type'
        servers       = & $set 'NtpServer'
        host_provider = [int](& $read "$service\TimeProviders\VMICTimeProvider" 'Enabled') -eq 1
    }
}
