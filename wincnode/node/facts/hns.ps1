<#
.SYNOPSIS
Reads what the Host Network Service, NAT and the Host Compute Service hold.
.DESCRIPTION
Without the cmdlets of HNS, which come with the feature Containers, its objects are null. HCS mirrors compute systems
that run into the registry.
.NOTES
Source: learn.microsoft.com/powershell/module/hostnetworkingservice/get-hnsnetwork
Source: the other module, powershellgallery.com/packages/HNS (functions, no Get-HnsPolicyList)
Source: learn.microsoft.com/powershell/module/netnat/get-netnat
Source: learn.microsoft.com/powershell/module/netnat/get-netnatstaticmapping
Source: the mirror, github.com/rancher-sandbox/rancher-desktop src/go/networking/pkg/vsock/handshake_windows.go
#>
function Get-WnFactsHns {
    param()
    $networks = $null
    $counts = $null
    # A module HNS of the gallery has some of these names, and other objects; the last import wins.
    Import-Module -Name 'HostNetworkingService' -ErrorAction SilentlyContinue
    if (Get-Module -Name 'HostNetworkingService') {
        $networks = [object[]]@(
            # What a network lacks is null after that, and no error.
            foreach ($row in @(Get-HnsNetwork -ErrorAction Stop | Where-Object -FilterScript { $_ } | Select-Object -Property @('Name', 'Type', 'Subnets'))) {
                @{ name = [string]$row.Name; type = [string]$row.Type; subnets = [object[]]@(foreach ($subnet in @($row.Subnets)) { if ($subnet) { [string]$subnet.AddressPrefix } }) }
            }
        )
        $counts = @{
            endpoints    = @(Get-HnsEndpoint -ErrorAction Stop | Where-Object -FilterScript { $_ }).Count
            namespaces   = @(Get-HnsNamespace -ErrorAction Stop | Where-Object -FilterScript { $_ }).Count
            policy_lists = @(Get-HnsPolicyList -ErrorAction Stop | Where-Object -FilterScript { $_ }).Count
        }
    }
    $nat = foreach ($row in @(Get-NetNat -ErrorAction SilentlyContinue)) { @{ name = [string]$row.Name; prefix = [string]$row.InternalIPInterfaceAddressPrefix } }
    $mappings = foreach ($row in @(Get-NetNatStaticMapping -ErrorAction SilentlyContinue)) {
        @{ nat = [string]$row.NatName; protocol = "$($row.Protocol)".ToLowerInvariant(); port = [int]$row.ExternalPort; to = "$($row.InternalIPAddress):$($row.InternalPort)" }
    }
    $systems = @(Get-ChildItem -LiteralPath 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion\HostComputeService\VolatileStore\ComputeSystem' -ErrorAction SilentlyContinue | ForEach-Object -Process { [string]$_.PSChildName })
    @{ networks = $networks; counts = $counts; nat = [object[]]@($nat); nat_mappings = [object[]]@($mappings); compute_systems = [object[]]$systems }
}
