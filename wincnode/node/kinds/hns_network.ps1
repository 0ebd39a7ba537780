<#
.SYNOPSIS
A network of the Host Network Service is as wanted, or absent.
.DESCRIPTION
What differs is removed with its endpoints and made anew, as the agents of cluster networks do. A network
that is another's is left alone. Where the new one cannot be made, what was there is put back.
.NOTES
Source: replaced where type or subnet differ, github.com/flannel-io/flannel pkg/backend/vxlan/device_windows.go
Source: up to 45 s until the node has its address again, same repository pkg/backend/vxlan/vxlan_windows.go
Source: the policy ProviderAddress of a network holds that address, same file
#>
. ([scriptblock]::Create((Get-WnScript 'networks')))
# A call that hangs is over before the step is, so that the step can tell of it.
$until = [DateTime]::UtcNow.AddSeconds($Step.timeout_s - 0.5)
function Get-WnPolicy([object]$Of, [string]$Type, [string]$Name) {
    foreach ($row in @(Get-WnPart $Of 'Policies')) { if ((Get-WnPart $row 'Type') -eq $Type) { return Get-WnPart (Get-WnPart $row 'Settings') $Name } }
}
function Get-WnAddress([string[]]$Adapters) {
    # Those that the adapters have, but for what Windows gives itself.
    $indexes = @(foreach ($adapter in @(Get-NetAdapter -ErrorAction Stop)) { if ($Adapters -contains $adapter.Name) { [int]$adapter.InterfaceIndex } })
    foreach ($address in @(Get-NetIPAddress -AddressFamily IPv4 -ErrorAction Stop)) { if ($indexes -contains $address.InterfaceIndex -and $address.IPAddress -notlike '169.254.*') { [string]$address.IPAddress } }
}
function Get-WnNamedNetwork([string]$Name) {
    foreach ($row in @(Get-WnNetworkDocument -Until $until)) { if ([string]::Equals((Get-WnPart $row 'Name'), $Name, 'OrdinalIgnoreCase')) { return $row } }
}
function Get-WnNetworkValue([object]$Document, [hashtable]$Want) {
    $subnets = @(foreach ($ipam in @(Get-WnPart $Document 'Ipams')) { Get-WnPart $ipam 'Subnets' })
    $routes = @(foreach ($subnet in $subnets) { Get-WnPart $subnet 'Routes' })
    $default = @('0.0.0.0/0', '::/0')
    $type = "$(Get-WnPart $Document 'Type')"
    # HNS may leave the type of a NAT out: hcsshim hcn/hcnnetwork.go
    if ($type -eq '') { $type = 'NAT' }
    $adapter = "$(Get-WnPolicy $Document 'NetAdapterName' 'NetworkAdapterName')"
    # Whether every HNS repeats it is not told; the virtual adapter shows it, too.
    if ($adapter -eq '' -and $Want['adapter'] -and @(Get-NetAdapter -ErrorAction Stop | Where-Object -FilterScript { $_.Name -eq "vEthernet ($($Want['adapter']))" }).Count) { $adapter = $Want['adapter'] }
    $dns = Get-WnPart $Document 'Dns'
    @{
        state       = 'present'
        type        = $type
        adapter     = $adapter
        prefixes    = [object[]]@(foreach ($subnet in $subnets) { "$(Get-WnPart $subnet 'IpAddressPrefix')" })
        gateways    = [object[]]@(foreach ($route in $routes) { if ($default -contains (Get-WnPart $route 'DestinationPrefix')) { "$(Get-WnPart $route 'NextHop')" } })
        routes      = [object[]]@(foreach ($route in $routes) { if ($default -notcontains (Get-WnPart $route 'DestinationPrefix')) { "$(Get-WnPart $route 'DestinationPrefix') $(Get-WnPart $route 'NextHop')" } })
        vsids       = [object[]]@(foreach ($subnet in $subnets) { Get-WnPolicy $subnet 'VSID' 'IsolationId' | ForEach-Object -Process { "$_" } })
        vlans       = [object[]]@(foreach ($subnet in $subnets) { Get-WnPolicy $subnet 'VLAN' 'IsolationId' | ForEach-Object -Process { "$_" } })
        vxlan_port  = [int](Get-WnPolicy $Document 'VxlanPort' 'Port')
        dns_servers = [object[]]@(Get-WnPart $dns 'ServerList')
        dns_suffix  = "$(Get-WnPart $dns 'Domain')"
        dns_search  = [object[]]@(Get-WnPart $dns 'Search')
        mac_ranges  = [object[]]@(foreach ($range in @(Get-WnPart (Get-WnPart $Document 'MacPool') 'Ranges')) { "$(Get-WnPart $range 'StartMacAddress') $(Get-WnPart $range 'EndMacAddress')" })
    }
}
function Test-WnOwnNetwork([object]$Document, [string]$Name) {
    $owner = "$(Get-WnPart $Document 'Owner')"
    if ($owner -ne '') { return $owner -eq 'wincnode' }
    # Where HNS names no owner, what was not there before wincnode made it is wincnode's.
    $path = Join-Path -Path $base -ChildPath 'manifest.json'
    if (-not [IO.File]::Exists($path)) { return $false }
    @((ConvertFrom-Json -InputObject ([IO.File]::ReadAllText($path))).entries | Where-Object -FilterScript { $_.kind -eq 'hns_network' -and $_.key.name -eq $Name -and $_.before.state -eq 'absent' }).Count -gt 0
}
function Get-WnHnsNetwork {
    param([hashtable]$Key, [hashtable]$Want)
    $document = $null
    try { $document = Get-WnNamedNetwork $Key['name'] } catch {
        # Before HNS is installed it has no network; where one is to go, a service that is off proves nothing.
        if ($_.FullyQualifiedErrorId -ne '0x8007007e' -and ($_.FullyQualifiedErrorId -ne '0x800706d9' -or $Want['state'] -eq 'absent')) { throw }
    }
    if ($null -eq $document) { return @{ state = 'settled'; values = @{ state = 'absent' } } }
    $found = @{ state = 'settled'; values = (Get-WnNetworkValue $document $Want) }
    if (-not (Test-WnOwnNetwork $document $Key['name'])) {
        $fields = @(foreach ($row in @(Compare-WnStep $Step $Want $found)) { $row.field }) -join ', '
        if ($fields -ne '') { Stop-WnNetwork 'hns.foreign' "the network $($Key['name']) is not wincnode's and not as wanted ($fields), so it is left alone." }
    }
    $found
}
function Wait-WnNetwork([hashtable]$Key, [string[]]$Adapters) {
    $limit = [DateTime]::UtcNow.AddSeconds(45)
    while ($true) {
        $document = Get-WnNamedNetwork $Key['name']
        if ((Get-WnPolicy $document 'ProviderAddress' 'ProviderAddress') -or @(Get-WnAddress $Adapters).Count) { return }
        if ([DateTime]::UtcNow -gt $limit -or [DateTime]::UtcNow -gt $until.AddSeconds(-1)) { Stop-WnNetwork 'hns.no-address' "the node has no address on the network $($Key['name'])." }
        [Threading.Thread]::Sleep(500)
    }
}
function Set-WnHnsNetwork {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    $old = Get-WnNamedNetwork $Key['name']
    if ($null -ne $old) { Remove-WnNetworkDocument -Id $old.ID -Until $until }
    if ($Want['state'] -eq 'absent') { return }
    $virtual = "vEthernet ($($Want['adapter']))"
    # An adapter that carries no address of the node will have none afterwards.
    $moves = @('L2Bridge', 'L2Tunnel', 'Overlay', 'Transparent') -contains $Want['type'] -and (-not $Want['adapter'] -or @(Get-WnAddress @($Want['adapter'], $virtual)).Count)
    try {
        $null = New-WnNetworkDocument -Document $Want['document'] -Until $until
        if ($moves) { Wait-WnNetwork $Key @($virtual) }
    } catch {
        $problem = $_
        $rest = ''
        $left = 'What may have been made could not be removed: '
        if ($null -ne $old) { $left = 'What was there could not be put back: ' }
        try {
            $made = Get-WnNamedNetwork $Key['name']
            if ($null -ne $made) { Remove-WnNetworkDocument -Id $made.ID -Until $until }
            if ($null -ne $old) { $null = New-WnNetworkDocument -Document $old -Until $until }
        } catch { $rest = " $left" + $_.Exception.Message }
        Stop-WnNetwork $problem.FullyQualifiedErrorId ($problem.Exception.Message + $rest)
    }
}
