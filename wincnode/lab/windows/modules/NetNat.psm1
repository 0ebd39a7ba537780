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
