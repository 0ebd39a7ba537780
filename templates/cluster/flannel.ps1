<#
.SYNOPSIS
Puts flannel's CNI programs and configuration on the node, then runs flanneld.
.NOTES
Runs as SYSTEM in a HostProcess container of the image sigwindowstools/flannel.
Source: kubernetes-sigs/sig-windows-tools:hostprocess/flannel/flanneld/start.ps1@03f99247
#>
$ErrorActionPreference = 'Stop'
$mount = $env:CONTAINER_SANDBOX_MOUNT_POINT
$utf8 = New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false

foreach ($folder in $env:CNI_BIN_PATH, $env:CNI_CONFIG_PATH, 'C:\etc\kube-flannel') {
    $null = New-Item -ItemType Directory -Path $folder -Force
}
Copy-Item -Path "$mount\cni\*.exe" -Destination $env:CNI_BIN_PATH -Force
# Where flanneld looks for it by default (flannel-io/flannel:main.go, net-config-path).
Copy-Item -LiteralPath "$mount\mounts\kube-flannel\net-conf.json" -Destination 'C:\etc\kube-flannel\net-conf.json' -Force

# The node's address is the one of the adapter with the cheapest default route.
$route = Get-NetRoute -DestinationPrefix '0.0.0.0/0' |
    Sort-Object -Property { $_.RouteMetric + $_.InterfaceMetric } | Select-Object -First 1
$index = $route.InterfaceIndex
$address = Get-NetIPAddress -InterfaceIndex $index -AddressFamily IPv4 | Select-Object -First 1
$onLink = Get-NetRoute -InterfaceIndex $index -AddressFamily IPv4 |
    Where-Object -FilterScript { $_.NextHop -eq '0.0.0.0' -and $_.DestinationPrefix.EndsWith("/$($address.PrefixLength)") } |
    Select-Object -First 1

$text = [System.IO.File]::ReadAllText("$mount\mounts\kube-flannel-windows\cni-conf.json")
$text = $text.Replace('NODE_ADDRESS', $address.IPAddress).Replace('NODE_SUBNET', $onLink.DestinationPrefix)
[System.IO.File]::WriteAllText("$env:CNI_CONFIG_PATH\10-flannel.conf", $text, $utf8)

# The switch that flanneld makes hides a cloud's metadata service (kubernetes-sigs/sig-windows-tools#36).
& "$env:SystemRoot\System32\route.exe" /p add 169.254.169.254 mask 255.255.255.255 0.0.0.0

& "$mount\flannel\flanneld.exe" --kube-subnet-mgr --iface $address.IPAddress
exit $LASTEXITCODE
