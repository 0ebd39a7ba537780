# Stand-in for Windows' Dism module.
Set-StrictMode -Version 2

function Get-WindowsOptionalFeature {
    [CmdletBinding()]
    param([switch]$Online, [string]$FeatureName)
    $machine = ConvertFrom-Json -InputObject ([IO.File]::ReadAllText('C:\machine.json'))
    foreach ($row in $machine.optional_features) { if ($row.FeatureName -eq $FeatureName) { $row } }
}
