<#
.SYNOPSIS
Reads what containers stand on: drivers, how the hypervisor is started, which services ended unexpectedly.
.DESCRIPTION
Drivers have the numbers of their start modes, 4 is disabled. How the hypervisor is started stands in the default boot
entry: 0 is never, 1 by itself. The first value of events 7031 and 7034 is the service's name as it is shown.
.NOTES
Source: learn.microsoft.com/windows-hardware/drivers/install/hklm-system-currentcontrolset-services-registry-tree (Start)
Source: learn.microsoft.com/previous-versions/windows/desktop/bcd/bcdosloaderelementtypes (0x250000f0)
#>
function Get-WnFactsPlatform {
    param()
    $launch = $null
    try {
        $entries = 'HKEY_LOCAL_MACHINE\BCD00000000\Objects\'
        $entry = [Microsoft.Win32.Registry]::GetValue($entries + '{9dea862c-5cdd-4e70-acc1-f32b344d4795}\Elements\23000003', 'Element', '')
        $value = [Microsoft.Win32.Registry]::GetValue("$entries$entry\Elements\250000f0", 'Element', $null)
        if ($null -ne $value) { $launch = [int]$value[0] }
    }
    catch [Security.SecurityException] { $launch = $null }
    $drivers = @{}
    foreach ($name in 'wcifs', 'bindflt', 'VfpExt', 'WinNat') {
        $drivers[$name.ToLowerInvariant()] = [Microsoft.Win32.Registry]::GetValue("HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\$name", 'Start', $null)
    }
    $week = [DateTime]::Now.AddDays(-7)
    # Where there is none of these it is an error to have asked.
    $crashes = foreach ($entry in @(Get-WinEvent -FilterHashtable @{ LogName = 'System'; ProviderName = 'Service Control Manager'; Id = 7031, 7034 } -MaxEvents 100 -ErrorAction SilentlyContinue)) {
        if ($entry.TimeCreated -gt $week) {
            @{ service = [string]@($entry.Properties)[0].Value; at = $entry.TimeCreated.ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ', [Globalization.CultureInfo]::InvariantCulture) }
        }
    }
    @{ drivers = $drivers; hypervisor_launch = $launch; crashes = [object[]]@($crashes) }
}
