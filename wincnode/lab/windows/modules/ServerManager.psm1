# Written by wincnode.lab.windows.standins; stands in for a module of Windows.
function Get-WindowsFeature {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Alias('Cn')] [string]$ComputerName,
        [object]$Credential,
        [string]$LogPath,
        [string[]]$Name,
        [string]$Vhd
    )
    Invoke-WnLab -Cmdlet 'Get-WindowsFeature' -Bound $PSBoundParameters -Caller $PSCmdlet
}
