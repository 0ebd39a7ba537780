# Written by wincnode.lab.windows.standins; stands in for a module of Windows.
function Get-WinEvent {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Alias('Cn')] [string]$ComputerName,
        [object]$Credential,
        [object[]]$FilterHashtable,
        [string]$FilterXPath,
        [object]$FilterXml,
        [switch]$Force,
        [string[]]$ListLog,
        [string[]]$ListProvider,
        [string[]]$LogName,
        [object]$MaxEvents,
        [switch]$Oldest,
        [Alias('PSPath')] [string[]]$Path,
        [string[]]$ProviderName
    )
    Invoke-WnLab -Cmdlet 'Get-WinEvent' -Bound $PSBoundParameters -Caller $PSCmdlet
}
