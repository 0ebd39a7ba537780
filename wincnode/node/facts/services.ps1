<#
.SYNOPSIS
Reads the services that containers need, and those of other container software.
.DESCRIPTION
One query gives all services; a service that is not in the answer is not installed. The values of HNS's State key
change how networks behave, so they are listed as they are. Drivers have the numbers of their start modes, 4 is disabled.
Of events only ids and values count: the first value of 7031 and 7034 is the service's name as it is shown.
.NOTES
Source: learn.microsoft.com/windows/win32/cimwin32prov/win32-service
Source: github.com/moby/moby/blob/master/daemon/daemon_windows.go
Source: github.com/openshift/windows-machine-config-operator/blob/master/docs/byoh-instance-pre-requisites.md
Source: learn.microsoft.com/windows-hardware/drivers/install/hklm-system-currentcontrolset-services-registry-tree (Start)
#>
function Get-WnFactsServices {
    param()
    $wanted = @(
        'vmcompute', 'hns', 'w32time', 'BFE', 'mpssvc', 'containerd', 'docker', 'com.docker.service', 'kubelet',
        'kube-proxy', 'kubeproxy', 'flanneld', 'rke2', 'rancher-wins', 'k0sworker', 'CalicoNode', 'CalicoFelix',
        'antrea-agent', 'ovs-vswitchd', 'ovsdb-server', 'csi-proxy', 'RemoteAccess', 'SharedAccess', 'AppIDSvc', 'WinDefend'
    )
    $services = @{}
    $shown = $null
    foreach ($service in @(Get-CimInstance -ClassName Win32_Service -Property @('Name', 'DisplayName', 'State', 'StartMode', 'StartName', 'PathName') -OperationTimeoutSec 20 -ErrorAction Stop)) {
        if ($service.Name -eq 'hns') { $shown = [string]$service.DisplayName }
        if ($wanted -contains $service.Name) {
            $services[([string]$service.Name).ToLowerInvariant()] = @{
                state      = [string]$service.State
                start_mode = [string]$service.StartMode
                account    = [string]$service.StartName
                path       = [string]$service.PathName
            }
        }
    }
    $flags = @{}
    $key = Get-Item -LiteralPath 'HKLM:\SYSTEM\CurrentControlSet\Services\hns\State' -ErrorAction SilentlyContinue
    if ($key) {
        foreach ($name in $key.GetValueNames()) { $flags[$name] = [string]$key.GetValue($name) }
    }
    $drivers = @{}
    foreach ($name in 'wcifs', 'bindflt', 'VfpExt') {
        $drivers[$name.ToLowerInvariant()] = [Microsoft.Win32.Registry]::GetValue("HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\$name", 'Start', $null)
    }
    $week = [DateTime]::Now.AddDays(-7)
    $crashes = @(
        # Where there is none of these it is an error to have asked.
        foreach ($entry in @(Get-WinEvent -FilterHashtable @{ LogName = 'System'; ProviderName = 'Service Control Manager'; Id = 7031, 7034 } -MaxEvents 100 -ErrorAction SilentlyContinue)) {
            if ($entry.TimeCreated -gt $week -and [string]@($entry.Properties)[0].Value -eq $shown) {
                $entry.TimeCreated.ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ', [Globalization.CultureInfo]::InvariantCulture)
            }
        }
    )
    @{
        services      = $services
        drivers       = $drivers
        hns_crashes   = [object[]]$crashes
        hns_state     = $flags
        vmcompute_dll = Test-Path -LiteralPath (Join-Path -Path $env:SystemRoot -ChildPath 'System32\vmcompute.dll')
    }
}
