<#
.SYNOPSIS
Reads the installed Windows: build, product, names, waiting reboots, PowerShell.
.DESCRIPTION
The build is CurrentBuildNumber: ReleaseId is frozen at 2009 and ProductName lies on Windows 11. Reasons for a reboot
are the five marks that ansible.windows reads, too.
.NOTES
Source: learn.microsoft.com/windows/win32/cimwin32prov/win32-operatingsystem
Source: github.com/ansible-collections/ansible.windows/blob/main/plugins/modules/setup.ps1
#>
function Get-WnFactsOs {
    param()
    $version = 'HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
    $control = 'HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control'
    $read = { param([string]$key, [string]$name) [Microsoft.Win32.Registry]::GetValue($key, $name, $null) }

    $system = Get-CimInstance -ClassName Win32_OperatingSystem -Property @('ProductType', 'OperatingSystemSKU', 'LastBootUpTime') -OperationTimeoutSec 15 -ErrorAction Stop

    $activeName = & $read "$control\ComputerName\ActiveComputerName" 'ComputerName'
    $nextName = & $read "$control\ComputerName\ComputerName" 'ComputerName'
    $reasons = New-Object -TypeName 'System.Collections.Generic.List[string]'
    if (Test-Path -LiteralPath 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending') {
        $reasons.Add('component_servicing')
    }
    if (Test-Path -LiteralPath 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired') {
        $reasons.Add('windows_update')
    }
    if (& $read 'HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\ServerManager\ServicingStorage\ServerComponentCache' 'RestartRequired') {
        $reasons.Add('server_components')
    }
    if ($activeName -ne $nextName) { $reasons.Add('computer_rename') }
    if (& $read "$control\Session Manager" 'PendingFileRenameOperations') { $reasons.Add('file_rename') }

    @{
        build           = [int](& $read $version 'CurrentBuildNumber')
        ubr             = [int](& $read $version 'UBR')
        edition         = [string](& $read $version 'EditionID')
        install_type    = [string](& $read $version 'InstallationType')
        product_type    = [int]$system.ProductType
        sku             = [int]$system.OperatingSystemSKU
        last_boot       = $system.LastBootUpTime.ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ', [Globalization.CultureInfo]::InvariantCulture)
        system_drive    = [string]$env:SystemDrive
        computer_name   = [string]$activeName
        host_name       = [string](& $read 'HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters' 'Hostname')
        # What the kubelet registers as the machine's UUID: kubernetes/kubernetes pkg/kubelet/winstats/perfcounter_nodestats_windows.go
        uuid            = ([string](& $read 'HKEY_LOCAL_MACHINE\SYSTEM\HardwareConfig' 'LastConfig')).Trim('{', '}').ToUpperInvariant()
        reboot_reasons  = [object[]]$reasons.ToArray()
        powershell      = $PSVersionTable.PSVersion.ToString()
        process_64bit   = [Environment]::Is64BitProcess
    }
}
