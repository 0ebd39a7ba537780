<#
.SYNOPSIS
Reads adapters with their IPv4 addresses, routes, listening ports and the IPv6 switch.
.DESCRIPTION
InterfaceOperationalStatus 1 is up. PrefixOrigin and NetworkCategory are names of enumerations. Routes to single hosts
and to multicast are left out, but for that of a cloud's metadata. A port's owner is the name of its process. What
comes in to http.sys, process 4, may be the session that reads this.
.NOTES
Source: learn.microsoft.com/windows/win32/fwp/wmi/netadaptercimprov/msft-netadapter
Source: learn.microsoft.com/powershell/module/nettcpip/get-nettcpconnection
Source: each value that nothing has is an error, github.com/PowerShell/PowerShell src/Microsoft.PowerShell.Commands.Management/cimSupport/cmdletization/cim/clientSideQuery.cs
Source: learn.microsoft.com/troubleshoot/windows-server/networking/configure-ipv6-in-windows
#>
function Get-WnFactsNetwork {
    param()
    $addresses = @(Get-NetIPAddress -AddressFamily IPv4 -ErrorAction Stop)
    $adapters = foreach ($adapter in @(Get-NetAdapter -ErrorAction Stop)) {
        @{
            name        = [string]$adapter.Name
            index       = [int]$adapter.InterfaceIndex
            description = [string]$adapter.InterfaceDescription
            mac         = [string]$adapter.MacAddress
            physical    = [bool]$adapter.HardwareInterface
            up          = [int]$adapter.InterfaceOperationalStatus -eq 1
            addresses   = [object[]]@(
                foreach ($address in $addresses) {
                    if ($address.InterfaceIndex -eq $adapter.InterfaceIndex) {
                        @{
                            address       = [string]$address.IPAddress
                            prefix_length = [int]$address.PrefixLength
                            origin        = $address.PrefixOrigin.ToString()
                        }
                    }
                }
            )
        }
    }
    $routes = foreach ($route in @(Get-NetRoute -AddressFamily IPv4 -ErrorAction Stop)) {
        $destination = [string]$route.DestinationPrefix
        if ($destination -eq '169.254.169.254/32' -or $destination -notlike '*/32' -and $destination -ne '224.0.0.0/4' -and $destination -ne '127.0.0.0/8') {
            @{ destination = $destination; next_hop = [string]$route.NextHop; index = [int]$route.InterfaceIndex; metric = [int]$route.RouteMetric }
        }
    }
    $owners = @{}
    foreach ($process in @(Get-Process)) { $owners[[int]$process.Id] = [string]$process.ProcessName }
    $sessions = @{}
    # One question: to ask for each state would read the class twice. It is an error to have asked for
    # a state that no connection is in; Windows itself listens always.
    $connections = @(Get-NetTCPConnection -State @('Listen', 'Established') -ErrorAction SilentlyContinue)
    if ($connections.Count -eq 0) { throw 'Get-NetTCPConnection gave nothing' }
    $listening = @(
        foreach ($entry in $connections) {
            if ($entry.State.ToString() -ne 'Listen') {
                if ([int]$entry.OwningProcess -eq 4) { $sessions["$($entry.LocalAddress) $($entry.LocalPort)"] = @{ address = [string]$entry.LocalAddress; port = [int]$entry.LocalPort } }
                continue
            }
            @{ protocol = 'tcp'; port = [int]$entry.LocalPort; address = [string]$entry.LocalAddress; process = [string]$owners[[int]$entry.OwningProcess] }
        }
        foreach ($entry in @(Get-NetUDPEndpoint -ErrorAction Stop)) {
            # UDP ports of the dynamic range are clients of the moment, and hundreds of them on a DNS server.
            if ([int]$entry.LocalPort -lt 49152) {
                @{ protocol = 'udp'; port = [int]$entry.LocalPort; address = [string]$entry.LocalAddress; process = [string]$owners[[int]$entry.OwningProcess] }
            }
        }
    )
    $profiles = foreach ($network in @(Get-NetConnectionProfile -ErrorAction SilentlyContinue)) {
        @{ index = [int]$network.InterfaceIndex; category = $network.NetworkCategory.ToString() }
    }
    # A REG_DWORD of 0xffffffff arrives as -1; the mask keeps the number as people write it.
    $ipv6 = [Microsoft.Win32.Registry]::GetValue('HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\Tcpip6\Parameters', 'DisabledComponents', 0)
    @{
        adapters                 = [object[]]@($adapters)
        routes                   = [object[]]@($routes)
        listening                = [object[]]$listening
        sessions                 = [object[]]@($sessions.Keys | Sort-Object | ForEach-Object -Process { $sessions[$_] })
        profiles                 = [object[]]@($profiles)
        ipv6_disabled_components = [long]$ipv6 -band 4294967295
    }
}
