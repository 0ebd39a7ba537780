# Written by wincnode.lab.windows.standins; stands in for a module of Windows.
function Get-NetConnectionProfile {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [ValidateSet('Disconnected', 'NoTraffic', 'Subnet', 'LocalNetwork', 'Internet')] [string[]]$IPv4Connectivity,
        [ValidateSet('Disconnected', 'NoTraffic', 'Subnet', 'LocalNetwork', 'Internet')] [string[]]$IPv6Connectivity,
        [string[]]$InterfaceAlias,
        [uint32[]]$InterfaceIndex,
        [string[]]$Name,
        [ValidateSet('Public', 'Private', 'DomainAuthenticated')] [string[]]$NetworkCategory,
        [int]$ThrottleLimit
    )
    Invoke-WnLab -Cmdlet 'Get-NetConnectionProfile' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Set-NetConnectionProfile {
    [CmdletBinding(PositionalBinding = $false, SupportsShouldProcess = $true)]
    param(
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [ValidateSet('Disconnected', 'NoTraffic', 'Subnet', 'LocalNetwork', 'Internet')] [string[]]$IPv4Connectivity,
        [ValidateSet('Disconnected', 'NoTraffic', 'Subnet', 'LocalNetwork', 'Internet')] [string[]]$IPv6Connectivity,
        [object[]]$InputObject,
        [string[]]$InterfaceAlias,
        [uint32[]]$InterfaceIndex,
        [string[]]$Name,
        [ValidateSet('Public', 'Private', 'DomainAuthenticated')] [string]$NetworkCategory,
        [switch]$PassThru,
        [int]$ThrottleLimit
    )
    Invoke-WnLab -Cmdlet 'Set-NetConnectionProfile' -Bound $PSBoundParameters -Caller $PSCmdlet
}
