# Written by wincnode.lab.windows.standins; stands in for a module of Windows.
function Disable-WindowsOptionalFeature {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [string[]]$FeatureName,
        [Alias('LL')] [ValidateSet('Errors', 'Warnings', 'WarningsInfo')] [string]$LogLevel,
        [Alias('LP')] [string]$LogPath,
        [switch]$NoRestart,
        [switch]$Online,
        [string]$PackageName,
        [string]$Path,
        [switch]$Remove,
        [string]$ScratchDirectory,
        [string]$SystemDrive,
        [string]$WindowsDirectory
    )
    Invoke-WnLab -Cmdlet 'Disable-WindowsOptionalFeature' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Enable-WindowsOptionalFeature {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [switch]$All,
        [string[]]$FeatureName,
        [switch]$LimitAccess,
        [Alias('LL')] [ValidateSet('Errors', 'Warnings', 'WarningsInfo')] [string]$LogLevel,
        [Alias('LP')] [string]$LogPath,
        [switch]$NoRestart,
        [switch]$Online,
        [string]$PackageName,
        [string]$Path,
        [string]$ScratchDirectory,
        [string[]]$Source,
        [string]$SystemDrive,
        [string]$WindowsDirectory
    )
    Invoke-WnLab -Cmdlet 'Enable-WindowsOptionalFeature' -Bound $PSBoundParameters -Caller $PSCmdlet
}
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
