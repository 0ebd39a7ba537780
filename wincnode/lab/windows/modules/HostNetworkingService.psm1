# Written by wincnode.lab.windows.standins; stands in for a module of Windows.
function Get-HnsEndpoint {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [string]$Id
    )
    Invoke-WnLab -Cmdlet 'Get-HnsEndpoint' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Get-HnsNamespace {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [string]$Id
    )
    Invoke-WnLab -Cmdlet 'Get-HnsNamespace' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Get-HnsNetwork {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [switch]$Detailed,
        [string]$Id
    )
    Invoke-WnLab -Cmdlet 'Get-HnsNetwork' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Get-HnsPolicyList {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [string]$Id
    )
    Invoke-WnLab -Cmdlet 'Get-HnsPolicyList' -Bound $PSBoundParameters -Caller $PSCmdlet
}
