# Written by wincnode.lab.windows.standins; stands in for a module of Windows.
function Get-WindowsOptionalFeature {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [string]$FeatureName,
        [Alias('LL')] [ValidateSet('Errors', 'Warnings', 'WarningsInfo')] [string]$LogLevel,
        [Alias('LP')] [string]$LogPath,
        [switch]$Online,
        [string]$PackageName,
        [string]$PackagePath,
        [string]$Path,
        [string]$ScratchDirectory,
        [string]$SystemDrive,
        [string]$WindowsDirectory
    )
    Invoke-WnLab -Cmdlet 'Get-WindowsOptionalFeature' -Bound $PSBoundParameters -Caller $PSCmdlet
}
