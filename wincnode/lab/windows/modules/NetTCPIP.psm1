# Written by wincnode.lab.windows.standins; stands in for a module of Windows.
function Get-NetIPAddress {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [ValidateSet('IPv4', 'IPv6')] [string[]]$AddressFamily,
        [ValidateSet('Invalid', 'Tentative', 'Duplicate', 'Deprecated', 'Preferred')] [string[]]$AddressState,
        [switch]$AsJob,
        [object]$AssociatedIPInterface,
        [Alias('Session')] [object[]]$CimSession,
        [Alias('LocalAddress')] [string[]]$IPAddress,
        [switch]$IncludeAllCompartments,
        [Alias('ifAlias')] [string[]]$InterfaceAlias,
        [Alias('ifIndex')] [uint32[]]$InterfaceIndex,
        [string]$PolicyStore,
        [TimeSpan[]]$PreferredLifetime,
        [object[]]$PrefixLength,
        [ValidateSet('Other', 'Manual', 'WellKnown', 'Dhcp', 'RouterAdvertisement')] [string[]]$PrefixOrigin,
        [bool[]]$SkipAsSource,
        [ValidateSet('Other', 'Manual', 'WellKnown', 'Dhcp', 'Link', 'Random')] [string[]]$SuffixOrigin,
        [int]$ThrottleLimit,
        [ValidateSet('Unicast', 'Anycast')] [string[]]$Type,
        [TimeSpan[]]$ValidLifetime
    )
    Invoke-WnLab -Cmdlet 'Get-NetIPAddress' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Get-NetRoute {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [ValidateSet('IPv4', 'IPv6')] [string[]]$AddressFamily,
        [switch]$AsJob,
        [object]$AssociatedIPInterface,
        [Alias('Session')] [object[]]$CimSession,
        [uint32[]]$CompartmentId,
        [string[]]$DestinationPrefix,
        [switch]$IncludeAllCompartments,
        [Alias('ifAlias')] [string[]]$InterfaceAlias,
        [Alias('ifIndex')] [uint32[]]$InterfaceIndex,
        [string[]]$NextHop,
        [string]$PolicyStore,
        [TimeSpan[]]$PreferredLifetime,
        [ValidateSet('Other', 'Local', 'NetMgmt', 'Icmp', 'Egp', 'Ggp', 'Hello', 'Rip', 'IsIs', 'EsIs', 'Igrp', 'Bbn', 'Ospf', 'Bgp', 'Idpr', 'Eigrp', 'Dvmrp', 'Rpl', 'Dhcp')] [string[]]$Protocol,
        [ValidateSet('No', 'Age', 'Yes')] [string[]]$Publish,
        [uint16[]]$RouteMetric,
        [int]$ThrottleLimit,
        [TimeSpan[]]$ValidLifetime
    )
    Invoke-WnLab -Cmdlet 'Get-NetRoute' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Get-NetTCPConnection {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [ValidateSet('Internet', 'Datacenter', 'Compat', 'DatacenterCustom', 'InternetCustom')] [string[]]$AppliedSetting,
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [DateTime[]]$CreationTime,
        [Alias('IPAddress')] [string[]]$LocalAddress,
        [uint16[]]$LocalPort,
        [ValidateSet('InHost', 'Offloading', 'Offloaded', 'Uploading')] [string[]]$OffloadState,
        [uint32[]]$OwningProcess,
        [string[]]$RemoteAddress,
        [uint16[]]$RemotePort,
        [ValidateSet('Closed', 'Listen', 'SynSent', 'SynReceived', 'Established', 'FinWait1', 'FinWait2', 'CloseWait', 'Closing', 'LastAck', 'TimeWait', 'DeleteTCB', 'Bound')] [string[]]$State,
        [int]$ThrottleLimit
    )
    Invoke-WnLab -Cmdlet 'Get-NetTCPConnection' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Get-NetUDPEndpoint {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [DateTime[]]$CreationTime,
        [Alias('IPAddress')] [string[]]$LocalAddress,
        [uint16[]]$LocalPort,
        [uint32[]]$OwningProcess,
        [int]$ThrottleLimit
    )
    Invoke-WnLab -Cmdlet 'Get-NetUDPEndpoint' -Bound $PSBoundParameters -Caller $PSCmdlet
}
