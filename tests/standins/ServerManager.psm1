# Stand-in for Windows' ServerManager, which servers have and clients have not.
Set-StrictMode -Version 2

function Get-WindowsFeature {
    [CmdletBinding()]
    param([string[]]$Name)
    $machine = ConvertFrom-Json -InputObject ([IO.File]::ReadAllText('C:\machine.json'))
    foreach ($row in $machine.features) { if ($Name -contains $row.Name) { $row } }
}
