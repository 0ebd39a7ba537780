<#
.SYNOPSIS
Reads the services that containers need, and those of other container software.
.DESCRIPTION
One query gives all services. The values of HNS's State key change how networks behave, so they are listed.
.NOTES
Source: learn.microsoft.com/windows/win32/cimwin32prov/win32-service
Source: github.com/moby/moby/blob/master/daemon/daemon_windows.go
Source: github.com/openshift/windows-machine-config-operator/blob/master/docs/byoh-instance-pre-requisites.md
#>
function Get-WnFactsServices {
    param()
    $wanted = @(
        'vmcompute', 'hns', 'w32time', 'BFE', 'mpssvc', 'containerd', 'docker', 'com.docker.service', 'kubelet',
        'kube-proxy', 'kubeproxy', 'flanneld', 'rke2', 'rancher-wins', 'k0sworker', 'CalicoNode', 'CalicoFelix',
        'antrea-agent', 'ovs-vswitchd', 'ovsdb-server', 'csi-proxy', 'RemoteAccess', 'SharedAccess', 'AppIDSvc', 'WinDefend',
        'LxssManager', 'WSLService', 'Dnscache', 'NcHostAgent'
    )
    $services = @{}
    foreach ($service in @(Get-CimInstance -ClassName Win32_Service -Property @('Name', 'DisplayName', 'State', 'StartMode', 'StartName', 'PathName') -OperationTimeoutSec 20 -ErrorAction Stop)) {
        if ($wanted -contains $service.Name) {
            $services[([string]$service.Name).ToLowerInvariant()] = @{
                shown      = [string]$service.DisplayName
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
    @{
        services      = $services
        hns_state     = $flags
        vmcompute_dll = Test-Path -LiteralPath (Join-Path -Path $env:SystemRoot -ChildPath 'System32\vmcompute.dll')
    }
}
