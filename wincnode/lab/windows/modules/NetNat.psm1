# Written by wincnode.lab.windows.standins; stands in for a module of Windows.
function Get-NetNat {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [string[]]$Name,
        [int]$ThrottleLimit
    )
    Invoke-WnLab -Cmdlet 'Get-NetNat' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Get-NetNatStaticMapping {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [switch]$AsJob,
        [Alias('Session')] [object[]]$CimSession,
        [string[]]$NatName,
        [int]$ThrottleLimit
    )
    Invoke-WnLab -Cmdlet 'Get-NetNatStaticMapping' -Bound $PSBoundParameters -Caller $PSCmdlet
}
