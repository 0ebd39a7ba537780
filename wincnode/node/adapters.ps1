<#
.SYNOPSIS
What the node's adapters have, what of it is different from before, and how it is put back or brought
over to the adapter that has taken over. Loaded with guard.ps1, whose $note it reads.
.NOTES
Source: the address of an adapter moves to vEthernet (NAME) with its first external switch, and
routes of a cloud's metadata are lost, microsoft/SDN#498, rancher/rke2:pkg/windows/utils.go
Source: an address set by hand ends DHCP, and is kept over a boot, learn.microsoft.com/powershell/module/nettcpip/new-netipaddress
Source: servers set by hand are NameServer, learn.microsoft.com/troubleshoot/windows-client/networking/tcpip-and-nbt-configuration-parameters
#>
function Get-WnAdapter {
    # What each adapter has, but for what Windows makes of it: local routes, link-local addresses.
    $links = @(Get-NetIPInterface -AddressFamily IPv4 -ErrorAction Stop)
    $addresses = @(Get-NetIPAddress -ErrorAction Stop)
    $routes = @(Get-NetRoute -ErrorAction Stop)
    $kept = @(foreach ($row in @(Get-NetRoute -PolicyStore PersistentStore -ErrorAction SilentlyContinue)) { "$($row.DestinationPrefix) $($row.NextHop)" })
    $profiles = @(Get-NetConnectionProfile -ErrorAction SilentlyContinue)
    $servers = @(Get-DnsClientServerAddress -ErrorAction Stop)
    foreach ($adapter in @(Get-NetAdapter -ErrorAction Stop)) {
        $index = [int]$adapter.InterfaceIndex
        $row = [ordered]@{ name = [string]$adapter.Name; index = $index; mac = [string]$adapter.MacAddress; physical = [bool]$adapter.HardwareInterface
            dhcp = $null; metric = 0; mtu = 0; category = ''; addresses = @(); routes = @(); dns = @(); dns_set = @() }
        foreach ($link in $links) {
            if ([int]$link.InterfaceIndex -ne $index) { continue }
            $row.dhcp = "$($link.Dhcp)" -eq 'Enabled'
            # 0 stands for the metric that Windows chooses.
            if ("$($link.AutomaticMetric)" -ne 'Enabled') { $row.metric = [long]$link.InterfaceMetric }
            $row.mtu = [long]$link.NlMtu
        }
        foreach ($network in $profiles) { if ([int]$network.InterfaceIndex -eq $index) { $row.category = "$($network.NetworkCategory)" } }
        $row.addresses = @(foreach ($one in $addresses) {
                if ([int]$one.InterfaceIndex -ne $index -or @('Manual', 'Dhcp') -notcontains "$($one.PrefixOrigin)") { continue }
                [ordered]@{ address = [string]$one.IPAddress; prefix_length = [int]$one.PrefixLength; origin = "$($one.PrefixOrigin)" }
            })
        $row.routes = @(foreach ($one in $routes) {
                if ([int]$one.InterfaceIndex -ne $index -or "$($one.Protocol)" -ne 'NetMgmt') { continue }
                [ordered]@{ destination = [string]$one.DestinationPrefix; next_hop = [string]$one.NextHop; metric = [int]$one.RouteMetric
                    persistent = $kept -contains "$($one.DestinationPrefix) $($one.NextHop)" }
            })
        $row.dns = @(foreach ($one in $servers) { if ([int]$one.InterfaceIndex -eq $index) { @($one.ServerAddresses) } })
        $row.dns_set = @(foreach ($family in @('Tcpip', 'Tcpip6')) {
                $text = [Microsoft.Win32.Registry]::GetValue("HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\$family\Parameters\Interfaces\$($adapter.InterfaceGuid)", 'NameServer', '')
                ([string]$text).Split([char[]]', ', [StringSplitOptions]::RemoveEmptyEntries)
            })
        $row
    }
}
function Read-WnAdapters {
    # As it is read back from JSON, so that what is there and what was noted have one form.
    @((ConvertFrom-Json -InputObject (ConvertTo-WnLine @{ rows = @(Get-WnAdapter) })).rows)
}
function Find-WnHeir([object]$Was, [object[]]$Now) {
    # The adapter that has taken over: a virtual one that was not there, by its name, or else by its
    # MAC, which the members of a team have, too, that have no address.
    $known = @(foreach ($row in $note.adapters) { $row.name })
    $new = @(foreach ($row in $Now) { if (-not $row.physical -and $known -notcontains $row.name) { $row } })
    foreach ($row in $new) { if ($row.name -eq "vEthernet ($($Was.name))") { return $row } }
    if ($Was.physical -and $Was.mac -ne '' -and @($Was.addresses).Count) {
        foreach ($row in $new) { if ($row.mac -eq $Was.mac) { return $row } }
    }
    foreach ($row in $Now) { if ($row.name -eq $Was.name) { return $row } }
    # With the last network of a switch its port goes, and what it had is the adapter's again.
    foreach ($row in $Now) { if ($row.physical -and $Was.name -eq "vEthernet ($($row.name))") { return $row } }
}
function Get-WnTouched {
    # The adapters that the change is about: those of the steps' networks, and whichever has moved.
    # An empty name stands for all, where a network does not say which it lies on.
    foreach ($step in @($plan.steps)) {
        if ($step.kind -ne 'hns_network') { continue }
        $rows = @(foreach ($row in $note.networks) { if ($row.Name -eq $step.key.name) { $row } })
        $text = Get-WnPart $step.want 'document'
        if ($text -is [string]) { $rows += ConvertFrom-Json -InputObject $text }
        foreach ($row in $rows) {
            if (@('L2Bridge', 'L2Tunnel', 'Overlay', 'Transparent') -notcontains (Get-WnPart $row 'Type')) { continue }
            $named = @(foreach ($policy in @(Get-WnPart $row 'Policies')) { if ((Get-WnPart $policy 'Type') -eq 'NetAdapterName') { "$(Get-WnPart (Get-WnPart $policy 'Settings') 'NetworkAdapterName')" } })
            if ($named.Count) { $named } else { '' }
        }
    }
    $now = @(Read-WnAdapters)
    foreach ($was in $note.adapters) {
        $heir = Find-WnHeir $was $now
        if ($null -ne $heir -and $heir.name -ne $was.name) { $was.name }
    }
}
function Select-WnNoted([object[]]$Now, [string[]]$Touched) {
    # Those that were noted and are touched, but for adapters below a port that is gone: these become
    # what the port was.
    $names = @(foreach ($row in $Now) { $row.name })
    $gone = @(foreach ($row in $note.adapters) { if ($names -notcontains $row.name) { $row.name } })
    $all = $Touched.Count -eq 0 -or $Touched -contains ''
    $ports = @(foreach ($name in $Touched) { "vEthernet ($name)" })
    foreach ($row in $note.adapters) {
        if ($gone -contains "vEthernet ($($row.name))") { continue }
        if ($all -or $Touched -contains $row.name -or $ports -contains $row.name) { $row }
    }
}
function Test-WnLease([object]$Was, [object]$Route) {
    # The way out of an adapter with DHCP comes with the lease.
    $Was.dhcp -and -not $Route.persistent -and @('0.0.0.0/0', '::/0') -contains $Route.destination
}
function Compare-WnAdapter([object]$Was, [object]$Is, [bool]$Exactly) {
    # What is different, a text each; DHCP's own addresses may change.
    if ($null -eq $Is) {
        # The port of a container, or of a network that is gone, was nobody's way out.
        if ($Was.physical -or @(foreach ($one in $Was.routes) { if (@('0.0.0.0/0', '::/0') -contains $one.destination) { $one } }).Count) { "adapter $($Was.name)" }
        return
    }
    $have = @(foreach ($one in $Is.addresses) { $one.address })
    $had = @(foreach ($one in $Was.addresses) { $one.address })
    foreach ($one in $Was.addresses) { if ($one.origin -eq 'Manual' -and $have -notcontains $one.address) { "address $($one.address)" } }
    if ($Exactly) { foreach ($one in $Is.addresses) { if ($one.origin -eq 'Manual' -and $had -notcontains $one.address) { "further address $($one.address)" } } }
    if ($null -ne $Was.dhcp -and $Was.dhcp -ne $Is.dhcp) { 'DHCP' }
    if ($Exactly -and $Was.dhcp -and $had.Count -and -not $have.Count) { 'address of DHCP' }
    $there = @(foreach ($one in $Is.routes) { "$($one.destination) $($one.next_hop)" })
    foreach ($one in $Was.routes) {
        if ($there -contains "$($one.destination) $($one.next_hop)" -or (Test-WnLease $Was $one)) { continue }
        # Further routes may come with a lease, too, and another lease has others.
        if ($Was.dhcp -and -not $one.persistent) { "leased route to $($one.destination)" } else { "route to $($one.destination)" }
    }
    if (($Was.dns_set -join ' ') -ne ($Is.dns_set -join ' ')) { 'DNS servers' }
    if ($Was.metric -ne $Is.metric) { 'metric' }
    if ($Was.mtu -and $Was.mtu -ne $Is.mtu) { 'MTU' }
    # Nobody can make a network a domain's by hand, nor anything else of one; Windows finds that out.
    if ($Exactly -and @('Public', 'Private') -contains $Was.category -and $Is.category -ne 'DomainAuthenticated' -and $Was.category -ne $Is.category) { 'category of the network' }
}
function Set-WnAdapter([object]$Was, [object]$Is, [bool]$Exactly) {
    # Whatever of it fails, the rest is done.
    $index = $Is.index
    $do = { param([scriptblock]$Work) try { $null = & $Work } catch { $problems.Add($_.Exception.GetBaseException().Message) } }
    $have = @(foreach ($one in $Is.addresses) { $one.address })
    $had = @(foreach ($one in $Was.addresses) { $one.address })
    if ($Exactly) {
        foreach ($one in $Is.addresses) {
            if ($one.origin -eq 'Manual' -and $had -notcontains $one.address) { & $do { Remove-NetIPAddress -InterfaceIndex $index -IPAddress $one.address -Confirm:$false -ErrorAction Stop } }
        }
    }
    foreach ($one in $Was.addresses) {
        if ($one.origin -eq 'Manual' -and $have -notcontains $one.address) { & $do { New-NetIPAddress -InterfaceIndex $index -IPAddress $one.address -PrefixLength $one.prefix_length -ErrorAction Stop } }
    }
    if ($null -ne $Was.dhcp -and $Was.dhcp -ne $Is.dhcp) {
        $dhcp = @('Disabled', 'Enabled')[[int][bool]$Was.dhcp]
        & $do { Set-NetIPInterface -InterfaceIndex $index -AddressFamily IPv4 -Dhcp $dhcp -ErrorAction Stop }
    }
    if ($Was.metric -ne $Is.metric) {
        if ($Was.metric) { & $do { Set-NetIPInterface -InterfaceIndex $index -AddressFamily IPv4 -InterfaceMetric $Was.metric -ErrorAction Stop } }
        else { & $do { Set-NetIPInterface -InterfaceIndex $index -AddressFamily IPv4 -AutomaticMetric Enabled -ErrorAction Stop } }
    }
    if ($Was.mtu -and $Was.mtu -ne $Is.mtu) { & $do { Set-NetIPInterface -InterfaceIndex $index -AddressFamily IPv4 -NlMtuBytes $Was.mtu -ErrorAction Stop } }
    $there = @(foreach ($one in $Is.routes) { "$($one.destination) $($one.next_hop)" })
    foreach ($one in $Was.routes) {
        if ((Test-WnLease $Was $one) -or $there -contains "$($one.destination) $($one.next_hop)") { continue }
        # One that was not to outlive a boot does not do so now.
        if ($one.persistent) { & $do { New-NetRoute -InterfaceIndex $index -DestinationPrefix $one.destination -NextHop $one.next_hop -RouteMetric $one.metric -ErrorAction Stop } }
        else { & $do { New-NetRoute -InterfaceIndex $index -DestinationPrefix $one.destination -NextHop $one.next_hop -RouteMetric $one.metric -PolicyStore ActiveStore -ErrorAction Stop } }
    }
    if (($Was.dns_set -join ' ') -ne ($Is.dns_set -join ' ')) {
        if ($Was.dns_set.Count) { & $do { Set-DnsClientServerAddress -InterfaceIndex $index -ServerAddresses $Was.dns_set -ErrorAction Stop } }
        else { & $do { Set-DnsClientServerAddress -InterfaceIndex $index -ResetServerAddresses -ErrorAction Stop } }
    }
    if ($Was.category -ne $Is.category -and $Is.category -ne 'DomainAuthenticated' -and @('Public', 'Private') -contains $Was.category) { & $do { Set-NetConnectionProfile -InterfaceIndex $index -NetworkCategory $Was.category -ErrorAction Stop } }
}
function Set-WnAdapters([double]$Seconds, [bool]$Exactly, [string[]]$Touched) {
    # An adapter needs seconds to come back. Gives what is still different, with why.
    $watch = [Diagnostics.Stopwatch]::StartNew()
    while ($true) {
        $problems = New-Object -TypeName 'Collections.Generic.List[string]'
        $now = @(Read-WnAdapters)
        foreach ($was in @(Select-WnNoted $now $Touched)) {
            $heir = Find-WnHeir $was $now
            if ($null -ne $heir) { Set-WnAdapter $was $heir $Exactly }
        }
        $now = @(Read-WnAdapters)
        $left = @(foreach ($was in @(Select-WnNoted $now $Touched)) { foreach ($text in @(Compare-WnAdapter $was (Find-WnHeir $was $now) $Exactly)) { "$($was.name): $text" } })
        if ($left.Count -eq 0 -or $watch.Elapsed.TotalSeconds -ge $Seconds) { break }
        [Threading.Thread]::Sleep(500)
    }
    if ($left.Count) { $left += @($problems | Select-Object -Unique) }
    $left
}
