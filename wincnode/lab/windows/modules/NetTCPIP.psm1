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
function Get-NetIPInterface {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [ValidateSet('IPv4', 'IPv6')] [string[]]$AddressFamily,
        [ValidateSet('Disabled', 'Enabled')] [string[]]$AdvertiseDefaultRoute,
        [TimeSpan[]]$AdvertisedRouterLifetime,
        [ValidateSet('Disabled', 'Enabled')] [string[]]$Advertising,
        [switch]$AsJob,
        [object]$AssociatedAdapter,
        [object]$AssociatedIPAddress,
        [object]$AssociatedNeighbor,
        [object]$AssociatedRoute,
        [ValidateSet('Disabled', 'Enabled')] [string[]]$AutomaticMetric,
        [Alias('BaseReachableTime')] [uint32[]]$BaseReachableTimeMs,
        [Alias('Session')] [object[]]$CimSession,
        [ValidateSet('Disabled', 'Enabled')] [string[]]$ClampMss,
        [uint32[]]$CompartmentId,
        [ValidateSet('Disconnected', 'Connected')] [string[]]$ConnectionState,
        [uint32[]]$CurrentHopLimit,
        [Alias('DadRetransmitTime')] [uint32[]]$DadRetransmitTimeMs,
        [uint32[]]$DadTransmits,
        [ValidateSet('Disabled', 'Enabled')] [string[]]$Dhcp,
        [ValidateSet('Disabled', 'Enabled')] [string[]]$DirectedMacWolPattern,
        [ValidateSet('Disabled', 'UseEct1', 'UseEct0', 'AppDecide')] [string[]]$EcnMarking,
        [ValidateSet('Disabled', 'Enabled')] [string[]]$ForceArpNdWolPattern,
        [ValidateSet('Disabled', 'Enabled')] [string[]]$Forwarding,
        [ValidateSet('Disabled', 'Enabled')] [string[]]$IgnoreDefaultRoutes,
        [switch]$IncludeAllCompartments,
        [Alias('ifAlias')] [string[]]$InterfaceAlias,
        [Alias('ifIndex')] [uint32[]]$InterfaceIndex,
        [uint32[]]$InterfaceMetric,
        [ValidateSet('Disabled', 'Enabled')] [string[]]$ManagedAddressConfiguration,
        [ValidateSet('No', 'Yes')] [string[]]$NeighborDiscoverySupported,
        [ValidateSet('Disabled', 'Enabled')] [string[]]$NeighborUnreachabilityDetection,
        [uint32[]]$NlMtuBytes,
        [ValidateSet('Disabled', 'Enabled')] [string[]]$OtherStatefulConfiguration,
        [string]$PolicyStore,
        [Alias('ReachableTime')] [uint32[]]$ReachableTimeMs,
        [Alias('RetransmitTime')] [uint32[]]$RetransmitTimeMs,
        [ValidateSet('Disabled', 'Enabled', 'ControlledByDHCP')] [string[]]$RouterDiscovery,
        [int]$ThrottleLimit,
        [ValidateSet('Disabled', 'Enabled')] [string[]]$WeakHostReceive,
        [ValidateSet('Disabled', 'Enabled')] [string[]]$WeakHostSend
    )
    Invoke-WnLab -Cmdlet 'Get-NetIPInterface' -Bound $PSBoundParameters -Caller $PSCmdlet
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
function Get-NetTCPSetting {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [switch]$AsJob,
        [object]$AssociatedTransportFilter,
        [uint16[]]$AutoReusePortRangeNumberOfPorts,
        [uint16[]]$AutoReusePortRangeStartPort,
        [ValidateSet('Local', 'GroupPolicy')] [string[]]$AutoTuningLevelEffective,
        [ValidateSet('Disabled', 'HighlyRestricted', 'Restricted', 'Normal', 'Experimental', 'NotConfigured', 'NotChanged')] [string[]]$AutoTuningLevelGroupPolicy,
        [ValidateSet('Disabled', 'HighlyRestricted', 'Restricted', 'Normal', 'Experimental')] [string[]]$AutoTuningLevelLocal,
        [ValidateSet('Disabled', 'Enabled')] [string[]]$AutomaticUseCustom,
        [Alias('Session')] [object[]]$CimSession,
        [ValidateSet('Default', 'CTCP', 'DCTCP')] [string[]]$CongestionProvider,
        [ValidateSet('False', 'True')] [string[]]$CwndRestart,
        [object[]]$DelayedAckFrequency,
        [Alias('DelayedAckTimeout')] [uint32[]]$DelayedAckTimeoutMs,
        [uint16[]]$DynamicPortRangeNumberOfPorts,
        [uint16[]]$DynamicPortRangeStartPort,
        [ValidateSet('Disabled', 'Enabled')] [string[]]$EcnCapability,
        [ValidateSet('Disabled', 'Enabled')] [string[]]$ForceWS,
        [Alias('InitialCongestionWindow')] [uint32[]]$InitialCongestionWindowMss,
        [Alias('InitialRto')] [uint32[]]$InitialRtoMs,
        [object[]]$MaxSynRetransmissions,
        [ValidateSet('Disabled', 'Enabled', 'Default')] [string[]]$MemoryPressureProtection,
        [Alias('MinRto')] [uint32[]]$MinRtoMs,
        [ValidateSet('Disabled', 'Enabled')] [string[]]$NonSackRttResiliency,
        [ValidateSet('Disabled', 'Enabled')] [string[]]$ScalingHeuristics,
        [string[]]$SettingName,
        [int]$ThrottleLimit,
        [ValidateSet('Disabled', 'Enabled')] [string[]]$Timestamps
    )
    Invoke-WnLab -Cmdlet 'Get-NetTCPSetting' -Bound $PSBoundParameters -Caller $PSCmdlet
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
function Get-NetUDPSetting {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [uint16[]]$DynamicPortRangeNumberOfPorts,
        [uint16[]]$DynamicPortRangeStartPort,
        [int]$ThrottleLimit
    )
    Invoke-WnLab -Cmdlet 'Get-NetUDPSetting' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function New-NetIPAddress {
    [CmdletBinding(PositionalBinding = $false, SupportsShouldProcess = $true)]
    param(
        [ValidateSet('IPv4', 'IPv6')] [string]$AddressFamily,
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [string]$DefaultGateway,
        [Alias('LocalAddress')] [string]$IPAddress,
        [Alias('ifAlias')] [string]$InterfaceAlias,
        [Alias('ifIndex')] [uint32]$InterfaceIndex,
        [string]$PolicyStore,
        [TimeSpan]$PreferredLifetime,
        [object]$PrefixLength,
        [bool]$SkipAsSource,
        [int]$ThrottleLimit,
        [ValidateSet('Unicast', 'Anycast')] [string]$Type,
        [TimeSpan]$ValidLifetime
    )
    Invoke-WnLab -Cmdlet 'New-NetIPAddress' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function New-NetRoute {
    [CmdletBinding(PositionalBinding = $false, SupportsShouldProcess = $true)]
    param(
        [ValidateSet('IPv4', 'IPv6')] [string]$AddressFamily,
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [string]$DestinationPrefix,
        [Alias('ifAlias')] [string]$InterfaceAlias,
        [Alias('ifIndex')] [uint32]$InterfaceIndex,
        [string]$NextHop,
        [string]$PolicyStore,
        [TimeSpan]$PreferredLifetime,
        [ValidateSet('Other', 'Local', 'NetMgmt', 'Icmp', 'Egp', 'Ggp', 'Hello', 'Rip', 'IsIs', 'EsIs', 'Igrp', 'Bbn', 'Ospf', 'Bgp', 'Idpr', 'Eigrp', 'Dvmrp', 'Rpl', 'Dhcp')] [string]$Protocol,
        [ValidateSet('No', 'Age', 'Yes')] [string]$Publish,
        [uint16]$RouteMetric,
        [int]$ThrottleLimit,
        [TimeSpan]$ValidLifetime
    )
    Invoke-WnLab -Cmdlet 'New-NetRoute' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Remove-NetIPAddress {
    [CmdletBinding(PositionalBinding = $false, SupportsShouldProcess = $true)]
    param(
        [ValidateSet('IPv4', 'IPv6')] [string[]]$AddressFamily,
        [ValidateSet('Invalid', 'Tentative', 'Duplicate', 'Deprecated', 'Preferred')] [string[]]$AddressState,
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [string]$DefaultGateway,
        [Alias('LocalAddress')] [string[]]$IPAddress,
        [switch]$IncludeAllCompartments,
        [object[]]$InputObject,
        [Alias('ifAlias')] [string[]]$InterfaceAlias,
        [Alias('ifIndex')] [uint32[]]$InterfaceIndex,
        [switch]$PassThru,
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
    Invoke-WnLab -Cmdlet 'Remove-NetIPAddress' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Remove-NetRoute {
    [CmdletBinding(PositionalBinding = $false, SupportsShouldProcess = $true)]
    param(
        [ValidateSet('IPv4', 'IPv6')] [string[]]$AddressFamily,
        [switch]$AsJob,
        [object]$AssociatedIPInterface,
        [Alias('Session')] [object[]]$CimSession,
        [uint32[]]$CompartmentId,
        [string[]]$DestinationPrefix,
        [switch]$IncludeAllCompartments,
        [object[]]$InputObject,
        [Alias('ifAlias')] [string[]]$InterfaceAlias,
        [Alias('ifIndex')] [uint32[]]$InterfaceIndex,
        [string[]]$NextHop,
        [switch]$PassThru,
        [string]$PolicyStore,
        [TimeSpan[]]$PreferredLifetime,
        [ValidateSet('Other', 'Local', 'NetMgmt', 'Icmp', 'Egp', 'Ggp', 'Hello', 'Rip', 'IsIs', 'EsIs', 'Igrp', 'Bbn', 'Ospf', 'Bgp', 'Idpr', 'Eigrp', 'Dvmrp', 'Rpl', 'Dhcp')] [string[]]$Protocol,
        [ValidateSet('No', 'Age', 'Yes')] [string[]]$Publish,
        [uint16[]]$RouteMetric,
        [int]$ThrottleLimit,
        [TimeSpan[]]$ValidLifetime
    )
    Invoke-WnLab -Cmdlet 'Remove-NetRoute' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Set-NetIPInterface {
    [CmdletBinding(PositionalBinding = $false, SupportsShouldProcess = $true)]
    param(
        [ValidateSet('IPv4', 'IPv6')] [string[]]$AddressFamily,
        [ValidateSet('Disabled', 'Enabled')] [string]$AdvertiseDefaultRoute,
        [TimeSpan]$AdvertisedRouterLifetime,
        [ValidateSet('Disabled', 'Enabled')] [string]$Advertising,
        [switch]$AsJob,
        [ValidateSet('Disabled', 'Enabled')] [string]$AutomaticMetric,
        [Alias('BaseReachableTime')] [uint32]$BaseReachableTimeMs,
        [Alias('Session')] [object[]]$CimSession,
        [ValidateSet('Disabled', 'Enabled')] [string]$ClampMss,
        [uint32[]]$CompartmentId,
        [uint32]$CurrentHopLimit,
        [Alias('DadRetransmitTime')] [uint32]$DadRetransmitTimeMs,
        [uint32]$DadTransmits,
        [ValidateSet('Disabled', 'Enabled')] [string]$Dhcp,
        [ValidateSet('Disabled', 'Enabled')] [string]$DirectedMacWolPattern,
        [ValidateSet('Disabled', 'UseEct1', 'UseEct0', 'AppDecide')] [string]$EcnMarking,
        [ValidateSet('Disabled', 'Enabled')] [string]$ForceArpNdWolPattern,
        [ValidateSet('Disabled', 'Enabled')] [string]$Forwarding,
        [ValidateSet('Disabled', 'Enabled')] [string]$IgnoreDefaultRoutes,
        [switch]$IncludeAllCompartments,
        [object[]]$InputObject,
        [Alias('ifAlias')] [string[]]$InterfaceAlias,
        [Alias('ifIndex')] [uint32[]]$InterfaceIndex,
        [uint32]$InterfaceMetric,
        [ValidateSet('Disabled', 'Enabled')] [string]$ManagedAddressConfiguration,
        [ValidateSet('No', 'Yes')] [string[]]$NeighborDiscoverySupported,
        [ValidateSet('Disabled', 'Enabled')] [string]$NeighborUnreachabilityDetection,
        [uint32]$NlMtuBytes,
        [ValidateSet('Disabled', 'Enabled')] [string]$OtherStatefulConfiguration,
        [switch]$PassThru,
        [string]$PolicyStore,
        [uint32[]]$ReachableTime,
        [Alias('RetransmitTime')] [uint32]$RetransmitTimeMs,
        [ValidateSet('Disabled', 'Enabled', 'ControlledByDHCP')] [string]$RouterDiscovery,
        [int]$ThrottleLimit,
        [ValidateSet('Disabled', 'Enabled')] [string]$WeakHostReceive,
        [ValidateSet('Disabled', 'Enabled')] [string]$WeakHostSend
    )
    Invoke-WnLab -Cmdlet 'Set-NetIPInterface' -Bound $PSBoundParameters -Caller $PSCmdlet
}
