# Written by wincnode.lab.windows.standins; stands in for a module of Windows.
function Get-NetAdapter {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [switch]$IncludeHidden,
        [Alias('ifDesc')] [string[]]$InterfaceDescription,
        [Alias('ifIndex')] [uint32[]]$InterfaceIndex,
        [Alias('ifAlias', 'InterfaceAlias')] [string[]]$Name,
        [switch]$Physical,
        [int]$ThrottleLimit
    )
    Invoke-WnLab -Cmdlet 'Get-NetAdapter' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Get-NetAdapterChecksumOffload {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [switch]$IncludeHidden,
        [Alias('ifDesc', 'InstanceID')] [string[]]$InterfaceDescription,
        [Alias('ifAlias', 'InterfaceAlias')] [string[]]$Name,
        [int]$ThrottleLimit
    )
    Invoke-WnLab -Cmdlet 'Get-NetAdapterChecksumOffload' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Get-NetAdapterEncapsulatedPacketTaskOffload {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [switch]$IncludeHidden,
        [Alias('ifDesc', 'InstanceID')] [string[]]$InterfaceDescription,
        [Alias('ifAlias', 'InterfaceAlias')] [string[]]$Name,
        [int]$ThrottleLimit
    )
    Invoke-WnLab -Cmdlet 'Get-NetAdapterEncapsulatedPacketTaskOffload' -Bound $PSBoundParameters -Caller $PSCmdlet
}
