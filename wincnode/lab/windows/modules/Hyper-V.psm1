# Written by wincnode.lab.windows.standins; stands in for a module of Windows.
function Get-VMSwitch {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [object[]]$CimSession,
        [string[]]$ComputerName,
        [object[]]$Credential,
        [Alias('SwitchId')] [object[]]$Id,
        [Alias('SwitchName')] [string]$Name,
        [string[]]$ResourcePoolName,
        [ValidateSet('Private', 'Internal', 'External')] [string[]]$SwitchType
    )
    Invoke-WnLab -Cmdlet 'Get-VMSwitch' -Bound $PSBoundParameters -Caller $PSCmdlet
}
function Get-VMSwitchExtension {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [object[]]$CimSession,
        [Alias('PSComputerName')] [string[]]$ComputerName,
        [object[]]$Credential,
        [string[]]$Name,
        [object[]]$VMSwitch,
        [string[]]$VMSwitchName
    )
    Invoke-WnLab -Cmdlet 'Get-VMSwitchExtension' -Bound $PSBoundParameters -Caller $PSCmdlet
}
