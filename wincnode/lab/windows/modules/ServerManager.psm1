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
function Install-WindowsFeature {
    [CmdletBinding(PositionalBinding = $false, SupportsShouldProcess = $true)]
    param(
        [Alias('Cn')] [string]$ComputerName,
        [string]$ConfigurationFilePath,
        [object]$Credential,
        [switch]$IncludeAllSubFeature,
        [switch]$IncludeManagementTools,
        [string]$LogPath,
        [object[]]$Name,
        [switch]$Restart,
        [string[]]$Source,
        [string]$Vhd
    )
    Invoke-WnLab -Cmdlet 'Install-WindowsFeature' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Uninstall-WindowsFeature {
    [CmdletBinding(PositionalBinding = $false, SupportsShouldProcess = $true)]
    param(
        [Alias('Cn')] [string]$ComputerName,
        [object]$Credential,
        [switch]$IncludeManagementTools,
        [string]$LogPath,
        [object[]]$Name,
        [switch]$Remove,
        [switch]$Restart,
        [string]$Vhd
    )
    Invoke-WnLab -Cmdlet 'Uninstall-WindowsFeature' -Bound $PSBoundParameters -Caller $PSCmdlet
}
