# Written by wincnode.lab.windows.standins; stands in for a module of Windows.
function Get-CimInstance {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [object[]]$CimSession,
        [string]$ClassName,
        [Alias('CN', 'ServerName')] [string[]]$ComputerName,
        [string]$Filter,
        [Alias('CimInstance')] [object]$InputObject,
        [switch]$KeyOnly,
        [string]$Namespace,
        [Alias('OT')] [uint32]$OperationTimeoutSec,
        [Alias('SelectProperties')] [string[]]$Property,
        [string]$Query,
        [string]$QueryDialect,
        [object]$ResourceUri,
        [switch]$Shallow
    )
    Invoke-WnLab -Cmdlet 'Get-CimInstance' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Invoke-CimMethod {
    [CmdletBinding(PositionalBinding = $false, SupportsShouldProcess = $true)]
    param(
        [Collections.IDictionary]$Arguments,
        [object]$CimClass,
        [object[]]$CimSession,
        [Alias('Class')] [string]$ClassName,
        [Alias('CN', 'ServerName')] [string[]]$ComputerName,
        [Alias('CimInstance')] [object]$InputObject,
        [Alias('Name')] [string]$MethodName,
        [string]$Namespace,
        [Alias('OT')] [uint32]$OperationTimeoutSec,
        [string]$Query,
        [string]$QueryDialect,
        [object]$ResourceUri
    )
    Invoke-WnLab -Cmdlet 'Invoke-CimMethod' -Bound $PSBoundParameters -Caller $PSCmdlet
}
