<#
.SYNOPSIS
Waits for the CNI's HNS network, finds the source VIP, and runs kube-proxy.
.NOTES
Runs as SYSTEM in a HostProcess container of the image sigwindowstools/kube-proxy, whose hns.psm1
(microsoft/SDN:Kubernetes/windows/hns.psm1) brings the Hns functions.
SOURCE_VIP is empty, host-local (reserve an address of the node's pod subnet), or endpoint:NAME.
Source: kubernetes-sigs/sig-windows-tools:hostprocess/calico/kube-proxy/start.ps1@401ee6fc and
hostprocess/flannel/kube-proxy/start.ps1@03f99247
#>
$ErrorActionPreference = 'Stop'
$mount = $env:CONTAINER_SANDBOX_MOUNT_POINT
$utf8 = New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false
Import-Module -Name "$mount\kube-proxy\hns.psm1" -Force

function Wait-WnHns {
    # Gives the object with a name as soon as it is there.
    param([scriptblock] $List, [string] $Name)
    while ($true) {
        $found = & $List | Where-Object -FilterScript { $_.Name -eq $Name } | Select-Object -First 1
        if ($null -ne $found) { return $found }
        Start-Sleep -Seconds 1
    }
}

function Get-WnReservedVip {
    # Overlay needs an address of the node's pod subnet that is kept over restarts
    # (kubernetes/kubernetes#96996, #100962). A node that got another subnet reserves anew.
    param([string] $Network, [string] $Subnet)
    $file = 'C:\sourcevip\' + $Subnet.Replace('/', '-') + '.json'
    if (-not (Test-Path -LiteralPath $file)) {
        $null = New-Item -ItemType Directory -Path 'C:\sourcevip' -Force
        $range = @{ subnet = $Subnet }
        $ipam = @{ type = 'host-local'; ranges = @(, @($range)); dataDir = '/var/lib/cni/networks' }
        $request = ConvertTo-Json -InputObject @{ cniVersion = '0.3.0'; name = $Network; ipam = $ipam } -Depth 5 -Compress
        $env:CNI_COMMAND = 'ADD'
        $env:CNI_CONTAINERID = 'kube-proxy'
        $env:CNI_NETNS = 'none'
        $env:CNI_IFNAME = 'source-vip'
        $env:CNI_PATH = $env:CNI_BIN_PATH
        $answer = $request | & "$env:CNI_BIN_PATH\host-local.exe"
        if ($LASTEXITCODE -ne 0) { throw "host-local could not reserve a source VIP: $answer" }
        [System.IO.File]::WriteAllText($file, ($answer -join "`n"), $utf8)
    }
    $reserved = ConvertFrom-Json -InputObject ([System.IO.File]::ReadAllText($file))
    return $reserved.ips[0].address.Split('/')[0]
}

$network = Wait-WnHns -List { Get-HnsNetwork } -Name $env:KUBE_NETWORK

# The files that kubeadm's kubeconfig names are where the container is mounted.
$kubeconfig = [System.IO.File]::ReadAllText("$mount\mounts\kube-proxy\kubeconfig.conf").Replace('/var/', "$mount/var/".Replace('\', '/'))
[System.IO.File]::WriteAllText("$mount\kubeconfig.conf", $kubeconfig, $utf8)

$flags = @(
    '--v=4',
    '--proxy-mode=kernelspace',
    "--hostname-override=$env:NODE_NAME",
    "--kubeconfig=$mount\kubeconfig.conf",
    "--enable-dsr=$env:ENABLE_DSR"
)
if ($env:SOURCE_VIP -eq 'host-local') {
    $flags += '--source-vip=' + (Get-WnReservedVip -Network $env:KUBE_NETWORK -Subnet $network.Subnets[0].AddressPrefix)
} elseif ($env:SOURCE_VIP) {
    $endpoint = Wait-WnHns -List { Get-HnsEndpoint } -Name $env:SOURCE_VIP.Split(':')[1]
    $flags += '--source-vip=' + $endpoint.IPAddress
}

# kube-proxy stumbles over what its predecessor left (kubernetes/kubernetes#139503).
$left = Get-HnsPolicyList
if ($left) { $left | Remove-HnsPolicyList }

& "$mount\kube-proxy\kube-proxy.exe" $flags
exit $LASTEXITCODE
